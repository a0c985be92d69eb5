/* Calls that can't be meant so, and a system that refuses. */

#include <signal.h>
#include <sys/resource.h>

#include "test.h"

static untorn_error *error = NULL;

/* No crash, and an error that names what is missing. */
#define IS_NULL(name, call)                                                  \
  do {                                                                       \
    FAILS(UNTORN_INVALID_ARGUMENT, call);                                    \
    CHECK(strstr(untorn_error_message(error), name " is NULL") != NULL);     \
    CHECK(untorn_error_os_code(error) == 0);                                 \
    CHECK(untorn_error_holder(error) == NULL);                               \
    untorn_error_free(error);                                                \
    error = NULL;                                                            \
  } while (0)

static void null_inputs(const untorn_journal *journal, const untorn_document *document) {
  untorn_position position = {0, 0};
  untorn_document_version version;
  untorn_journal *opened = NULL;
  untorn_document *opened_too = NULL;
  untorn_records *records = NULL;
  untorn_report *report = NULL;
  untorn_update *update = NULL;
  untorn_lock *lock = NULL;
  untorn_holder *holder = NULL;
  const uint8_t *lent;
  uint8_t *data;
  size_t len;

  IS_NULL("path", untorn_journal_open(NULL, NULL, &opened, &error));
  IS_NULL("path", untorn_document_open(NULL, NULL, &opened_too, &error));
  IS_NULL("path", untorn_lock_acquire(NULL, NULL, &lock, &error));
  IS_NULL("lock_path", untorn_lock_acquire_at(NULL, NULL, &lock, &error));
  IS_NULL("path", untorn_lock_holder(NULL, &holder, &error));
  IS_NULL("path", untorn_save(NULL, bytes("1"), 1, NULL, &error));
  IS_NULL("path", untorn_append(NULL, bytes("1"), 1, NULL, &error));
  IS_NULL("path", untorn_load(NULL, &data, &len, NULL, &error));

  IS_NULL("journal", untorn_journal_append(NULL, bytes("1"), 1, NULL, NULL, &error));
  IS_NULL("journal", untorn_journal_append_all(NULL, NULL, 0, NULL, NULL, &error));
  IS_NULL("journal", untorn_journal_append_at(NULL, position, NULL, 0, NULL, NULL, &error));
  IS_NULL("journal", untorn_journal_end(NULL, &position, &error));
  IS_NULL("journal", untorn_journal_records(NULL, NULL, &records, &error));
  IS_NULL("journal", untorn_journal_tail(NULL, 1, &records, &error));
  IS_NULL("journal", untorn_journal_verify(NULL, NULL, &report, &error));
  IS_NULL("journal", untorn_journal_repair(NULL, NULL, &report, &error));
  IS_NULL("journal", untorn_journal_sync(NULL, &error));
  IS_NULL("records", untorn_records_next(NULL, &lent, &len, NULL, NULL, &error));

  IS_NULL("document", untorn_document_load(NULL, &data, &len, NULL, &error));
  IS_NULL("document", untorn_document_save(NULL, bytes("1"), 1, NULL, NULL, &error));
  IS_NULL("document", untorn_document_save_if(NULL, NULL, bytes("1"), 1, NULL, NULL, &error));
  IS_NULL("document", untorn_document_create(NULL, bytes("1"), 1, NULL, NULL, &error));
  IS_NULL("document", untorn_document_remove(NULL, NULL, NULL, &error));
  IS_NULL("document", untorn_document_remove_if(NULL, &version, NULL, &error));
  IS_NULL("expected", untorn_document_remove_if(document, NULL, NULL, &error));
  IS_NULL("document", untorn_document_begin_update(NULL, NULL, &update, &error));
  IS_NULL("update", untorn_update_save(NULL, bytes("1"), 1, NULL, &error));

  IS_NULL("record", untorn_journal_append(journal, NULL, 1, NULL, NULL, &error));
  IS_NULL("records", untorn_journal_append_all(journal, NULL, 1, NULL, NULL, &error));
  untorn_bytes nothing = {NULL, 1};
  IS_NULL("data of a record",
          untorn_journal_append_all(journal, &nothing, 1, NULL, NULL, &error));
  IS_NULL("data", untorn_document_save(document, NULL, 1, NULL, NULL, &error));
  IS_NULL("data", untorn_document_version_of(NULL, 1, &version, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT,
          untorn_journal_append(journal, bytes("1"), SIZE_MAX, NULL, NULL, &error));
}

static void null_outputs(const untorn_journal *journal, const untorn_document *document) {
  const uint8_t *lent;
  uint8_t *data;
  size_t len;
  IS_NULL("journal_out", untorn_journal_open("n", NULL, NULL, &error));
  IS_NULL("document_out", untorn_document_open("n", NULL, NULL, &error));
  IS_NULL("lock_out", untorn_lock_acquire("n", NULL, NULL, &error));
  IS_NULL("lock_out", untorn_lock_acquire_at("n.lock", NULL, NULL, &error));
  /* Nothing was done, then: nobody could let it go. */
  CHECK(access("n.lock", F_OK) == -1);
  IS_NULL("holder_out", untorn_lock_holder("n", NULL, &error));
  IS_NULL("position_out", untorn_journal_end(journal, NULL, &error));
  IS_NULL("records_out", untorn_journal_records(journal, NULL, NULL, &error));
  IS_NULL("records_out", untorn_journal_tail(journal, 1, NULL, &error));
  IS_NULL("report_out", untorn_journal_verify(journal, NULL, NULL, &error));
  IS_NULL("update_out", untorn_document_begin_update(document, NULL, NULL, &error));
  IS_NULL("data_out", untorn_document_load(document, NULL, &len, NULL, &error));
  IS_NULL("len_out", untorn_document_load(document, &data, NULL, NULL, &error));
  IS_NULL("data_out", untorn_load("n", NULL, &len, NULL, &error));
  IS_NULL("version_out", untorn_document_version_of(NULL, 0, NULL, &error));

  untorn_records *records = NULL;
  OK(untorn_journal_records(journal, NULL, &records, &error));
  IS_NULL("data_out", untorn_records_next(records, NULL, &len, NULL, NULL, &error));
  IS_NULL("len_out", untorn_records_next(records, &lent, NULL, NULL, NULL, &error));
  untorn_records_free(records);

  /* The error may be NULL too. */
  CHECK(untorn_journal_open(NULL, NULL, NULL, NULL) == UNTORN_INVALID_ARGUMENT);
  CHECK(untorn_journal_sync(journal, NULL) == UNTORN_OK);
}

static void null_is_nothing(void) {
  CHECK(untorn_error_code(NULL) == UNTORN_OK);
  CHECK(untorn_error_message(NULL) == NULL && untorn_error_operation(NULL) == NULL);
  CHECK(untorn_error_path(NULL) == NULL && untorn_error_os_code(NULL) == 0);
  CHECK(untorn_error_holder(NULL) == NULL && !untorn_error_position(NULL, NULL));
  CHECK(untorn_holder_pid(NULL) == 0 && untorn_holder_start(NULL) == 0);
  CHECK(untorn_holder_label(NULL) == NULL && untorn_holder_since(NULL) == NULL);
  CHECK(untorn_holder_host(NULL) == NULL && untorn_holder_boot(NULL) == NULL);
  CHECK(untorn_holder_alive(NULL) == UNTORN_ALIVE_UNKNOWN);
  CHECK(untorn_journal_path(NULL) == NULL && untorn_document_path(NULL) == NULL);
  CHECK(untorn_lock_path(NULL) == NULL && !untorn_lock_is_shared(NULL));
  CHECK(!untorn_lock_is_held(NULL) && !untorn_cancel_is_triggered(NULL));
  CHECK(untorn_records_damage_count(NULL) == 0 && untorn_records_position(NULL).offset == 0);
  CHECK(!untorn_records_damage(NULL, 0, NULL, NULL, NULL));
  CHECK(untorn_report_records(NULL) == 0 && untorn_report_bytes(NULL) == 0);
  CHECK(untorn_report_end(NULL).offset == 0 && untorn_report_damage_count(NULL) == 0);
  CHECK(!untorn_report_damage(NULL, 0, NULL, NULL, NULL));
  CHECK(!untorn_report_repaired(NULL, NULL, NULL, NULL));
  CHECK(!untorn_update_version(NULL, NULL));
  untorn_update_value(NULL, NULL, NULL);
  untorn_cancel_trigger(NULL);
  untorn_error_free(NULL);
  untorn_holder_free(NULL);
  untorn_buffer_free(NULL);
  untorn_cancel_free(NULL);
  untorn_lock_release(NULL);
  untorn_journal_close(NULL);
  untorn_records_free(NULL);
  untorn_report_free(NULL);
  untorn_document_close(NULL);
  untorn_update_finish(NULL);
  CHECK(untorn_code_name(-1) == NULL && untorn_code_name(1000) == NULL);
  CHECK(strcmp(untorn_code_name(UNTORN_CONFLICT), "UNTORN_CONFLICT") == 0);
}

/* What helps is said in C's words. */
static void own_lock(void) {
  untorn_lock *lock = NULL;
  untorn_document *document = NULL;
  untorn_update *update = NULL;

  OK(untorn_document_open("own", NULL, &document, &error));
  OK(untorn_lock_acquire("own", NULL, &lock, &error));
  FAILS(UNTORN_DEADLOCK, untorn_document_save(document, "1", 1, NULL, NULL, &error));
  CHECK(strstr(untorn_error_message(error), "(untorn_call_options.lock)") != NULL);
  untorn_error_free(error);
  error = NULL;
  untorn_lock_release(lock);
  OK(untorn_document_begin_update(document, NULL, &update, &error));
  FAILS(UNTORN_DEADLOCK, untorn_document_save(document, "1", 1, NULL, NULL, &error));
  CHECK(strstr(untorn_error_message(error), "save with untorn_update_save()") != NULL);
  untorn_error_free(error);
  error = NULL;
  untorn_update_finish(update);
  untorn_document_close(document);
}

static void wrong_options(const untorn_journal *journal) {
  untorn_journal *opened = NULL;
  untorn_lock *lock = NULL;
  untorn_records *records = NULL;

  untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
  how.durability = 2;
  FAILS(UNTORN_INVALID_ARGUMENT, untorn_journal_open("w", &how, &opened, &error));
  CHECK(strstr(untorn_error_message(error),
               "2 is not a durability: use UNTORN_DURABILITY_POWER (0) or "
               "UNTORN_DURABILITY_PROCESS (1)") != NULL);
  untorn_error_free(error);
  error = NULL;
  how.durability = UNTORN_DURABILITY_POWER;
  how.format = -1;
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_open("w", &how, &opened, &error));
  how.format = UNTORN_FORMAT_JSON;
  how.timeout_ms = -3;
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_open("w", &how, &opened, &error));
  memset(&how, 0, sizeof how);
  FAILS(UNTORN_INVALID_ARGUMENT, untorn_journal_open("w", &how, &opened, &error));
  CHECK(strstr(untorn_error_message(error), "UNTORN_JOURNAL_OPTIONS_INIT") != NULL);
  untorn_error_free(error);
  error = NULL;
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_open("", NULL, &opened, &error));
  CHECK(opened == NULL);

  /* A newer header: an option that is not used is no matter, one that is is. */
  struct {
    untorn_records_options known;
    uint64_t new_option;
  } newer = {UNTORN_RECORDS_OPTIONS_INIT, 0};
  newer.known.size = sizeof newer;
  OK(untorn_journal_records(journal, &newer.known, &records, &error));
  untorn_records_free(records);
  newer.new_option = 1;
  REFUSED(UNTORN_INVALID_ARGUMENT,
          untorn_journal_records(journal, &newer.known, &records, &error));

  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  call.timeout_ms = INT64_MIN;
  REFUSED(UNTORN_INVALID_ARGUMENT,
          untorn_journal_append(journal, bytes("1"), 1, &call, NULL, &error));
  call.timeout_ms = INT64_MAX;
  OK(untorn_journal_append(journal, bytes("1"), 1, &call, NULL, &error));

  untorn_lock_options locking = UNTORN_LOCK_OPTIONS_INIT;
  locking.label = "\xff";
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_lock_acquire("w", &locking, &lock, &error));
  CHECK(lock == NULL);
}

static void the_system_refuses(void) {
  untorn_journal *journal = NULL;
  FAILS(UNTORN_NOT_FOUND, untorn_journal_open("no/dir", NULL, &journal, &error));
  CHECK(untorn_error_os_code(error) == ENOENT);
  CHECK(strcmp(untorn_error_operation(error), "open") == 0);
  CHECK(strcmp(untorn_error_path(error), "no/dir") == 0);
  CHECK(!untorn_error_position(error, NULL));
  untorn_error_free(error);
  error = NULL;
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_open(".", NULL, &journal, &error));
}

/* No storage is left: a limit on the size of files says so as a full disk does. */
static void storage_is_full(void) {
  untorn_journal *journal = NULL;
  untorn_document *document = NULL;
  untorn_position before, after;
  struct rlimit limit;
  static uint8_t big[100000];

  memset(big, '1', sizeof big);
  OK(untorn_journal_open("full", NULL, &journal, &error));
  OK(untorn_document_open("full.json", NULL, &document, &error));
  OK(untorn_document_save(document, bytes("{}"), 2, NULL, NULL, &error));
  OK(untorn_journal_append(journal, bytes("[1]"), 3, NULL, &before, &error));

  CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
  CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  rlim_t was = limit.rlim_cur;
  limit.rlim_cur = 65536;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  FAILS(UNTORN_STORAGE_FULL,
        untorn_journal_append(journal, big, sizeof big, NULL, NULL, &error));
  CHECK(untorn_error_os_code(error) == EFBIG);
  untorn_error_free(error);
  error = NULL;
  REFUSED(UNTORN_STORAGE_FULL,
          untorn_document_save(document, big, sizeof big, NULL, NULL, &error));
  limit.rlim_cur = was;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);

  file_is("full", "[1]\n");
  file_is("full.json", "{}");
  OK(untorn_journal_append(journal, bytes("[2]"), 3, NULL, &after, &error));
  CHECK(after.generation == before.generation && after.offset == 8);
  untorn_journal_close(journal);
  untorn_document_close(document);
}

int main(void) {
  untorn_journal *journal = NULL;
  untorn_document *document = NULL;
  directory();
  OK(untorn_journal_open("j", NULL, &journal, &error));
  OK(untorn_document_open("d", NULL, &document, &error));
  null_inputs(journal, document);
  null_outputs(journal, document);
  null_is_nothing();
  own_lock();
  wrong_options(journal);
  the_system_refuses();
  storage_is_full();
  untorn_journal_close(journal);
  untorn_document_close(document);
  clean_up();
  return EXIT_SUCCESS;
}
