/* Mistakes with documents, locks, transactions and sessions. */

#include "mistakes.h"

static untorn_document *no_document = NULL;
static untorn_lock *no_lock = NULL;

/* ---- documents ---- */

static untorn_code loaded(const char *path) {
  const uint8_t *json = NULL;
  uint8_t *data = NULL;
  size_t len = 0, json_len = 0;
  untorn_code code = untorn_load(path, &data, &len, NULL, &error);
  if (code == UNTORN_OK)
    code = untorn_document_json(path, data, len, &json, &json_len, &error);
  untorn_buffer_free(data);
  return code;
}

static untorn_code load_of_none(void) { return loaded("nope.json"); }
static untorn_code load_of_an_empty_file(void) { return loaded("empty.json"); }
static untorn_code load_of_half_a_file(void) { return loaded("half.json"); }

static untorn_code create_of_what_exists(void) {
  return untorn_document_create(on.document, "2", 1, NULL, NULL, &error);
}

static untorn_code save_if(const char *version) {
  untorn_document_version expected;
  snprintf(expected.text, sizeof expected.text, "%s", version);
  return untorn_document_save_if(on.document, &expected, "2", 1, NULL, NULL, &error);
}

static untorn_code stale_version(void) { return save_if("0123456789abcdef0123456789abcdef"); }
static untorn_code version_7(void) { return save_if("7"); }

static untorn_code in_an_update(untorn_code (*make)(void)) {
  untorn_update *update = NULL;
  OK(untorn_document_begin_update(on.document, NULL, &update, &error));
  untorn_code code = make();
  untorn_update_finish(update);
  return code;
}

static untorn_code save(void) {
  return untorn_document_save(on.document, "2", 1, NULL, NULL, &error);
}

static untorn_code update(void) {
  untorn_update *update = NULL;
  return untorn_document_begin_update(on.document, NULL, &update, &error);
}

static untorn_code save_in_an_update(void) { return in_an_update(save); }
static untorn_code update_in_an_update(void) { return in_an_update(update); }

static untorn_code save_after_the_update(void) {
  untorn_update *update = NULL;
  OK(untorn_document_begin_update(on.other, NULL, &update, &error));
  OK(untorn_update_save(update, "1", 1, NULL, &error));
  untorn_code code = untorn_update_save(update, "2", 1, NULL, &error);
  untorn_update_finish(update);
  return code;
}

/* ---- locks ---- */

static untorn_code under_the_lock_of(const char *path, untorn_code (*make)(const untorn_lock *)) {
  untorn_lock *lock = NULL;
  OK(untorn_lock_acquire(path, NULL, &lock, &error));
  untorn_code code = make(lock);
  untorn_lock_release(lock);
  return code;
}

static untorn_code append_without(const untorn_lock *lock) {
  (void)lock;
  return untorn_journal_append(on.journal, "2", 1, NULL, NULL, &error);
}

static untorn_code append_with(const untorn_lock *lock) {
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  call.lock = lock;
  return untorn_journal_append(on.journal, "2", 1, &call, NULL, &error);
}

static untorn_code take_again(const untorn_lock *lock) {
  (void)lock;
  return untorn_lock_acquire("j", NULL, &no_lock, &error);
}

static untorn_code append_under_ones_lock(void) { return under_the_lock_of("j", append_without); }
static untorn_code lock_twice(void) { return under_the_lock_of("j", take_again); }
static untorn_code lock_of_another_file(void) { return under_the_lock_of("other", append_with); }

static untorn_code transfer_to_the_dead(const untorn_lock *lock) {
  untorn_process *process = NULL;
  OK(untorn_process_of(4000000, &process, &error));
  untorn_code code = untorn_lock_transfer(lock, process, &error);
  untorn_process_free(process);
  return code;
}

static untorn_code transfer(void) { return under_the_lock_of("other", transfer_to_the_dead); }

static untorn_code process_of_no_json(void) {
  untorn_process *process = NULL;
  return untorn_process_from_json("x", &process, &error);
}

static untorn_code lock_of_a_lock_file(void) {
  return untorn_lock_acquire("j.lock", NULL, &no_lock, &error);
}

static untorn_code beside_a_lock_directory(void) {
  return untorn_save("locked", "1", 1, NULL, &error);
}

static untorn_code wait_for(int64_t timeout_ms) {
  untorn_lock_options how = UNTORN_LOCK_OPTIONS_INIT;
  how.timeout_ms = timeout_ms;
  return untorn_lock_acquire("busy", &how, &no_lock, &error);
}

static untorn_code wait_a_moment(void) { return wait_for(1); }
static untorn_code try_once(void) { return wait_for(0); }

static untorn_code append_in_a_rewrite(void) {
  untorn_rewrite *rewrite = NULL;
  OK(untorn_journal_begin_rewrite(on.journal, NULL, &rewrite, &error));
  untorn_code code = append_without(NULL);
  untorn_rewrite_free(rewrite);
  return code;
}

static untorn_code append_in_a_turn(void) {
  untorn_fold *fold = NULL;
  untorn_fold_turn *turn = NULL;
  OK(untorn_journal_fold(on.journal, &fold, &error));
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  untorn_code code = append_without(NULL);
  untorn_fold_turn_free(turn);
  untorn_fold_free(fold);
  return code;
}

/* ---- transactions and sessions ---- */

static untorn_code in_a_transaction(const char *name, bool commit) {
  untorn_transaction *tx = NULL;
  OK(untorn_transaction_begin(".", NULL, NULL, &tx, &error));
  if (commit)
    OK(untorn_transaction_commit(tx, NULL, &error));
  untorn_code code = untorn_transaction_save(tx, name, "1", 1, &error);
  untorn_transaction_free(tx);
  return code;
}

static untorn_code name_that_leads_out(void) { return in_a_transaction("../x", false); }
static untorn_code absolute_name(void) { return in_a_transaction("/x", false); }
static untorn_code transaction_that_is_over(void) { return in_a_transaction("x", true); }

static untorn_code while_claimed(untorn_code (*make)(void)) {
  untorn_lease *lease = NULL;
  OK(untorn_session_claim(on.session, "me", NULL, &lease, &error));
  untorn_code code = make();
  untorn_lease_release(lease, NULL);
  return code;
}

static untorn_code claim(void) {
  untorn_lease *lease = NULL;
  return untorn_session_claim(on.session, "me too", NULL, &lease, &error);
}

static untorn_code remove_session(void) {
  return untorn_store_remove(on.store, "s", NULL, NULL, &error);
}

static untorn_code claim_twice(void) { return while_claimed(claim); }
static untorn_code remove_while_owned(void) { return while_claimed(remove_session); }

static untorn_code name_of_a_session_file(void) {
  return untorn_session_document(on.session, "../x", &no_document, &error);
}

static untorn_code key_not_utf8(void) {
  untorn_session *session = NULL;
  return untorn_store_session(on.store, "\xff", &session, &error);
}

static const row rows[] = {
    {"a document that is missing", load_of_none, UNTORN_NOT_FOUND,
     {"load /", "/nope.json: the document does not exist"}},
    {"an empty document", load_of_an_empty_file, UNTORN_CORRUPT,
     {"holds no value (0 bytes)", "restore it, or save a new value"}},
    {"half a document", load_of_half_a_file, UNTORN_CORRUPT, {"not JSON: EOF while"}},
    {"a document that exists already", create_of_what_exists, UNTORN_ALREADY_EXISTS,
     {"create /", "/d: the document already exists", "nothing was changed"}},
    {"a version of before", stale_version, UNTORN_CONFLICT,
     {"others have saved it meanwhile; load it and try again"}},
    {"a version that is none", version_7, UNTORN_INVALID_ARGUMENT,
     {"a version has 32 hexadecimal digits, unlike \"7\""}},
    {"a save within an update", save_in_an_update, UNTORN_DEADLOCK,
     {"before untorn_update_finish(), save with untorn_update_save()"}},
    {"an update within an update", update_in_an_update, UNTORN_DEADLOCK,
     {"before untorn_update_finish(), save with untorn_update_save()"}},
    {"a second save of an update", save_after_the_update, UNTORN_INVALID_ARGUMENT,
     {"this update is finished, and its lock is released; begin another"}},

    {"an append under one's own lock", append_under_ones_lock, UNTORN_DEADLOCK,
     {"this thread already holds the lock and would wait for itself",
      "pass the lock that holds it (untorn_call_options.lock), or release it first"}},
    {"a lock that is taken twice", lock_twice, UNTORN_DEADLOCK,
     {"this thread already holds the lock and would wait for itself"}},
    {"the lock of another file", lock_of_another_file, UNTORN_INVALID_ARGUMENT,
     {"the lock given is that of ", "other, not of this file"}},
    {"a lock that is handed to a process that has ended", transfer, UNTORN_INVALID_ARGUMENT,
     {"the successor, pid 4000000, has ended"}},
    {"a process that is no JSON", process_of_no_json, UNTORN_INVALID_ARGUMENT,
     {"not a process as JSON"}},
    {"a lock file in the place of its file", lock_of_a_lock_file, UNTORN_INVALID_ARGUMENT,
     {"this would lock j.lock.lock", "or lock exactly this file with untorn_lock_acquire_at()"}},
    {"another library's lock in the place of ours", beside_a_lock_directory,
     UNTORN_INVALID_ARGUMENT,
     {"it is a directory, as another program's lock may be (proper-lockfile"}},
    {"a wait for another process", wait_a_moment, UNTORN_LOCK_TIMEOUT,
     {"not free within 1ms; held by pid ", "(the other) since "}},
    {"one try, while another process holds", try_once, UNTORN_LOCKED,
     {"the lock is held; held by pid ", "(the other) since "}},
    {"an append within a rewrite", append_in_a_rewrite, UNTORN_DEADLOCK,
     {"before untorn_rewrite_free(), push it with untorn_rewrite_push()"}},
    {"an append within a fold's turn", append_in_a_turn, UNTORN_DEADLOCK,
     {"before untorn_fold_turn_free(), append with untorn_fold_turn_append()"}},

    {"a file outside of the transaction", name_that_leads_out, UNTORN_INVALID_ARGUMENT,
     {"save ../x: not the name of a file in the transaction's directory: no separator, no `..`"}},
    {"an absolute path in a transaction", absolute_name, UNTORN_INVALID_ARGUMENT,
     {"not the name of a file in the transaction's directory"}},
    {"a transaction that is over", transaction_that_is_over, UNTORN_INVALID_ARGUMENT,
     {"the transaction is over", "begin another"}},
    {"a session that is claimed twice", claim_twice, UNTORN_LOCKED, {"claim ", "(me) since "}},
    {"a session that is removed while it is owned", remove_while_owned, UNTORN_LOCKED,
     {"remove ", "(me) since "}},
    {"a path in the place of a session's file", name_of_a_session_file, UNTORN_INVALID_ARGUMENT,
     {"../x", "name"}},
    {"a key in Latin-1", key_not_utf8, UNTORN_INVALID_ARGUMENT, {"key", "UTF-8"}},
};

/* Another process holds the lock of `busy` until it is told to end. */
static pid_t hold(int *until) {
  int held[2], end[2];
  CHECK(pipe(held) == 0 && pipe(end) == 0);
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    untorn_lock_options how = UNTORN_LOCK_OPTIONS_INIT;
    untorn_lock *lock = NULL;
    how.label = "the other";
    OK(untorn_lock_acquire("busy", &how, &lock, &error));
    tell(held[1]);
    await(end[0]);
    untorn_lock_release(lock);
    _exit(EXIT_SUCCESS);
  }
  await(held[0]);
  *until = end[1];
  return child;
}

int main(void) {
  int until;
  directory();
  pid_t other = hold(&until);
  size_t wrong = wrong_answers(rows, sizeof rows / sizeof *rows);
  tell(until);
  CHECK(status_of(other) == EXIT_SUCCESS);
  clean_up();
  return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
