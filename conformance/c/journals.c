/* The steps that append to a journal, and those that read one. */

#include "driver.h"

static void open_journal(void) {
  untorn_journal_options options = journal_options();
  untorn_journal *opened = NULL;
  if (succeeded(untorn_journal_open(text("path"), &options, &opened, &error)))
    add(required("on"))->journal = opened;
}

static void append(void) {
  untorn_position position;
  untorn_bytes record = decoded(required("record"));
  if (succeeded(
          untorn_journal_append(journal(), record.data, record.len, call(), &position, &error)))
    put_position(position);
}

size_t many(untorn_bytes records[ARGUMENTS]) {
  size_t count = 0;
  for (size_t i = 0; i < command.count; i++)
    if (strcmp(command.keys[i], "record") == 0)
      records[count++] = decoded(command.values[i]);
  return count;
}

static void append_many(void) {
  untorn_bytes records[ARGUMENTS];
  size_t count = many(records);
  untorn_position at = {number("generation", 0), number("offset", 0)}, position;
  if (optional("header") != NULL) {
    untorn_bytes header = decoded(required("header"));
    if (succeeded(untorn_journal_append_with_header(journal(), header.data, header.len, records,
                                                    count, call(), &position, &error)))
      put_position(position);
    return;
  }
  untorn_code code =
      optional("generation") == NULL
          ? untorn_journal_append_all(journal(), records, count, call(), &position, &error)
          : untorn_journal_append_at(journal(), at, records, count, call(), &position, &error);
  if (succeeded(code))
    put_position(position);
}

static void read_records(void) {
  untorn_records_options options = UNTORN_RECORDS_OPTIONS_INIT;
  options.start.generation = number("generation", 0);
  options.start.offset = number("offset", 0);
  options.max_records = number("max_records", UNTORN_NO_LIMIT);
  options.max_bytes = number("max_bytes", UNTORN_NO_LIMIT);
  untorn_records *records = NULL;
  if (succeeded(untorn_journal_records(journal(), &options, &records, &error)))
    put_records(records);
}

static void tail(void) {
  untorn_records *records = NULL;
  if (succeeded(untorn_journal_tail(journal(), (size_t)number("n", 0), &records, &error)))
    put_records(records);
}

static void end(void) {
  untorn_position position;
  if (succeeded(untorn_journal_end(journal(), &position, &error)))
    put_position(position);
}

static void verify(void) {
  untorn_report *report = NULL;
  if (succeeded(untorn_journal_verify(journal(), NULL, &report, &error)))
    put_report(report);
}

static void repair(void) {
  untorn_report *report = NULL;
  if (succeeded(untorn_journal_repair(journal(), call(), &report, &error)))
    put_report(report);
}


bool journal_step(const char *op) {
  if (strcmp(op, "journal_open") == 0)
    open_journal();
  else if (strcmp(op, "append") == 0)
    append();
  else if (strcmp(op, "append_all") == 0 || strcmp(op, "append_at") == 0)
    append_many();
  else if (strcmp(op, "end") == 0)
    end();
  else if (strcmp(op, "records") == 0)
    read_records();
  else if (strcmp(op, "tail") == 0)
    tail();
  else if (strcmp(op, "verify") == 0)
    verify();
  else if (strcmp(op, "repair") == 0)
    repair();
  else if (strcmp(op, "sync") == 0)
    (void)succeeded(untorn_journal_sync(journal(), &error));
  else
    return false;
  return true;
}
