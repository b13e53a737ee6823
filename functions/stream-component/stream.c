/*
 * A component that streams: wasi:http/incoming-handler, by hand, without a library.
 *
 *     GET  /?n=5&delay=100   n lines, one each `delay` milliseconds; the trailer x-lines counts them
 *     POST /                 the body in capitals, while it still comes; the trailer x-bytes counts its bytes
 */

#include "wasi.h"

#define MAX_LINES 1000
#define MAX_DELAY_MS 10000
#define READ_BYTES 16384
#define WRITE_BYTES 4096 /* more at once is not allowed */

static const uint64_t NS_PER_MS = 1000000;

/* ---- memory: what the host hands in is here until the next request, and what is read until the next read ---- */

static uint8_t arena[96 * 1024];
static uint32_t used;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, uint32_t old_size, uint32_t align, uint32_t size) {
  uint32_t start = (used + align - 1) & ~(align - 1);
  if (start > sizeof arena || size > sizeof arena - start) __builtin_trap();
  used = start + size;
  uint32_t kept = old_size < size ? old_size : size;
  if (old != 0) __builtin_memcpy(arena + start, old, kept);
  return arena + start;
}

/* ---- text ---- */

static uint32_t length_of(const char *text) {
  uint32_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

/* Appends the number in decimal digits; returns the end. */
static char *put_number(char *out, uint64_t number) {
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  while (count > 0) *out++ = digits[--count];
  return out;
}

static char *put_text(char *out, const char *text) {
  while (*text != '\0') *out++ = *text++;
  return out;
}

/* The number of a query parameter; `fallback` when it is absent, -1 when it is no number up to `max`. */
static int64_t read_number(const tagged_string *path, char name, const char *more, int64_t max, int64_t fallback) {
  const char *end = path->text + path->length;
  uint32_t more_length = length_of(more);
  for (const char *at = path->text; at < end; at++) {
    if (*at != '?' && *at != '&') continue;
    if (end - at < 3 + (int64_t)more_length || at[1] != name || at[2 + more_length] != '=') continue;
    uint32_t same = 0;
    while (same < more_length && at[2 + same] == more[same]) same++;
    if (same < more_length) continue;
    int64_t number = -1;
    for (at += 3 + more_length; at < end && *at != '&'; at++) {
      if (*at < '0' || *at > '9') return -1;
      number = (number < 0 ? 0 : number) * 10 + (*at - '0');
      if (number > max) return -1;
    }
    return number;
  }
  return fallback;
}

/* ---- answers ---- */

typedef struct {
  handle body;
  handle stream;
} answer;

static void append_field(handle fields, const char *name, const char *value, uint32_t length) {
  handle_result result;
  fields_append(fields, name, length_of(name), value, length, &result);
}

/* Sends status and headers; the body comes after. Returns 0 when there is no body to write. */
static int begin(handle out, int status, const char *allow, answer *answer) {
  handle headers = fields_new();
  const char *type = "text/plain; charset=utf-8";
  append_field(headers, "content-type", type, length_of(type));
  if (allow != 0) append_field(headers, "allow", allow, length_of(allow));
  handle response = response_new(headers);
  handle_result body, stream;
  response_set_status(response, status);
  response_body(response, &body);
  outparam_set(out, 0, response, 0, 0, 0, 0, 0, 0);
  if (body.is_error) return 0;
  outgoing_body_write(body.value, &stream);
  if (stream.is_error) {
    outgoing_body_drop(body.value);
    return 0;
  }
  answer->body = body.value;
  answer->stream = stream.value;
  return 1;
}

/* Returns 0 when nobody reads any more. */
static int write(const answer *answer, const uint8_t *bytes, uint32_t length) {
  while (length > 0) {
    uint32_t part = length < WRITE_BYTES ? length : WRITE_BYTES;
    read_result result;
    stream_write(answer->stream, bytes, part, &result);
    if (result.is_error) {
      if (!result.failure.is_closed) error_drop(result.failure.error);
      return 0;
    }
    bytes += part;
    length -= part;
  }
  return 1;
}

/* Ends the body with one trailer; without a name, or when it is not whole, in another way. */
static void end(const answer *answer, int is_whole, const char *trailer, uint64_t count) {
  output_stream_drop(answer->stream);
  if (!is_whole) {
    outgoing_body_drop(answer->body); /* unfinished: the host says so to the client */
    return;
  }
  handle trailers = 0;
  if (trailer != 0) {
    char digits[20];
    trailers = fields_new();
    append_field(trailers, trailer, digits, (uint32_t)(put_number(digits, count) - digits));
  }
  finish_result result;
  outgoing_body_finish(answer->body, trailer != 0, trailers, &result);
}

static void refuse(handle out, int status, const char *allow, const char *reason) {
  answer answer;
  if (!begin(out, status, allow, &answer)) return;
  end(&answer, write(&answer, (const uint8_t *)reason, length_of(reason)), 0, 0);
}

/* ---- what it does ---- */

static void pause_ms(int64_t delay_ms) {
  handle pollable = clock_after(delay_ms * (int64_t)NS_PER_MS);
  pollable_block(pollable);
  pollable_drop(pollable);
}

static void stream_lines(handle out, int64_t count, int64_t delay_ms) {
  answer answer;
  if (!begin(out, 200, 0, &answer)) return;
  int is_whole = 1;
  for (int64_t number = 1; number <= count && is_whole; number++) {
    if (number > 1 && delay_ms > 0) pause_ms(delay_ms);
    char line[64];
    char *at = put_text(line, "[");
    at = put_number(at, (uint64_t)number);
    at = put_text(at, "] cites [");
    at = put_number(at, (uint64_t)(number < count ? number + 1 : 1));
    at = put_text(at, "]\n");
    is_whole = write(&answer, (const uint8_t *)line, (uint32_t)(at - line));
  }
  end(&answer, is_whole, "x-lines", (uint64_t)count);
}

static void capitalise(uint8_t *bytes, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    if (bytes[i] >= 'a' && bytes[i] <= 'z') bytes[i] -= 'a' - 'A';
  }
}

static void stream_capitals(handle request, handle out) {
  answer answer;
  handle_result body, input;
  request_consume(request, &body);
  if (body.is_error) return refuse(out, 400, 0, "The body is not there\n");
  incoming_body_stream(body.value, &input);
  if (!begin(out, 200, 0, &answer)) return;
  int is_whole = !input.is_error;
  uint64_t count = 0;
  while (is_whole) {
    used = 0;
    read_result chunk;
    stream_read(input.value, READ_BYTES, &chunk);
    if (chunk.is_error) {
      is_whole = chunk.failure.is_closed;
      if (!is_whole) error_drop(chunk.failure.error);
      break;
    }
    capitalise(chunk.list.bytes, chunk.list.length);
    count += chunk.list.length;
    is_whole = write(&answer, chunk.list.bytes, chunk.list.length);
  }
  if (!input.is_error) input_stream_drop(input.value);
  incoming_body_drop(body.value);
  end(&answer, is_whole, "x-bytes", count);
}

__attribute__((export_name("wasi:http/incoming-handler@0.2.0#handle"))) void handle_request(handle request, handle out) {
  tagged_string method, path;
  used = 0;
  request_method(request, &method);
  request_path(request, &path);
  if (path.tag == 0) path.length = 0;
  int is_root = path.length == 0 || (path.text[0] == '/' && (path.length == 1 || path.text[1] == '?'));
  int64_t count = read_number(&path, 'n', "", MAX_LINES, 5);
  int64_t delay_ms = read_number(&path, 'd', "elay", MAX_DELAY_MS, 100);
  if (!is_root) {
    refuse(out, 404, 0, "There is nothing at this address\n");
  } else if (method.tag == POST) {
    stream_capitals(request, out);
  } else if (method.tag != GET && method.tag != HEAD) {
    refuse(out, 405, "GET, HEAD, POST", "Use GET or POST\n");
  } else if (count < 0 || delay_ms < 0) {
    refuse(out, 400, 0, "n is from 0 to 1000, delay from 0 to 10000 milliseconds\n");
  } else {
    stream_lines(out, count, delay_ms);
  }
  request_drop(request);
}
