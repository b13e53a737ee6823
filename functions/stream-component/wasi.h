/*
 * The functions of world.wit as the canonical ABI gives them to a core module.
 *
 * A resource is a number. What does not fit one result is written to an address that the caller gives: first which case it is,
 * then, at the alignment of the largest one, its value.
 *
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */

#include <stdint.h>

#define FROM(module, name) __attribute__((import_module(module), import_name(name)))
#define HTTP(name) FROM("wasi:http/types@0.2.0", name)
#define STREAMS(name) FROM("wasi:io/streams@0.2.0", name)

typedef int32_t handle;

/* result<resource>, and result<_, …> of which only the case matters */
typedef struct {
  uint8_t is_error;
  handle value;
} handle_result;

typedef struct {
  uint8_t is_error;
  union {
    struct {
      uint8_t *bytes;
      uint32_t length;
    } list;
    struct {
      uint8_t is_closed;
      handle error;
    } failure;
  };
} read_result;

/* option<string>, and a variant whose last case is a string */
typedef struct {
  uint8_t tag;
  const char *text;
  uint32_t length;
} tagged_string;

/* result<_, error-code>: 40 bytes, of which only the first is looked at */
typedef struct {
  _Alignas(8) uint8_t is_error;
  uint8_t rest[39];
} finish_result;

enum method { GET, HEAD, POST };

HTTP("[constructor]fields") handle fields_new(void);
HTTP("[method]fields.append")
void fields_append(handle self, const char *name, uint32_t name_length, const char *value, uint32_t value_length, handle_result *out);

HTTP("[method]incoming-request.method") void request_method(handle self, tagged_string *out);
HTTP("[method]incoming-request.path-with-query") void request_path(handle self, tagged_string *out);
HTTP("[method]incoming-request.consume") void request_consume(handle self, handle_result *out);
HTTP("[resource-drop]incoming-request") void request_drop(handle self);
HTTP("[method]incoming-body.stream") void incoming_body_stream(handle self, handle_result *out);
HTTP("[resource-drop]incoming-body") void incoming_body_drop(handle self);

HTTP("[constructor]outgoing-response") handle response_new(handle headers);
HTTP("[method]outgoing-response.set-status-code") int32_t response_set_status(handle self, int32_t status);
HTTP("[method]outgoing-response.body") void response_body(handle self, handle_result *out);
HTTP("[method]outgoing-body.write") void outgoing_body_write(handle self, handle_result *out);
HTTP("[static]outgoing-body.finish") void outgoing_body_finish(handle self, int32_t has_trailers, handle trailers, finish_result *out);
HTTP("[resource-drop]outgoing-body") void outgoing_body_drop(handle self);

/* result<outgoing-response, error-code>: with `is_error` 0 the response alone counts */
HTTP("[static]response-outparam.set")
void outparam_set(handle self, int32_t is_error, handle response, int32_t, int64_t, int32_t, int32_t, int32_t, int32_t);

STREAMS("[method]input-stream.blocking-read") void stream_read(handle self, int64_t most, read_result *out);
STREAMS("[resource-drop]input-stream") void input_stream_drop(handle self);
STREAMS("[method]output-stream.blocking-write-and-flush")
void stream_write(handle self, const uint8_t *bytes, uint32_t length, read_result *out);
STREAMS("[resource-drop]output-stream") void output_stream_drop(handle self);
FROM("wasi:io/error@0.2.0", "[resource-drop]error") void error_drop(handle self);

FROM("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration") handle clock_after(int64_t nanoseconds);
FROM("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(handle self);
FROM("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(handle self);
