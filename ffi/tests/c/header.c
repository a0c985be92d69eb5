/* The header of a journal, stamped with what is appended. */

#include "test.h"

static untorn_error *error = NULL;

static untorn_journal *open_journal(const char *path, const char *prefix) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  options.header_prefix.data = bytes(prefix);
  options.header_prefix.len = strlen(prefix);
  options.header_reserve = 32;
  OK(untorn_journal_open(path, &options, &journal, &error));
  return journal;
}

static void header_is(untorn_journal *journal, const char *expected) {
  uint8_t *data = NULL;
  size_t len = 1;
  OK(untorn_journal_header(journal, &data, &len, &error));
  CHECK((data == NULL) == (expected == NULL));
  if (expected == NULL) {
    CHECK(len == 0);
    return;
  }
  CHECK(len == strlen(expected) && memcmp(data, expected, len) == 0);
  untorn_buffer_free(data);
}

int main(void) {
  directory();
  const untorn_bytes records[] = {{bytes("[1]"), 3}, {bytes("[2]"), 3}};
  untorn_journal *journal = open_journal("j", "{\"at\":");
  untorn_journal *plain = open_journal("k", "");
  untorn_report *report = NULL;
  untorn_position end;
  uint8_t *data = NULL;
  size_t len;

  header_is(journal, NULL);
  OK(untorn_journal_append_with_header(journal, bytes("{\"at\":1}"), 8, records, 2, NULL, &end,
                                       &error));
  CHECK(end.offset == 40);
  header_is(journal, "{\"at\":1}");
  OK(untorn_journal_set_header(journal, bytes("{\"at\":12345}"), 12, NULL, &error));
  header_is(journal, "{\"at\":12345}");
  OK(untorn_load("j", &data, &len, NULL, &error));
  CHECK(len == 40 && memcmp(data, "{\"at\":12345}                   \n[1]\n[2]\n", 40) == 0);
  untorn_buffer_free(data);

  REFUSED(UNTORN_INVALID_RECORD,
          untorn_journal_set_header(journal, bytes("{\"no\":1}"), 8, NULL, &error));
  REFUSED(UNTORN_INVALID_RECORD,
          untorn_journal_append_with_header(journal, bytes("{\"at\":2"), 7, records, 2, NULL, NULL,
                                            &error));
  header_is(journal, "{\"at\":12345}");
  OK(untorn_journal_verify(journal, NULL, &report, &error));
  CHECK(untorn_report_has_header(report));
  CHECK(untorn_report_records(report) == 2);
  untorn_report_free(report);

  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_header(plain, &data, &len, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT,
          untorn_journal_set_header(plain, bytes("{\"at\":1}"), 8, NULL, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_header(NULL, &data, &len, &error));
  untorn_journal_close(journal);
  untorn_journal_close(plain);
  clean_up();
  return 0;
}
