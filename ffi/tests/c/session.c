/* Sessions: any key, and one owner at a time. */

#include <signal.h>

#include "test.h"

static untorn_error *error = NULL;

static untorn_store *open_store(void) {
  untorn_store_options options = UNTORN_STORE_OPTIONS_INIT;
  untorn_store *store = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  options.journal_name = "context.jsonl";
  options.state_name = "state.toml";
  OK(untorn_store_open("s", &options, &store, &error));
  return store;
}

static untorn_session *session_of(untorn_store *store, const char *key) {
  untorn_session *session = NULL;
  OK(untorn_store_session(store, key, &session, &error));
  return session;
}

static void its_files(untorn_store *store) {
  untorn_session *session = session_of(store, "a/b:C");
  untorn_journal *journal = NULL;
  untorn_document *state = NULL, *result = NULL;
  untorn_keys *keys = NULL;
  char *media = NULL;
  bool there = true, removed = false;

  OK(untorn_session_exists(session, &there, &error));
  CHECK(!there);
  OK(untorn_session_journal(session, &journal, &error));
  OK(untorn_journal_append(journal, bytes("[1]"), 3, NULL, NULL, &error));
  OK(untorn_session_state(session, &state, &error));
  OK(untorn_document_save(state, bytes("n = 1\n"), 6, NULL, NULL, &error));
  OK(untorn_session_document(session, "result.toml", &result, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_session_document(session, "../x", &result, &error));
  OK(untorn_session_media(session, "../photo.JPG", &media, &error));
  CHECK(strncmp(media, untorn_session_path(session), strlen(untorn_session_path(session))) == 0);
  untorn_string_free(media);
  CHECK(strstr(untorn_journal_path(journal), "/context.jsonl") != NULL);
  CHECK(strstr(untorn_document_path(state), "/state.toml") != NULL);
  CHECK(strcmp(untorn_session_key(session), "a/b:C") == 0);

  OK(untorn_store_keys(store, &keys, &error));
  CHECK(strcmp(untorn_keys_get(keys, 0), "a/b:C") == 0);
  CHECK(untorn_keys_get(keys, 1) == NULL);
  untorn_keys_free(keys);
  OK(untorn_store_remove(store, "a/b:C", NULL, &removed, &error));
  CHECK(removed);
  OK(untorn_session_exists(session, &there, &error));
  CHECK(!there);
  untorn_journal_close(journal);
  untorn_document_close(state);
  untorn_document_close(result);
  untorn_session_free(session);
}

static void searched(untorn_store *store) {
  const char *said = "{\"text\":\"Gr\\u00fc\\u00dfe aus Ulm\"}", *key, *snippet;
  untorn_session *session = session_of(store, "talk");
  untorn_journal *journal = NULL;
  untorn_hits *hits = NULL;
  untorn_position at;
  size_t start, end;
  OK(untorn_session_journal(session, &journal, &error));
  OK(untorn_journal_append(journal, bytes("[0]"), 3, NULL, NULL, &error));
  OK(untorn_journal_append(journal, bytes(said), strlen(said), NULL, NULL, &error));
  OK(untorn_store_search(store, "GR\xc3\x9c", 0, NULL, &hits, &error));
  CHECK(untorn_hits_get(hits, 0, &key, &at, &snippet, &start, &end));
  CHECK(strcmp(key, "talk") == 0 && at.offset == 4);
  CHECK(end - start == 4 && memcmp(snippet + start, "Gr\xc3\xbc", 4) == 0);
  CHECK(!untorn_hits_get(hits, 1, NULL, NULL, NULL, NULL, NULL));
  untorn_hits_free(hits);
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_store_search(store, "", 0, NULL, &hits, &error));
  untorn_journal_close(journal);
  untorn_session_free(session);
}

static void one_owner(untorn_store *store) {
  untorn_session *session = session_of(store, "owned");
  untorn_lease *lease = NULL;
  untorn_holder *holder = NULL;
  untorn_call_options patient = UNTORN_CALL_OPTIONS_INIT;
  bool removed;
  int ready[2], status;

  OK(untorn_session_holder(session, &holder, &error));
  CHECK(holder == NULL);
  CHECK(pipe(ready) == 0);
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    OK(untorn_session_claim(session, "the first", NULL, &lease, &error));
    tell(ready[1]);
    for (;;)
      pause();
  }
  await(ready[0]);
  FAILS(UNTORN_LOCKED, untorn_session_claim(session, "the second", NULL, &lease, &error));
  CHECK(strcmp(untorn_holder_label(untorn_error_holder(error)), "the first") == 0);
  CHECK(untorn_holder_pid(untorn_error_holder(error)) == (uint32_t)child);
  untorn_error_free(error);
  error = NULL;
  REFUSED(UNTORN_LOCKED, untorn_store_remove(store, "owned", NULL, &removed, &error));
  OK(untorn_session_holder(session, &holder, &error));
  CHECK(untorn_holder_pid(holder) == (uint32_t)child);
  untorn_holder_free(holder);

  CHECK(kill(child, SIGKILL) == 0);
  patient.timeout_ms = 10000;
  OK(untorn_session_claim(session, "the second", &patient, &lease, &error));
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(untorn_lease_is_held(lease));
  CHECK(strcmp(untorn_holder_label(untorn_lease_holder(lease)), "the second") == 0);
  CHECK(untorn_holder_pid(untorn_lease_previous(lease)) == (uint32_t)child);
  untorn_lease_release(lease, NULL);

  OK(untorn_session_claim(session, NULL, NULL, &lease, &error));
  CHECK(untorn_lease_previous(lease) == NULL);
  untorn_lease_release(lease, &removed);
  CHECK(removed);
  untorn_session_free(session);
  close(ready[0]);
  close(ready[1]);
}

static int it_lives(void *context) {
  ++*(int *)context;
  return 1;
}

/* A child that owns the session and dies: it is reconciled once. */
static void reconciled(untorn_store *store) {
  untorn_session *session = session_of(store, "dead");
  untorn_reconcile *turn = NULL, *second = NULL;
  untorn_transaction *tx;
  untorn_holder *holder = NULL;
  untorn_lease *lease = NULL;
  uint8_t *data = NULL;
  size_t len;
  int32_t found;
  int ready[2], status, asked = 0;

  OK(untorn_session_reconcile(session, NULL, NULL, NULL, &found, &turn, NULL, &error));
  CHECK(found == UNTORN_RECONCILED_NO_CHANGE && turn == NULL);
  CHECK(pipe(ready) == 0);
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    OK(untorn_session_claim(session, "the worker", NULL, &lease, &error));
    tell(ready[1]);
    for (;;)
      pause();
  }
  await(ready[0]);
  OK(untorn_session_reconcile(session, NULL, NULL, NULL, &found, &turn, &holder, &error));
  CHECK(found == UNTORN_RECONCILED_ALIVE && turn == NULL);
  CHECK(untorn_holder_pid(holder) == (uint32_t)child);
  untorn_holder_free(holder);
  CHECK(kill(child, SIGKILL) == 0);
  CHECK(waitpid(child, &status, 0) == child);

  OK(untorn_session_reconcile(session, it_lives, &asked, NULL, &found, &turn, NULL, &error));
  CHECK(found == UNTORN_RECONCILED_ALIVE && asked == 1);
  OK(untorn_session_reconcile(session, NULL, NULL, NULL, &found, &turn, &holder, &error));
  CHECK(found == UNTORN_RECONCILED_TURN && turn != NULL && holder == NULL);
  CHECK(untorn_holder_pid(untorn_reconcile_owner(turn)) == (uint32_t)child);
  untorn_reconcile_free(turn);

  OK(untorn_session_reconcile(session, NULL, NULL, NULL, &found, &turn, NULL, &error));
  CHECK(found == UNTORN_RECONCILED_TURN);
  tx = untorn_reconcile_transaction(turn);
  OK(untorn_transaction_create(tx, "result.toml", bytes("died"), 4, &error));
  OK(untorn_transaction_save(tx, "state.toml", bytes("failed"), 6, &error));
  OK(untorn_reconcile_commit(turn, NULL, &error));
  CHECK(untorn_reconcile_transaction(turn) == NULL);
  untorn_reconcile_free(turn);
  OK(untorn_session_reconcile(session, NULL, NULL, NULL, &found, &second, NULL, &error));
  CHECK(found == UNTORN_RECONCILED_NO_CHANGE && second == NULL);

  char path[4096];
  snprintf(path, sizeof path, "%s/result.toml", untorn_session_path(session));
  OK(untorn_load(path, &data, &len, NULL, &error));
  CHECK(len == 4 && memcmp(data, "died", 4) == 0);
  untorn_buffer_free(data);
  untorn_session_free(session);
  close(ready[0]);
  close(ready[1]);
}

/* A supervisor gives its worker the session, and the worker goes on without it. */
static void transferred(untorn_store *store) {
  untorn_session *session = session_of(store, "moving");
  untorn_lease *lease = NULL, *refused = NULL;
  untorn_process *worker = NULL;
  untorn_holder *holder = NULL;
  int go[2], ready[2], status;
  CHECK(pipe(go) == 0 && pipe(ready) == 0);
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    await(go[0]);
    OK(untorn_session_claim(session, "the worker", NULL, &lease, &error));
    tell(ready[1]);
    for (;;)
      pause();
  }
  OK(untorn_session_claim(session, "the supervisor", NULL, &lease, &error));
  OK(untorn_process_of((uint32_t)child, &worker, &error));
  OK(untorn_lease_transfer(lease, worker, &error));
  CHECK(!untorn_lease_is_held(lease));
  untorn_lease_release(lease, NULL);
  REFUSED(UNTORN_LOCKED, untorn_session_claim(session, "another", NULL, &refused, &error));
  tell(go[1]);
  await(ready[0]);
  OK(untorn_session_holder(session, &holder, &error));
  CHECK(untorn_holder_pid(holder) == (uint32_t)child);
  untorn_holder_free(holder);
  CHECK(kill(child, SIGKILL) == 0);
  CHECK(waitpid(child, &status, 0) == child);
  untorn_process_free(worker);
  untorn_session_free(session);
}

int main(void) {
  directory();
  untorn_store *store = open_store();
  untorn_session *session = NULL;
  its_files(store);
  searched(store);
  one_owner(store);
  reconciled(store);
  transferred(store);
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_store_session(store, NULL, &session, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_store_session(NULL, "k", &session, &error));
  untorn_store_close(store);
  untorn_store_close(NULL);
  untorn_session_free(NULL);
  untorn_lease_release(NULL, NULL);
  clean_up();
  return 0;
}
