/* Journals: append, read, check, repair. */

#include "test.h"

static untorn_error *error = NULL;

/* The records, each in brackets behind the last. */
static void read_all(untorn_records *records, const char *expected) {
  char all[512] = "";
  const uint8_t *data;
  size_t len;
  untorn_position start, end, last = untorn_records_position(records);
  for (;;) {
    OK(untorn_records_next(records, &data, &len, &start, &end, &error));
    if (data == NULL)
      break;
    CHECK(start.generation == end.generation);
    CHECK(start.offset >= last.offset && end.offset >= start.offset + len + 1);
    snprintf(all + strlen(all), sizeof all - strlen(all), "<%.*s>", (int)len,
             (const char *)data);
    last = end;
  }
  CHECK(len == 0);
  if (strcmp(all, expected) != 0) {
    fprintf(stderr, "read %s, not %s\n", all, expected);
    exit(EXIT_FAILURE);
  }
  untorn_records_free(records);
}

static void appends_and_reads(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open("j", &options, &journal, &error));
  CHECK(strstr(untorn_journal_path(journal), SLASH "j") != NULL);

  untorn_position none, first, second, third, end;
  OK(untorn_journal_end(journal, &none, &error));
  CHECK(none.generation == 0 && none.offset == 0);

  OK(untorn_journal_append(journal, bytes("{\"n\":1}"), 7, NULL, &first, &error));
  CHECK(first.generation != 0 && first.offset == 8);

  untorn_bytes two[2] = {{bytes("[2]"), 3}, {bytes("\"3\""), 3}};
  OK(untorn_journal_append_all(journal, two, 2, NULL, &second, &error));
  CHECK(second.generation == first.generation && second.offset == 16);
  OK(untorn_journal_append_all(journal, NULL, 0, NULL, &end, &error));
  CHECK(end.offset == 16);

  OK(untorn_journal_append_at(journal, second, two, 1, NULL, &third, &error));
  CHECK(third.offset == 20);
  untorn_position untouched = {7, 7};
  FAILS(UNTORN_CONFLICT, untorn_journal_append_at(journal, second, two, 2, NULL,
                                                  &untouched, &error));
  CHECK(untouched.generation == 7 && untouched.offset == 7);
  CHECK(untorn_error_position(error, &end));
  CHECK(end.generation == third.generation && end.offset == 20);
  CHECK(strcmp(untorn_error_operation(error), "append") == 0);
  CHECK(strcmp(untorn_error_path(error), untorn_journal_path(journal)) == 0);
  untorn_error_free(error);
  error = NULL;

  untorn_records *records = NULL;
  OK(untorn_journal_records(journal, NULL, &records, &error));
  read_all(records, "<{\"n\":1}><[2]><\"3\"><[2]>");

  untorn_records_options some = UNTORN_RECORDS_OPTIONS_INIT;
  some.start = first;
  OK(untorn_journal_records(journal, &some, &records, &error));
  read_all(records, "<[2]><\"3\"><[2]>");

  some.max_records = 1;
  const uint8_t *data;
  size_t len;
  OK(untorn_journal_records(journal, &some, &records, &error));
  OK(untorn_records_next(records, &data, &len, NULL, NULL, &error));
  CHECK(same(data, len, "[2]"));
  FAILS(UNTORN_LIMIT_EXCEEDED,
        untorn_records_next(records, &data, &len, NULL, NULL, &error));
  CHECK(untorn_error_position(error, &end) && end.offset == 12);
  untorn_error_free(error);
  error = NULL;
  CHECK(untorn_records_position(records).offset == 12);
  untorn_records_free(records);

  OK(untorn_journal_tail(journal, 2, &records, &error));
  /* The cursor outlives the handle. */
  untorn_journal_close(journal);
  read_all(records, "<\"3\"><[2]>");
}

static void reports_and_repairs(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  untorn_records *records = NULL;
  untorn_report *report = NULL;
  int32_t kind;
  uint64_t offset, length, cut;
  bool newline_added;

  options.durability = UNTORN_DURABILITY_PROCESS;
  options.max_record = 20;
  write_file("d", "[1]\n{\"long\":\"0123456789\"}\n[2][3]\n[4]\n{\"torn\":");
  OK(untorn_journal_open("d", &options, &journal, &error));

  OK(untorn_journal_records(journal, NULL, &records, &error));
  const uint8_t *data;
  size_t len;
  do {
    OK(untorn_records_next(records, &data, &len, NULL, NULL, &error));
  } while (data != NULL);
  CHECK(untorn_records_damage_count(records) == 2);
  CHECK(untorn_records_damage(records, 0, &kind, &offset, &length));
  CHECK(kind == UNTORN_DAMAGE_TOO_LONG && offset == 4 && length == 22);
  CHECK(untorn_records_damage(records, 1, &kind, &offset, NULL));
  CHECK(kind == UNTORN_DAMAGE_TORN_TAIL && offset == 37);
  kind = 77;
  CHECK(!untorn_records_damage(records, 2, &kind, NULL, NULL) && kind == 77);
  untorn_records_free(records);

  OK(untorn_journal_verify(journal, NULL, &report, &error));
  CHECK(untorn_report_records(report) == 2);
  CHECK(untorn_report_bytes(report) == 45);
  CHECK(untorn_report_end(report).offset == 37);
  CHECK(untorn_report_damage_count(report) == 3);
  CHECK(untorn_report_damage(report, 1, &kind, &offset, &length));
  CHECK(kind == UNTORN_DAMAGE_GLUED && offset == 26 && length == 7);
  CHECK(!untorn_report_repaired(report, NULL, NULL, NULL));
  untorn_report_free(report);

  OK(untorn_journal_repair(journal, NULL, &report, &error));
  CHECK(untorn_report_repaired(report, &offset, &cut, &newline_added));
  CHECK(offset == 37 && cut == 8 && !newline_added);
  CHECK(untorn_report_damage_count(report) == 2);
  untorn_report_free(report);
  CHECK(access("d.torn", F_OK) == 0);

  OK(untorn_journal_repair(journal, NULL, NULL, &error));
  OK(untorn_journal_append(journal, bytes("[5]"), 3, NULL, NULL, &error));
  OK(untorn_journal_sync(journal, &error));
  untorn_journal_close(journal);
  file_is("d", "[1]\n{\"long\":\"0123456789\"}\n[2][3]\n[4]\n[5]\n");
}

static void takes_options(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  options.create = 0;
  REFUSED(UNTORN_NOT_FOUND, untorn_journal_open("none", &options, &journal, &error));
  CHECK(journal == NULL);

  options.create = 1;
  REFUSED(UNTORN_NOT_FOUND, untorn_journal_open("no/dir", &options, &journal, &error));
  options.parents = 1;
  options.format = UNTORN_FORMAT_LINES;
  options.max_record = 5;
  OK(untorn_journal_open("a/b/l", &options, &journal, &error));
  OK(untorn_journal_append(journal, bytes("a b c"), 5, NULL, NULL, &error));
  REFUSED(UNTORN_LIMIT_EXCEEDED,
          untorn_journal_append(journal, bytes("a b c "), 6, NULL, NULL, &error));
  REFUSED(UNTORN_INVALID_RECORD,
          untorn_journal_append(journal, bytes("a\nb"), 3, NULL, NULL, &error));
  REFUSED(UNTORN_INVALID_RECORD,
          untorn_journal_append(journal, NULL, 0, NULL, NULL, &error));
  untorn_journal_close(journal);
  file_is("a/b/l", "a b c\n");
}

static void inspects(void) {
  CHECK(untorn_inspect(bytes("{\"a\":1}"), 7) == 0);
  CHECK(untorn_inspect(bytes("{}{}"), 4) == UNTORN_DAMAGE_GLUED);
  CHECK(untorn_inspect(bytes("{"), 1) == UNTORN_DAMAGE_NOT_JSON);
  CHECK(untorn_inspect(bytes("\"\xff\""), 3) == UNTORN_DAMAGE_NOT_UTF8);
  CHECK(untorn_inspect(NULL, 0) == UNTORN_DAMAGE_NOT_JSON);
  CHECK(strcmp(untorn_damage_name(UNTORN_DAMAGE_GLUED), "glued") == 0);
}

static void one_call(void) {
  untorn_position end;
  OK(untorn_append("new/one", bytes("[1]"), 3, NULL, &error));
  OK(untorn_append("new/one", bytes("[2]"), 3, &end, &error));
  CHECK(end.offset == 8);
  file_is("new/one", "[1]\n[2]\n");
}

static void sealed(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  untorn_report *report = NULL;
  const untorn_bytes records[] = {{bytes("[1]"), 3}, {bytes("[2]"), 3}};
  int32_t kind;
  options.sealed = 1;
  OK(untorn_journal_open("sealed", &options, &journal, &error));
  OK(untorn_journal_append_all(journal, records, 2, NULL, NULL, &error));
  FILE *file = fopen("sealed", "r+");
  CHECK(file != NULL && fseek(file, 1, SEEK_SET) == 0 && fputc('7', file) == '7');
  CHECK(fseek(file, 0, SEEK_END) == 0 && fputs("[3]\n", file) >= 0 && fclose(file) == 0);
  OK(untorn_journal_verify(journal, NULL, &report, &error));
  CHECK(untorn_report_unsealed(report) == 1);
  CHECK(untorn_report_damage(report, 0, &kind, NULL, NULL));
  CHECK(kind == UNTORN_DAMAGE_BAD_SEAL);
  CHECK(strcmp(untorn_damage_name(kind), "bad_seal") == 0);
  untorn_report_free(report);
  untorn_journal_close(journal);
}

int main(void) {
  directory();
  appends_and_reads();
  reports_and_repairs();
  takes_options();
  inspects();
  one_call();
  sealed();
  clean_up();
  return EXIT_SUCCESS;
}
