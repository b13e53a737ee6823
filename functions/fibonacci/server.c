/*
 * fibonacci.c behind HTTP/1.1, for a container: `GET /?n=30&recursive=1`, on $PORT or 8080, a thread for each connection.
 *
 * The answers are those of the program behind Nebula: what ends that with exit code 2 is a 500 here too. Every
 * connection has a limit in time and in size, and what is not HTTP/1.1 is told so and cut off.
 */

#define main fibonacci_main
#include "fibonacci.c"
#undef main

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Of a request line: what Nebula lets through, and some more. Of all headers together. */
#define MAX_LINE 17000
#define MAX_HEAD 200000
#define IDLE_SECONDS 60
#define STACK_BYTES (128 * 1024)

struct request {
  char line[MAX_LINE];
  bool is_head, is_chunked, is_last;
  unsigned long long body_bytes;
};

/* Escapes of a form, in place; a text ends where a NUL would be, and so there is none. */
static void decode(char *text) {
  char *to = text;
  for (; *text != '\0'; text++) {
    unsigned byte;
    if (*text == '+') *to++ = ' ';
    else if (*text != '%' || strspn(text + 1, "0123456789abcdefABCDEF") < 2) *to++ = *text;
    else if (sscanf(text + 1, "%2x", &byte) == 1) {
      if (byte != 0) *to++ = (char)byte;
      text += 2;
    }
  }
  *to = '\0';
}

/* The body of the answer, and whether it is a refusal. */
static bool compute(char *query, char *body, size_t size) {
  const char *n = "30";
  bool is_recursive = false;
  for (char *pair; (pair = strsep(&query, "&")) != NULL;) {
    char *value = pair, *name = strsep(&value, "=");
    if (value == NULL) value = "";
    else decode(value);
    decode(name);
    if (strcmp(name, "n") == 0) n = value;
    if (strcmp(name, "recursive") == 0) is_recursive = strcmp(value, "1") == 0;
  }
  int max = is_recursive ? MAX_RECURSIVE_N : MAX_N, count = parse_count(n, max);
  if (count < 0) {
    snprintf(body, size, "n must be a whole number from 0 to %d\n", max);
    return false;
  }
  uint64_t number = is_recursive ? fibonacci_recursive(count) : fibonacci(count);
  snprintf(body, size, "%llu\n", (unsigned long long)number);
  return true;
}

static bool answer(int client, const struct request *request, const char *status, const char *body) {
  char text[400];
  int size = snprintf(text, sizeof text,
                      "HTTP/1.1 %s\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n"
                      "content-length: %zu\r\n%s\r\n%s",
                      status, strlen(body), request->is_last ? "connection: close\r\n" : "",
                      request->is_head ? "" : body);
  return send(client, text, size, MSG_NOSIGNAL) == size;
}

/* A line without its end, or as much of it as there is room for, which is not the whole of it. */
static bool read_line(FILE *in, char *line) {
  line[0] = '\0';
  if (fgets(line, MAX_LINE, in) == NULL) return false;
  size_t end = strlen(line);
  bool is_whole = end > 0 && line[end - 1] == '\n';
  while (end > 0 && (line[end - 1] == '\n' || line[end - 1] == '\r')) line[--end] = '\0';
  return is_whole;
}

static void read_field(struct request *request, const char *line) {
  const char *value = strchr(line, ':');
  if (value == NULL) return;
  value += 1 + strspn(value + 1, " \t");
  if (strncasecmp(line, "content-length:", 15) == 0) request->body_bytes = strtoull(value, NULL, 10);
  if (strncasecmp(line, "transfer-encoding:", 18) == 0) request->is_chunked = true;
  if (strncasecmp(line, "connection:", 11) == 0 && strcasecmp(value, "close") == 0) request->is_last = true;
}

/* Reads a head. What is wrong with it, as a status; NULL when nothing is, "" when the client has left. */
static const char *read_head(FILE *in, struct request *request) {
  char line[MAX_LINE];
  request->is_head = request->is_chunked = false;
  request->is_last = true;
  request->body_bytes = 0;
  if (!read_line(in, request->line)) return feof(in) || ferror(in) ? "" : "414 URI Too Long";
  size_t size = 0;
  const char *version = strrchr(request->line, ' ');
  if (version == strchr(request->line, ' ') || strncmp(version, " HTTP/1.", 8) != 0) return "400 Bad Request";
  request->is_last = strcmp(version, " HTTP/1.1") != 0;
  request->is_head = strncmp(request->line, "HEAD ", 5) == 0;
  for (bool is_begun = false;;) {
    bool is_whole = read_line(in, line);
    if (!is_whole && (feof(in) || ferror(in))) return "";
    if (is_whole && !is_begun && line[0] == '\0') return NULL;
    if ((size += strlen(line)) > MAX_HEAD) return "431 Request Header Fields Too Large";
    /* The rest of a long line is no field, whatever it says. */
    if (!is_begun) read_field(request, line);
    is_begun = !is_whole;
  }
}

static bool skip(FILE *in, unsigned long long bytes) {
  while (bytes > 0 && getc(in) != EOF) bytes--;
  return bytes == 0;
}

/* What the program does not read is taken from the connection all the same: the next request comes behind it. */
static bool skip_body(FILE *in, const struct request *request) {
  char line[MAX_LINE];
  if (!request->is_chunked) return skip(in, request->body_bytes);
  for (;;) {
    char *end;
    if (!read_line(in, line)) return false;
    unsigned long long bytes = strtoull(line, &end, 16);
    if (end == line) return false;
    if (bytes == 0) break;
    if (!skip(in, bytes) || !read_line(in, line) || line[0] != '\0') return false;
  }
  do if (!read_line(in, line)) return false;
  while (line[0] != '\0');
  return true;
}

static void *serve(void *given) {
  FILE *in = given;
  struct request request;
  int client = fileno(in);
  for (;;) {
    char body[64] = "";
    const char *wrong = read_head(in, &request);
    if (wrong != NULL) {
      request.is_last = true;
      if (wrong[0] != '\0') answer(client, &request, wrong, "");
      break;
    }
    char *target = strchr(request.line, ' ') + 1, *query = strchr(target, '?');
    target[strcspn(target, " ")] = '\0';
    bool is_computed = compute(query == NULL ? target + strlen(target) : query + 1, body, sizeof body);
    if (!answer(client, &request, is_computed ? "200 OK" : "500 Internal Server Error", body)) break;
    if (!skip_body(in, &request) || request.is_last) break;
  }
  fclose(in);
  return NULL;
}

static void stop(int signal) {
  (void)signal;
  _exit(0);
}

int main(void) {
  const char *port = getenv("PORT");
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port == NULL ? 8080 : atoi(port))};
  struct timeval idle = {.tv_sec = IDLE_SECONDS};
  pthread_attr_t small;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 512) != 0) return 1;
  /* The first process of a container is stopped by no signal that it does not ask for. */
  signal(SIGTERM, stop);
  pthread_attr_init(&small);
  pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&small, STACK_BYTES);
  for (;;) {
    int client = accept(listener, NULL, NULL);
    pthread_t thread;
    if (client < 0) continue;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
    FILE *in = fdopen(client, "r");
    if (in == NULL) close(client);
    else if (pthread_create(&thread, &small, serve, in) != 0) fclose(in);
  }
}
