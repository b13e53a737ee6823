/*
 * The nth Fibonacci number: `?n=30`, n up to 93, the last one that 64 bits hold.
 *
 * With `&recursive=1` it is computed as the definition says, which is the classical way to keep a processor busy;
 * n is up to 45 there. A number that cannot be used ends the program with exit code 2.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_N 93
#define MAX_RECURSIVE_N 45

static uint64_t fibonacci(int n) {
  uint64_t a = 0, b = 1;
  while (n-- > 0) {
    uint64_t next = a + b;
    a = b;
    b = next;
  }
  return a;
}

static uint32_t fibonacci_recursive(int n) {
  return n < 2 ? (uint32_t)n : fibonacci_recursive(n - 1) + fibonacci_recursive(n - 2);
}

/* A whole number from 0 to max, or -1. */
static int parse_count(const char *text, int max) {
  int n = 0;
  if (*text == '\0') return -1;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return -1;
    n = n * 10 + (*text - '0');
    if (n > max) return -1;
  }
  return n;
}

/* printf would be four fifths of this program. */
static void print_number(uint64_t number) {
  char line[21];
  size_t at = sizeof line;
  line[--at] = '\n';
  do line[--at] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  write(STDOUT_FILENO, line + at, sizeof line - at);
}

static int refuse(const char *reason) {
  write(STDERR_FILENO, reason, strlen(reason));
  return 2;
}

int main(void) {
  const char *text = getenv("n");
  const char *recursive = getenv("recursive");
  if (text == NULL) text = "30";
  if (recursive != NULL && strcmp(recursive, "1") == 0) {
    int n = parse_count(text, MAX_RECURSIVE_N);
    if (n < 0) return refuse("n must be a whole number from 0 to 45\n");
    print_number(fibonacci_recursive(n));
  } else {
    int n = parse_count(text, MAX_N);
    if (n < 0) return refuse("n must be a whole number from 0 to 93\n");
    print_number(fibonacci(n));
  }
  return 0;
}
