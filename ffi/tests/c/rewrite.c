/* Another file takes a journal's place. */

#include "test.h"

static untorn_error *error = NULL;

static untorn_journal *open_journal(const char *path) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open(path, &options, &journal, &error));
  return journal;
}

static untorn_position append(untorn_journal *journal, const char *record) {
  untorn_position position;
  OK(untorn_journal_append(journal, bytes(record), strlen(record), NULL, &position, &error));
  return position;
}

static void is(const char *path, const char *expected) {
  uint8_t *data = NULL;
  size_t len = 0;
  OK(untorn_load(path, &data, &len, NULL, &error));
  CHECK(len == strlen(expected) && memcmp(data, expected, len) == 0);
  untorn_buffer_free(data);
}

static void back_and_anew(void) {
  untorn_journal *journal = open_journal("j.jsonl");
  untorn_journal *other = open_journal("j.jsonl");
  char *path = (char *)1;
  untorn_position one = append(journal, "[1]");
  append(other, "[2]");
  OK(untorn_journal_rewind(journal, one, NULL, &path, &error));
  CHECK(strstr(path, "j_1.jsonl") != NULL);
  untorn_string_free(path);
  is("j_1.jsonl", "[1]\n[2]\n");
  is("j.jsonl", "[1]\n");
  FAILS(UNTORN_CONFLICT, untorn_journal_rewind(journal, one, NULL, &path, &error));
  CHECK(untorn_error_position(error, &one));
  CHECK(one.offset == 4);
  untorn_error_free(error);
  error = NULL;
  OK(untorn_journal_rewind(journal, one, NULL, &path, &error));
  CHECK(path == NULL);
  append(other, "[3]");
  OK(untorn_journal_rotate(journal, NULL, NULL, &error));
  is("j_2.jsonl", "[1]\n[3]\n");
  OK(untorn_journal_rotate(journal, NULL, &path, &error));
  CHECK(path == NULL);
  append(other, "[4]");
  OK(untorn_journal_clear(journal, NULL, &path, &error));
  CHECK(strstr(path, "j_3.jsonl") != NULL);
  untorn_string_free(path);
  is("j_3.jsonl", "[4]\n");
  OK(untorn_journal_clear(journal, NULL, &path, &error));
  CHECK(path == NULL);
  untorn_journal_close(journal);
  untorn_journal_close(other);
}

static void other_records(void) {
  const untorn_bytes records[] = {{bytes("[4]"), 3}, {bytes("[5]"), 3}, {bytes("[6]"), 3}};
  untorn_journal *journal = open_journal("k");
  untorn_rewrite *rewrite = NULL;
  untorn_records *old = NULL;
  untorn_position end;
  const uint8_t *data;
  size_t len;
  OK(untorn_journal_replace(journal, records, 3, NULL, &end, &error));
  CHECK(end.offset == 12);

  OK(untorn_journal_begin_rewrite(journal, NULL, &rewrite, &error));
  OK(untorn_rewrite_records(rewrite, &old, &error));
  for (;;) {
    OK(untorn_records_next(old, &data, &len, NULL, NULL, &error));
    if (data == NULL)
      break;
    if (data[1] != '5')
      OK(untorn_rewrite_push(rewrite, data, len, &error));
  }
  untorn_records_free(old);
  REFUSED(UNTORN_INVALID_RECORD, untorn_rewrite_push(rewrite, bytes("[7"), 2, &error));
  is("k", "[4]\n[5]\n[6]\n");
  OK(untorn_rewrite_commit(rewrite, &end, &error));
  CHECK(end.offset == 8);
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_rewrite_commit(rewrite, &end, &error));
  untorn_rewrite_free(rewrite);
  is("k", "[4]\n[6]\n");

  OK(untorn_journal_begin_rewrite(journal, NULL, &rewrite, &error));
  untorn_rewrite_free(rewrite);
  append(journal, "[7]");
  is("k", "[4]\n[6]\n[7]\n");
  untorn_journal_close(journal);
}

static void by_size(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  options.max_bytes = 3;
  options.keep = 1;
  OK(untorn_journal_open("e", &options, &journal, &error));
  append(journal, "[1]");
  append(journal, "[2]");
  append(journal, "[3]");
  is("e", "[3]\n");
  is("e_2", "[2]\n");
  CHECK(access("e_1", F_OK) != 0);
  untorn_journal_close(journal);
}

int main(void) {
  directory();
  char *path = NULL;
  untorn_position start = {0, 0};
  back_and_anew();
  other_records();
  by_size();
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_rewind(NULL, start, NULL, &path, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_rotate(NULL, NULL, NULL, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_clear(NULL, NULL, NULL, &error));
  untorn_rewrite_free(NULL);
  untorn_string_free(NULL);
  clean_up();
  return 0;
}
