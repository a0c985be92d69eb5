/* What each test program needs. A program is one test: it ends with 0 if all
 * holds, and says where it does not. */

#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <direct.h>
#include <process.h>
#else
#include <sys/wait.h>
#endif
#include <unistd.h>

#include <untorn.h>

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(EXIT_FAILURE);                                                     \
    }                                                                         \
  } while (0)

/* The call succeeds. Uses the variable `error`. */
#define OK(call)                                                        \
  do {                                                                  \
    untorn_code code_ = (call);                                         \
    if (code_ != UNTORN_OK) {                                           \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,            \
              untorn_code_name(code_), untorn_error_message(error));    \
      exit(EXIT_FAILURE);                                               \
    }                                                                   \
    CHECK(error == NULL);                                               \
  } while (0)

/* The call fails with this code; `error` is to be freed. */
#define FAILS(expected, call)                                              \
  do {                                                                     \
    untorn_code code_ = (call);                                            \
    if (code_ != (expected)) {                                             \
      fprintf(stderr, "%s:%d: %s, not %s\n", __FILE__, __LINE__,           \
              untorn_code_name(code_), #expected);                         \
      exit(EXIT_FAILURE);                                                  \
    }                                                                      \
    CHECK(error != NULL);                                                  \
    CHECK(untorn_error_code(error) == (expected));                         \
    CHECK(untorn_error_message(error)[0] != '\0');                         \
  } while (0)

/* The same, of which nothing else is looked at. */
#define REFUSED(expected, call)  \
  do {                           \
    FAILS(expected, call);       \
    untorn_error_free(error);    \
    error = NULL;                \
  } while (0)

static inline const uint8_t *bytes(const char *text) {
  return (const uint8_t *)text;
}

static inline int same(const uint8_t *data, size_t len, const char *text) {
  return data != NULL && len == strlen(text) && memcmp(data, text, len) == 0;
}

#ifdef _WIN32
#define SLASH "\\"
/* Below the current directory, which windows.sh removes. */
static inline char *directory(void) {
  static char name[64];
  snprintf(name, sizeof name, "untorn-test-%d", _getpid());
  CHECK(_mkdir(name) == 0);
  CHECK(chdir(name) == 0);
  return name;
}

static inline void clean_up(void) {}
#else
#define SLASH "/"
static inline char *directory(void) {
  static char name[] = "untorn-test-XXXXXX";
  const char *parent = getenv("TMPDIR");
  CHECK(chdir(parent != NULL ? parent : "/tmp") == 0);
  CHECK(mkdtemp(name) != NULL);
  CHECK(chdir(name) == 0);
  return name;
}

/* The directory that directory() made, and the files in it, are gone. */
static inline void clean_up(void) {
  char command[] = "rm -rf -- \"$PWD\"";
  CHECK(system(command) == 0);
}
#endif

static inline void write_file(const char *name, const char *text) {
  FILE *file = fopen(name, "wb");
  CHECK(file != NULL);
  CHECK(fwrite(text, 1, strlen(text), file) == strlen(text));
  CHECK(fclose(file) == 0);
}

static inline void file_is(const char *name, const char *text) {
  char buffer[4096];
  FILE *file = fopen(name, "rb");
  CHECK(file != NULL);
  size_t size = fread(buffer, 1, sizeof buffer, file);
  CHECK(fclose(file) == 0);
  if (!same((const uint8_t *)buffer, size, text)) {
    fprintf(stderr, "%s holds: %.*s\n", name, (int)size, buffer);
    exit(EXIT_FAILURE);
  }
}

#ifndef _WIN32
/* One byte through a pipe: something has happened. */
static inline void tell(int to) { CHECK(write(to, "x", 1) == 1); }

static inline void await(int from) {
  char byte;
  ssize_t n;
  do {
    n = read(from, &byte, 1);
  } while (n == -1 && errno == EINTR);
  CHECK(n == 1);
}

/* The exit status of a child that ends by itself. */
static inline int status_of(pid_t child) {
  int status;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}
#endif

#endif
