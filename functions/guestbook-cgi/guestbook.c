/*
 * A guestbook as it was in 1996: a CGI program that prints a form and what people left in it.
 *
 *     GET  /             the form, and the newest entries
 *     POST /             signs: name=…&message=… as forms send it; then back to the form
 *     GET  /entries.txt  everything, oldest first
 *     GET  /rules        what may be written
 *
 * Entries are lines of one file in /state, the directory that outlives the request: time, name and message with tabs between.
 *
 * https://www.rfc-editor.org/rfc/rfc3875
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOOK "/state/entries.txt"
#define MAX_BODY_BYTES 8192
#define MAX_NAME_BYTES 60
#define MAX_MESSAGE_BYTES 1000
#define MAX_BOOK_BYTES (256 * 1024)
#define MAX_SHOWN 50

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value != NULL ? value : "";
}

/* The head of the answer, after which the body is printed. */
static void begin(const char *status, const char *type) {
  fputs("Status: ", stdout);
  fputs(status, stdout);
  fputs("\r\nContent-Type: ", stdout);
  fputs(type, stdout);
  fputs("; charset=utf-8\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'\r\n",
        stdout);
}

static int refuse(const char *status, const char *reason) {
  begin(status, "text/plain");
  fputs("\r\n", stdout);
  puts(reason);
  return 0;
}

static void print_escaped(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    switch (text[i]) {
      case '&': fputs("&amp;", stdout); break;
      case '<': fputs("&lt;", stdout); break;
      case '>': fputs("&gt;", stdout); break;
      case '"': fputs("&quot;", stdout); break;
      case '\'': fputs("&#39;", stdout); break;
      default: putchar(text[i]);
    }
  }
}

/* ---- the form ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/*
 * Copies the field of a urlencoded form into `out`, decoded, with white space and control characters as single spaces.
 * Returns its length, 0 when there is none, and `size` when it is too long.
 */
static size_t read_field(const char *form, const char *name, char *out, size_t size) {
  size_t name_length = strlen(name);
  const char *at = form;
  while (strncmp(at, name, name_length) != 0 || at[name_length] != '=') {
    at = strchr(at, '&');
    if (at == NULL) return 0;
    at++;
  }
  size_t length = 0;
  for (at += name_length + 1; *at != '\0' && *at != '&'; at++) {
    unsigned char c = (unsigned char)*at;
    if (c == '+') c = ' ';
    if (c == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
      c = (unsigned char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
      at += 2;
    }
    if (c < ' ' || c == 127) c = ' ';
    if (c == ' ' && (length == 0 || out[length - 1] == ' ')) continue;
    if (length == size - 1) return size;
    out[length++] = (char)c;
  }
  while (length > 0 && out[length - 1] == ' ') length--;
  out[length] = '\0';
  return length;
}

/* Whether bytes are UTF-8, so that a page never holds half a letter. */
static int is_utf8(const char *text) {
  const unsigned char *s = (const unsigned char *)text;
  while (*s != 0) {
    int more = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : *s >= 0xe0 && *s < 0xf0 ? 2 : *s >= 0xf0 && *s < 0xf5 ? 3 : -1;
    if (more < 0) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    for (s++; more > 0; more--, s++) {
      if ((*s & 0xc0) != 0x80) return 0;
    }
  }
  return 1;
}

/* ---- the book ---- */

/* The whole book, ended by a zero; NULL when it cannot be read. An absent one is empty. */
static char *read_book(size_t *length) {
  char *book = malloc(MAX_BOOK_BYTES + MAX_BODY_BYTES + 1);
  *length = 0;
  if (book == NULL) return NULL;
  int file = open(BOOK, O_RDONLY);
  if (file >= 0) {
    ssize_t count;
    while ((count = read(file, book + *length, MAX_BOOK_BYTES + MAX_BODY_BYTES - *length)) > 0) *length += (size_t)count;
    close(file);
  }
  book[*length] = '\0';
  return book;
}

/* Appends with one write, so that two who sign at once do not mix. Returns 0 when it is kept. */
static int append(const char *line, size_t length) {
  int file = open(BOOK, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0) return -1;
  ssize_t written = write(file, line, length);
  return close(file) == 0 && written == (ssize_t)length ? 0 : -1;
}

static int sign(void) {
  if (strncmp(variable("CONTENT_TYPE"), "application/x-www-form-urlencoded", 33) != 0) {
    return refuse("415 Unsupported Media Type", "Send application/x-www-form-urlencoded");
  }
  long announced = atol(variable("CONTENT_LENGTH"));
  if (announced > MAX_BODY_BYTES) return refuse("413 Content Too Large", "That is too long for a guestbook");
  char form[MAX_BODY_BYTES + 1], name[MAX_NAME_BYTES + 1], message[MAX_MESSAGE_BYTES + 1];
  size_t length = announced > 0 ? fread(form, 1, (size_t)announced, stdin) : 0;
  form[length] = '\0';

  size_t name_length = read_field(form, "name", name, sizeof name);
  size_t message_length = read_field(form, "message", message, sizeof message);
  if (name_length == 0 || message_length == 0) return refuse("400 Bad Request", "Both name and message are wanted");
  if (name_length == sizeof name) return refuse("400 Bad Request", "The name is longer than 60 bytes");
  if (message_length == sizeof message) return refuse("400 Bad Request", "The message is longer than 1000 bytes");
  if (!is_utf8(name) || !is_utf8(message)) return refuse("400 Bad Request", "Send UTF-8");

  struct stat book;
  if (stat(BOOK, &book) == 0 && book.st_size > MAX_BOOK_BYTES) return refuse("507 Insufficient Storage", "The book is full");
  time_t now = time(NULL);
  struct tm utc;
  gmtime_r(&now, &utc);
  char line[32 + MAX_NAME_BYTES + MAX_MESSAGE_BYTES];
  size_t at = strftime(line, 32, "%Y-%m-%d %H:%M\t", &utc);
  memcpy(line + at, name, name_length);
  at += name_length;
  line[at++] = '\t';
  memcpy(line + at, message, message_length);
  at += message_length;
  line[at++] = '\n';
  if (append(line, at) != 0) return refuse("503 Service Unavailable", "The book cannot be written to");

  begin("303 See Other", "text/plain");
  /* Relative, because the program does not know under which path it is served. */
  fputs("Location: ./\r\n\r\nThank you\n", stdout);
  return 0;
}

/* ---- the pages ---- */

static void print_entry(const char *line, const char *end) {
  const char *name = memchr(line, '\t', (size_t)(end - line));
  const char *message = name != NULL ? memchr(name + 1, '\t', (size_t)(end - name - 1)) : NULL;
  if (message == NULL) return;
  fputs("<li><p>", stdout);
  print_escaped(message + 1, (size_t)(end - message - 1));
  fputs("</p><small>", stdout);
  print_escaped(name + 1, (size_t)(message - name - 1));
  fputs(", <time>", stdout);
  print_escaped(line, (size_t)(name - line));
  fputs("</time></small></li>\n", stdout);
}

static int show_book(void) {
  size_t length;
  char *book = read_book(&length);
  if (book == NULL) return refuse("503 Service Unavailable", "The book cannot be read");
  begin("200 OK", "text/html");
  fputs("\r\n<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Guestbook</title>\n"
        "<style>body{max-width:36em;margin:2em auto;padding:0 1em;font:1.05em/1.5 serif;background:#f7f0e0;color:#2a2b36}"
        "input,textarea{display:block;width:100%;box-sizing:border-box;font:inherit;margin:.2em 0 .8em}"
        "li{list-style:none;border-top:1px solid #cf9f63}ul{padding:0}small{color:#6b4a35}</style>\n"
        "<h1>Guestbook</h1>\n<form method=\"post\">\n"
        "<label>Name <input name=\"name\" maxlength=\"60\" required></label>\n"
        "<label>Message <textarea name=\"message\" rows=\"3\" maxlength=\"1000\" required></textarea></label>\n"
        "<button>Sign</button>\n</form>\n<ul>\n",
        stdout);
  const char *end = book + length;
  for (int shown = 0; shown < MAX_SHOWN && end > book; shown++) {
    const char *line = end - 1;
    while (line > book && line[-1] != '\n') line--;
    print_entry(line, end - 1);
    end = line;
  }
  puts(length > 0 ? "</ul>" : "</ul>\n<p>Nobody has signed yet.</p>");
  free(book);
  return 0;
}

static int print_book(void) {
  size_t length;
  char *book = read_book(&length);
  if (book == NULL) return refuse("503 Service Unavailable", "The book cannot be read");
  begin("200 OK", "text/plain");
  fputs("\r\n", stdout);
  fwrite(book, 1, length, stdout);
  free(book);
  return 0;
}

static int show_rules(void) {
  begin("200 OK", "text/plain");
  fputs("\r\nBe brief, be kind, cite your sources.\nA name has up to 60 bytes, a message up to 1000.\n", stdout);
  return 0;
}

int main(void) {
  const char *method = variable("REQUEST_METHOD");
  const char *path = variable("PATH_INFO");
  int is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
  int is_root = strcmp(path, "") == 0 || strcmp(path, "/") == 0;

  if (is_root && strcmp(method, "POST") == 0) return sign();
  if (!is_root && strcmp(path, "/entries.txt") != 0 && strcmp(path, "/rules") != 0) {
    return refuse("404 Not Found", "There is nothing at this address");
  }
  if (!is_read) {
    begin("405 Method Not Allowed", "text/plain");
    fputs(is_root ? "Allow: GET, HEAD, POST\r\n\r\n" : "Allow: GET, HEAD\r\n\r\n", stdout);
    return 0;
  }
  if (is_root) return show_book();
  return strcmp(path, "/rules") == 0 ? show_rules() : print_book();
}
