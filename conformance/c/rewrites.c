/* The steps with headers, and those that rewrite a journal. */

#include "driver.h"

static void header(void) {
  uint8_t *data = NULL;
  size_t len = 0;
  if (succeeded(untorn_journal_header(journal(), &data, &len, &error)))
    put_value(data, len);
}

static void set_header(void) {
  untorn_bytes header = decoded(required("bytes"));
  (void)succeeded(untorn_journal_set_header(journal(), header.data, header.len, call(), &error));
}

static void go_back(const char *op) {
  untorn_position to = {number("generation", 0), number("offset", 0)};
  char *path = NULL;
  untorn_code code;
  if (strcmp(op, "rewind") == 0)
    code = untorn_journal_rewind(journal(), to, call(), &path, &error);
  else if (strcmp(op, "rotate") == 0)
    code = untorn_journal_rotate(journal(), call(), &path, &error);
  else
    code = untorn_journal_clear(journal(), call(), &path, &error);
  if (succeeded(code))
    put_text("rotated", path);
  untorn_string_free(path);
}

static void list_rotated(void) {
  untorn_rotated *rotated = NULL;
  const char *path;
  if (!succeeded(untorn_journal_rotated(journal(), &rotated, &error)))
    return;
  printf(",\"paths\":[");
  for (size_t i = 0; (path = untorn_rotated_path(rotated, i)) != NULL; i++) {
    printf("%s{\"first\":0", i ? "," : "");
    put_text("path", path);
    putchar('}');
  }
  putchar(']');
  untorn_rotated_free(rotated);
}

static void prune_rotated(void) {
  uint64_t count = 0, keep = number("keep_files", 0), age = number("older_than", 0);
  if (succeeded(untorn_journal_prune_rotated(journal(), keep, age, call(), &count, &error)))
    printf(",\"found\":%" PRIu64, count);
}

static void replace(void) {
  untorn_bytes records[ARGUMENTS];
  untorn_position position;
  if (succeeded(untorn_journal_replace(journal(), records, many(records), call(), &position,
                                       &error)))
    put_position(position);
}

/* Pushes the records of these numbers, and then more. */
static untorn_code fill(untorn_rewrite *rewrite) {
  untorn_bytes add[ARGUMENTS];
  untorn_records *old = NULL;
  const uint8_t *data;
  size_t len, count = many(add);
  untorn_code code = untorn_rewrite_records(rewrite, &old, &error);
  for (uint64_t i = 0; code == UNTORN_OK; i++) {
    code = untorn_records_next(old, &data, &len, NULL, NULL, &error);
    if (code != UNTORN_OK || data == NULL)
      break;
    for (size_t k = 0; k < command.count && code == UNTORN_OK; k++)
      if (strcmp(command.keys[k], "stay") == 0 && strtoull(command.values[k], NULL, 10) == i)
        code = untorn_rewrite_push(rewrite, data, len, &error);
  }
  untorn_records_free(old);
  for (size_t i = 0; i < count && code == UNTORN_OK; i++)
    code = untorn_rewrite_push(rewrite, add[i].data, add[i].len, &error);
  return code;
}

/* With fail: the caller finds that it can't say what is to be there. */
static void compact(void) {
  untorn_rewrite *rewrite = NULL;
  untorn_position position;
  if (!succeeded(untorn_journal_begin_rewrite(journal(), call(), &rewrite, &error)))
    return;
  if (!number("fail", 0) && succeeded(fill(rewrite)) &&
      succeeded(untorn_rewrite_commit(rewrite, &position, &error)))
    put_position(position);
  untorn_rewrite_free(rewrite);
}

bool rewrite_step(const char *op) {
  if (strcmp(op, "header") == 0)
    header();
  else if (strcmp(op, "set_header") == 0)
    set_header();
  else if (strcmp(op, "rewind") == 0 || strcmp(op, "rotate") == 0 || strcmp(op, "clear") == 0)
    go_back(op);
  else if (strcmp(op, "rotated") == 0)
    list_rotated();
  else if (strcmp(op, "prune_rotated") == 0)
    prune_rotated();
  else if (strcmp(op, "replace") == 0)
    replace();
  else if (strcmp(op, "compact") == 0)
    compact();
  else
    return false;
  return true;
}
