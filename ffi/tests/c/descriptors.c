/* A program that is allowed few descriptors works with thousands of files, one after
 * the other: what is closed has given everything back. */

#include <sys/resource.h>
#include <sys/stat.h>

#include "test.h"

enum { FILES = 5000, FEWER = 200 };

static untorn_error *error = NULL;

static untorn_journal *journal_at(const char *name) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open(name, &options, &journal, &error));
  return journal;
}

static void journals(const char *name) {
  untorn_journal *journal = journal_at(name);
  OK(untorn_journal_append(journal, bytes("[0]"), 3, NULL, NULL, &error));
  untorn_journal_close(journal);
}

/* A reader that has come to its end is kept; one that is half-way is freed. */
static void readers(const char *name, untorn_records **finished) {
  const uint8_t *data;
  size_t len;
  untorn_report *report = NULL;
  untorn_records *half = NULL;
  untorn_journal *journal = journal_at(name);
  OK(untorn_journal_append(journal, bytes("[0]"), 3, NULL, NULL, &error));
  OK(untorn_journal_records(journal, NULL, &half, &error));
  OK(untorn_records_next(half, &data, &len, NULL, NULL, &error));
  untorn_records_free(half);
  OK(untorn_journal_tail(journal, 1, &half, &error));
  untorn_records_free(half);
  OK(untorn_journal_verify(journal, NULL, &report, &error));
  untorn_report_free(report);
  OK(untorn_journal_records(journal, NULL, finished, &error));
  do
    OK(untorn_records_next(*finished, &data, &len, NULL, NULL, &error));
  while (data != NULL);
  untorn_journal_close(journal);
}

static void folds(const char *name) {
  int32_t kind;
  const uint8_t *data;
  size_t len;
  untorn_fold *fold = NULL;
  untorn_fold_turn *turn = NULL;
  untorn_journal *journal = journal_at(name);
  OK(untorn_journal_append(journal, bytes("[0]"), 3, NULL, NULL, &error));
  OK(untorn_journal_fold(journal, &fold, &error));
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  do
    OK(untorn_fold_turn_next(turn, &kind, &data, &len, NULL, NULL, &error));
  while (kind != UNTORN_FOLD_CURRENT);
  OK(untorn_fold_turn_finish(turn, NULL, &error));
  untorn_fold_turn_free(turn);
  untorn_fold_free(fold);
  untorn_journal_close(journal);
}

static void documents(const char *name) {
  uint8_t *data = NULL;
  size_t len = 0;
  untorn_document_options options = UNTORN_DOCUMENT_OPTIONS_INIT;
  untorn_document *document = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_document_open(name, &options, &document, &error));
  OK(untorn_document_save(document, bytes("[0]"), 3, NULL, NULL, &error));
  OK(untorn_document_load(document, &data, &len, NULL, &error));
  untorn_buffer_free(data);
  untorn_document_close(document);
}

static void sessions(const untorn_store *store, const char *name) {
  untorn_session *session = NULL;
  untorn_lease *lease = NULL;
  untorn_journal *journal = NULL;
  OK(untorn_store_session(store, name, &session, &error));
  OK(untorn_session_claim(session, NULL, NULL, &lease, &error));
  OK(untorn_session_journal(session, &journal, &error));
  OK(untorn_journal_append(journal, bytes("[0]"), 3, NULL, NULL, &error));
  untorn_journal_close(journal);
  untorn_lease_release(lease, NULL);
  untorn_session_free(session);
}

/* It has every journal of its directory open: here that is one. */
static void snapshots(void) {
  const uint8_t *data;
  size_t len;
  untorn_snapshot *snapshot = NULL;
  untorn_records *records = NULL;
  journals("few/j");
  OK(untorn_snapshot_take("few", NULL, &snapshot, &error));
  OK(untorn_snapshot_records(snapshot, "j", NULL, &records, &error));
  OK(untorn_records_next(records, &data, &len, NULL, NULL, &error));
  untorn_records_free(records);
  untorn_snapshot_free(snapshot);
}

static void others(const char *name) {
  untorn_lock *lock = NULL;
  untorn_follow *follow = NULL;
  untorn_journal *journal = journal_at(name);
  untorn_transaction *transaction = NULL;
  untorn_transaction_options options = UNTORN_TRANSACTION_OPTIONS_INIT;
  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_append(name, bytes("[0]"), 3, NULL, &error));
  OK(untorn_journal_follow(journal, NULL, &follow, &error));
  untorn_follow_free(follow);
  untorn_journal_close(journal);
  OK(untorn_lock_acquire(name, NULL, &lock, &error));
  untorn_lock_release(lock);
  OK(untorn_transaction_begin(".", &options, NULL, &transaction, &error));
  OK(untorn_transaction_save(transaction, "t.json", bytes("[0]"), 3, &error));
  OK(untorn_transaction_commit(transaction, NULL, &error));
  untorn_transaction_free(transaction);
}

int main(void) {
  static untorn_records *finished[FEWER];
  struct rlimit few;
  untorn_store *store = NULL;
  directory();
  /* valgrind refuses a lower hard limit. */
  CHECK(getrlimit(RLIMIT_NOFILE, &few) == 0);
  few.rlim_cur = 64;
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  CHECK(mkdir("few", 0777) == 0);
  OK(untorn_store_open("store", NULL, &store, &error));
  for (int i = 0; i < FILES; i++) {
    char name[32];
    snprintf(name, sizeof name, "j%d", i % 50);
    journals(name);
  }
  for (int i = 0; i < FEWER; i++) {
    char name[32];
    snprintf(name, sizeof name, "k%d", i % 10);
    readers(name, &finished[i]);
    folds(name);
    sessions(store, name);
    snapshots();
    others(name);
    snprintf(name, sizeof name, "d%d.json", i % 50);
    documents(name);
  }
  for (int i = 0; i < FEWER; i++)
    untorn_records_free(finished[i]);
  untorn_store_close(store);
  clean_up();
  return EXIT_SUCCESS;
}
