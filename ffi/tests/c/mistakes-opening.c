/* Mistakes with options, paths and records. */

#include "mistakes.h"

/* ---- options ---- */

static untorn_code opened(untorn_journal_options *how) {
  untorn_journal *journal = NULL;
  untorn_code code = untorn_journal_open("new", how, &journal, &error);
  untorn_journal_close(journal);
  return code;
}

#define OPENED(name, field, value)                          \
  static untorn_code name(void) {                           \
    untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT; \
    how.field = value;                                      \
    return opened(&how);                                    \
  }

OPENED(durability_7, durability, 7)
OPENED(format_7, format, 7)
OPENED(scheme_7, scheme, 7)
OPENED(on_unsupported_7, on_unsupported, 7)
OPENED(header_mode_7, header_mode, 7)
OPENED(mode_600, mode, 600)
OPENED(timeout_minus_5, timeout_ms, -5)

static untorn_code stale_1(void) {
  untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
  how.scheme = UNTORN_SCHEME_PID_FILE;
  how.stale_ms = 1;
  return opened(&how);
}

#define ZEROED(type, call)           \
  static untorn_code zeroed_##type(void) { \
    untorn_##type how;               \
    memset(&how, 0, sizeof how);     \
    return call;                     \
  }

static untorn_document *no_document = NULL;
static untorn_lock *no_lock = NULL;
static untorn_records *no_records = NULL;
static untorn_transaction *no_transaction = NULL;
static untorn_store *no_store = NULL;

ZEROED(journal_options, opened(&how))
ZEROED(document_options, untorn_document_open("new", &how, &no_document, &error))
ZEROED(lock_options, untorn_lock_acquire("new", &how, &no_lock, &error))
ZEROED(records_options, untorn_journal_records(on.journal, &how, &no_records, &error))
ZEROED(transaction_options, untorn_transaction_begin(".", &how, NULL, &no_transaction, &error))
ZEROED(store_options, untorn_store_open("new", &how, &no_store, &error))
ZEROED(call_options, untorn_document_save(on.document, "2", 1, &how, NULL, &error))

static untorn_code call_timeout_minus_5(void) {
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  call.timeout_ms = -5;
  return untorn_document_save(on.document, "2", 1, &call, NULL, &error);
}

static untorn_code label_not_utf8(void) {
  untorn_lock_options how = UNTORN_LOCK_OPTIONS_INIT;
  how.label = "\xff";
  return untorn_lock_acquire("new", &how, &no_lock, &error);
}

/* ---- paths ---- */

#define JOURNAL_AT(name, path)                                                \
  static untorn_code name(void) {                                             \
    return untorn_journal_open(path, NULL, &(untorn_journal *){NULL}, &error); \
  }

JOURNAL_AT(journal_of_no_directory, "no/such/j")
JOURNAL_AT(journal_is_directory, ".")
JOURNAL_AT(journal_of_no_path, "")
JOURNAL_AT(journal_of_home, "~/x/y.jsonl")
JOURNAL_AT(journal_of_url, "file:///x/y.jsonl")

static untorn_code document_of_no_directory(void) {
  return untorn_document_open("no/such/d", NULL, &no_document, &error);
}

static untorn_code lock_of_no_directory(void) {
  return untorn_lock_acquire("no/such/d", NULL, &no_lock, &error);
}

static untorn_code transaction_of_no_directory(void) {
  return untorn_transaction_begin("no", NULL, NULL, &no_transaction, &error);
}

static untorn_code snapshot_of_no_directory(void) {
  untorn_snapshot *snapshot = NULL;
  return untorn_snapshot_take("no", NULL, &snapshot, &error);
}

static untorn_code store_is_a_file(void) {
  return untorn_store_open("d", NULL, &no_store, &error);
}

static untorn_code store_that_must_exist(void) {
  untorn_store_options how = UNTORN_STORE_OPTIONS_INIT;
  how.create = 0;
  return untorn_store_open("no", &how, &no_store, &error);
}

static untorn_code store_of_one_name(void) {
  untorn_store_options how = UNTORN_STORE_OPTIONS_INIT;
  how.journal_name = "a";
  how.state_name = "a";
  return untorn_store_open("new", &how, &no_store, &error);
}

static untorn_code not_permitted(void) { return untorn_save("/sys/untorn", "1", 1, NULL, &error); }

/* ---- records ---- */

#define APPENDED(name, record, len)                                              \
  static untorn_code name(void) {                                                \
    return untorn_journal_append(on.journal, record, len, NULL, NULL, &error);   \
  }

APPENDED(null_record, NULL, 8)
APPENDED(half_record, "{\"a\":", 5)
APPENDED(empty_record, "", 0)
APPENDED(pretty_record, "{\n}", 3)
APPENDED(final_newline, "1\n", 2)
APPENDED(two_values, "1 2", 3)
APPENDED(nan_record, "NaN", 3)
APPENDED(not_utf8, "\"\xff\"", 3)
APPENDED(with_its_nul, "1", 2)
APPENDED(too_long, "\"0123456789012345678901234567890123456789\"", 42)

static untorn_code none_may_be_made(void) {
  untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
  how.create = 0;
  return opened(&how);
}

static untorn_code append_to_pretty_json(void) {
  return untorn_append("pretty.json", "1", 1, NULL, &error);
}

static untorn_code append_to_gzip(void) { return untorn_append("gzip", "1", 1, NULL, &error); }

static untorn_code rewind_to(uint64_t generation, uint64_t offset) {
  untorn_position to = {generation, offset};
  return untorn_journal_rewind(on.journal, to, NULL, NULL, &error);
}

static untorn_code rewind_into_a_record(void) { return rewind_to(on.end.generation, 1); }
static untorn_code rewind_to_another_file(void) { return rewind_to(on.end.generation + 7, 0); }

static untorn_code append_at_a_position_of_before(void) {
  untorn_position before = {on.end.generation, 0};
  untorn_bytes record = {"2", 1};
  return untorn_journal_append_at(on.journal, before, &record, 1, NULL, NULL, &error);
}

static untorn_code more_than_the_limit(void) {
  untorn_records_options how = UNTORN_RECORDS_OPTIONS_INIT;
  const uint8_t *data;
  size_t len;
  untorn_records *records = NULL;
  how.max_records = 0;
  OK(untorn_journal_records(on.journal, &how, &records, &error));
  untorn_code code = untorn_records_next(records, &data, &len, NULL, NULL, &error);
  untorn_records_free(records);
  return code;
}

static untorn_code header_without_prefix(void) {
  return untorn_journal_set_header(on.journal, "{}", 2, NULL, &error);
}

static untorn_code header_begins_otherwise(void) {
  untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  how.header_prefix.data = "{\"type\":";
  how.header_prefix.len = 8;
  OK(untorn_journal_open("new", &how, &journal, &error));
  untorn_code code = untorn_journal_set_header(journal, "{\"n\":1}", 7, NULL, &error);
  untorn_journal_close(journal);
  return code;
}

static const row rows[] = {
    {"durability 7", durability_7, UNTORN_INVALID_ARGUMENT,
     {"7 is not a durability: use UNTORN_DURABILITY_POWER (0) or UNTORN_DURABILITY_PROCESS (1)"}},
    {"format 7", format_7, UNTORN_INVALID_ARGUMENT,
     {"7 is not a format: use UNTORN_FORMAT_JSON (0) or UNTORN_FORMAT_LINES (1)"}},
    {"scheme 7", scheme_7, UNTORN_INVALID_ARGUMENT, {"7 is not a scheme: use UNTORN_SCHEME_SIDECAR"}},
    {"on_unsupported 7", on_unsupported_7, UNTORN_INVALID_ARGUMENT,
     {"7 is not a value of on_unsupported: use UNTORN_ON_UNSUPPORTED_FAIL (0)"}},
    {"header_mode 7", header_mode_7, UNTORN_INVALID_ARGUMENT,
     {"7 is not a header mode: use UNTORN_HEADER_STAMP (0) or UNTORN_HEADER_RENAME (1)"}},
    {"a mode that is decimal", mode_600, UNTORN_INVALID_ARGUMENT,
     {"mode 600 is 01130, more than permission bits (0777); modes are octal: 0600?"}},
    {"a negative timeout", timeout_minus_5, UNTORN_INVALID_ARGUMENT,
     {"timeout_ms is -5; -1 waits without a limit, 0 tries once"}},
    {"a negative timeout of a call", call_timeout_minus_5, UNTORN_INVALID_ARGUMENT,
     {"timeout_ms is -5; -1 waits without a limit, 0 tries once"}},
    {"a stale age below the smallest", stale_1, UNTORN_INVALID_ARGUMENT, {"stale", "2s"}},
    {"a label in Latin-1", label_not_utf8, UNTORN_INVALID_ARGUMENT, {"label", "UTF-8"}},
    {"zeroed options of a journal", zeroed_journal_options, UNTORN_INVALID_ARGUMENT,
     {"the size in untorn_journal_options is 0", "UNTORN_JOURNAL_OPTIONS_INIT"}},
    {"zeroed options of a document", zeroed_document_options, UNTORN_INVALID_ARGUMENT,
     {"the size in untorn_document_options is 0", "UNTORN_DOCUMENT_OPTIONS_INIT"}},
    {"zeroed options of a lock", zeroed_lock_options, UNTORN_INVALID_ARGUMENT,
     {"the size in untorn_lock_options is 0", "UNTORN_LOCK_OPTIONS_INIT"}},
    {"zeroed options of reading", zeroed_records_options, UNTORN_INVALID_ARGUMENT,
     {"the size in untorn_records_options is 0", "UNTORN_RECORDS_OPTIONS_INIT"}},
    {"zeroed options of a transaction", zeroed_transaction_options, UNTORN_INVALID_ARGUMENT,
     {"the size in untorn_transaction_options is 0", "UNTORN_TRANSACTION_OPTIONS_INIT"}},
    {"zeroed options of a store", zeroed_store_options, UNTORN_INVALID_ARGUMENT,
     {"the size in untorn_store_options is 0", "UNTORN_STORE_OPTIONS_INIT"}},
    {"a zeroed call", zeroed_call_options, UNTORN_INVALID_ARGUMENT,
     {"the size in untorn_call_options is 0", "UNTORN_CALL_OPTIONS_INIT"}},

    {"a directory that is missing", journal_of_no_directory, UNTORN_NOT_FOUND,
     {"open no/such/j: ", "the directory no/such does not exist: make it, or open with `parents`"}},
    {"a directory that is missing, of a document", document_of_no_directory, UNTORN_NOT_FOUND,
     {"the directory no/such does not exist: make it, or open with `parents`"}},
    {"a directory that is missing, of a lock", lock_of_no_directory, UNTORN_NOT_FOUND,
     {"the directory no/such does not exist"}},
    {"a directory that is missing, of a transaction", transaction_of_no_directory,
     UNTORN_NOT_FOUND,
     {"begin no: ", "the directory does not exist: make it, or begin with `parents`"}},
    {"a directory that is missing, of a snapshot", snapshot_of_no_directory, UNTORN_NOT_FOUND,
     {"snapshot no: ", "the directory does not exist"}},
    {"a directory in the place of the file", journal_is_directory, UNTORN_INVALID_ARGUMENT,
     {"not a regular file"}},
    {"an empty path", journal_of_no_path, UNTORN_INVALID_ARGUMENT, {"path is empty"}},
    {"a path that a shell would expand", journal_of_home, UNTORN_NOT_FOUND,
     {"a shell expands `~`, this library does not"}},
    {"a URL", journal_of_url, UNTORN_NOT_FOUND, {"write a path, not a URL"}},
    {"a file in the place of the store", store_is_a_file, UNTORN_INVALID_ARGUMENT,
     {"open d: not a directory"}},
    {"a store that must exist", store_that_must_exist, UNTORN_NOT_FOUND, {"open no: "}},
    {"one name for two files of a store", store_of_one_name, UNTORN_INVALID_ARGUMENT,
     {"journal and state must differ in name: both are \"a\""}},
    {"a directory that can't be written", not_permitted, UNTORN_PERMISSION_DENIED,
     {"save /sys/untorn", "/sys/untorn.lock", "make the directory writable"}},

    {"a record that is NULL", null_record, UNTORN_INVALID_ARGUMENT,
     {"record is NULL, and its length is 8"}},
    {"half a record", half_record, UNTORN_INVALID_RECORD,
     {"append /", "/j: not one JSON value: EOF while", "nothing was appended"}},
    {"an empty record", empty_record, UNTORN_INVALID_RECORD, {"an empty record would read as"}},
    {"pretty JSON", pretty_record, UNTORN_INVALID_RECORD,
     {"a newline at byte 1 would make two records of it; escape it"}},
    {"a record with its newline", final_newline, UNTORN_INVALID_RECORD,
     {"leave the final newline off: it is added"}},
    {"two values", two_values, UNTORN_INVALID_RECORD, {"not one JSON value"}},
    {"NaN", nan_record, UNTORN_INVALID_RECORD, {"not one JSON value"}},
    {"a record in Latin-1", not_utf8, UNTORN_INVALID_RECORD, {"UTF-8"}},
    {"a record with the NUL of its string", with_its_nul, UNTORN_INVALID_RECORD, {"NUL", "byte 1"}},
    {"a record that is too long", too_long, UNTORN_LIMIT_EXCEEDED,
     {"the record has 42 bytes, and max_record is 40; nothing was appended"}},
    {"a journal that must exist", none_may_be_made, UNTORN_NOT_FOUND,
     {"the journal does not exist, and this handle must not create it"}},
    {"an append to a JSON document", append_to_pretty_json, UNTORN_CORRUPT,
     {"not a journal: it is one JSON document over several lines", "cut_foreign_tail"}},
    {"an append to a gzip file", append_to_gzip, UNTORN_CORRUPT,
     {"not a journal: ", "gzip", "cut_foreign_tail"}},
    {"a rewind into a record", rewind_into_a_record, UNTORN_CONFLICT,
     {"in the middle of a record", "nothing was changed"}},
    {"a rewind to another file's position", rewind_to_another_file, UNTORN_CONFLICT,
     {"it belongs to another file", "nothing was changed"}},
    {"an append at a position of before", append_at_a_position_of_before, UNTORN_CONFLICT,
     {"the journal ends at", "nothing was appended"}},
    {"more records than the limit", more_than_the_limit, UNTORN_LIMIT_EXCEEDED, {"max_records"}},
    {"a header without header_prefix", header_without_prefix, UNTORN_INVALID_ARGUMENT,
     {"this handle knows no headers: open the journal with header_prefix"}},
    {"a header with another beginning", header_begins_otherwise, UNTORN_INVALID_RECORD,
     {"a header begins with header_prefix"}},
};

int main(void) {
  directory();
  size_t wrong = wrong_answers(rows, sizeof rows / sizeof *rows);
  clean_up();
  return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
