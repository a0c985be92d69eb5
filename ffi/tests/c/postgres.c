/* A store in a database, through libpq: all verbs, and what goes wrong. Needs the URL of a
 * server in UNTORN_TEST_POSTGRES. */

#include <libpq-fe.h>
#include <pthread.h>

#include "test.h"
#include "untorn_libpq.h"

enum { THREADS = 8, EACH = 10 };

static untorn_error *error = NULL;
static const char *url;
static char schema[64];
/* Other tests use the server at the same time. */
static char odd_schema[64];
static char own_name[64];
/* A connection beside the library's. */
static PGconn *beside;

static untorn_postgres_driver driver_of(const char *conninfo) {
  untorn_postgres_driver made;
  CHECK(untorn_libpq_driver(conninfo, &made));
  return made;
}

static untorn_store *open_with(const untorn_postgres_options *options) {
  untorn_postgres_driver driver = driver_of(url);
  untorn_store *store = NULL;
  OK(untorn_store_open_postgres(&driver, schema, options, &store, &error));
  return store;
}

static untorn_session *session_of(const untorn_store *store, const char *key) {
  untorn_session *session = NULL;
  OK(untorn_store_session(store, key, &session, &error));
  return session;
}

static untorn_journal *journal_of(const untorn_session *session) {
  untorn_journal *journal = NULL;
  OK(untorn_session_journal(session, &journal, &error));
  return journal;
}

/* Runs SQL beside the library. %s is the name. */
static void sql_on(const char *name, const char *format) {
  char text[512];
  snprintf(text, sizeof text, format, name);
  PGresult *result = PQexec(beside, text);
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    fprintf(stderr, "%s: %s\n", text, PQerrorMessage(beside));
    exit(EXIT_FAILURE);
  }
  PQclear(result);
}

/* The same; %s is the schema. */
static void sql(const char *format) { sql_on(schema, format); }

static void append(untorn_journal *journal, const char *record) {
  OK(untorn_journal_append(journal, record, strlen(record), NULL, NULL, &error));
}

static void schemas(void) {
  untorn_postgres_driver driver = driver_of(url);
  untorn_store *store = NULL;
  size_t applied = 0;
  FAILS(UNTORN_NOT_FOUND, untorn_store_open_postgres(&driver, schema, NULL, &store, &error));
  CHECK(strstr(untorn_error_message(error), "run the migrations") != NULL);
  untorn_error_free(error);
  error = NULL;
  OK(untorn_postgres_migrate(&driver, schema, &applied, &error));
  CHECK(applied > 0);
  OK(untorn_postgres_migrate(&driver, schema, &applied, &error));
  CHECK(applied == 0);
  /* No name leads out of its quotes. */
  OK(untorn_postgres_migrate(&driver, odd_schema, &applied, &error));
  CHECK(applied > 0);
  OK(untorn_store_open_postgres(&driver, odd_schema, NULL, &store, &error));
  untorn_store_close(store);
}

static void no_server(void) {
  untorn_postgres_options options = UNTORN_POSTGRES_OPTIONS_INIT;
  untorn_postgres_driver driver = driver_of("host=/nowhere user=me password=hush-hush");
  untorn_store *store = NULL;
  options.patience_ms = 0;
  FAILS(UNTORN_IO, untorn_store_open_postgres(&driver, schema, &options, &store, &error));
  CHECK(strstr(untorn_error_message(error), "/nowhere") != NULL);
  CHECK(strstr(untorn_error_message(error), "nothing was changed") != NULL);
  CHECK(strstr(untorn_error_message(error), "hush-hush") == NULL);
  untorn_error_free(error);
  error = NULL;
  driver.release(driver.context);
}

/* The server refuses the user: no later try can help. */
static void refused_login(void) {
  untorn_postgres_options options = UNTORN_POSTGRES_OPTIONS_INIT;
  char nobody[600];
  snprintf(nobody, sizeof nobody, "%s&user=nobody", url);
  untorn_postgres_driver driver = driver_of(nobody);
  untorn_store *store = NULL;
  /* Longer than a test may take. */
  options.patience_ms = 3600000;
  FAILS(UNTORN_PERMISSION_DENIED,
        untorn_store_open_postgres(&driver, schema, &options, &store, &error));
  CHECK(strstr(untorn_error_message(error), "check the user") != NULL);
  untorn_error_free(error);
  error = NULL;
  driver.release(driver.context);
}

/* A child can't use its parent's store. */
static void forked(const untorn_store *store) {
  untorn_session *session = session_of(store, "forked");
  untorn_journal *journal = journal_of(session);
  append(journal, "1");
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_append(journal, "2", 1, NULL, NULL, &error));
    _exit(0);
  }
  CHECK(status_of(child) == 0);
  append(journal, "3");
  untorn_report *report = NULL;
  OK(untorn_journal_verify(journal, NULL, &report, &error));
  CHECK(untorn_report_records(report) == 2);
  untorn_report_free(report);
  untorn_journal_close(journal);
  untorn_session_free(session);
}

static void journals(const untorn_store *store) {
  untorn_session *session = session_of(store, "journals");
  untorn_journal *journal = journal_of(session);
  untorn_bytes two[] = {{"[2]", 3}, {"[3]", 3}};
  untorn_position first, end, later;
  untorn_records *records = NULL;
  untorn_report *report = NULL;
  const uint8_t *data;
  size_t len;
  OK(untorn_journal_append(journal, "[1]", 3, NULL, &first, &error));
  OK(untorn_journal_append_all(journal, two, 2, NULL, &end, &error));
  CHECK(first.offset == 4 && end.offset == 12 && end.generation == first.generation);
  FAILS(UNTORN_CONFLICT, untorn_journal_append_at(journal, first, two, 1, NULL, NULL, &error));
  CHECK(untorn_error_position(error, &later) && later.offset == 12);
  untorn_error_free(error);
  error = NULL;
  REFUSED(UNTORN_INVALID_RECORD, untorn_journal_append(journal, "[", 1, NULL, NULL, &error));
  OK(untorn_journal_end(journal, &later, &error));
  CHECK(later.offset == 12);
  OK(untorn_journal_tail(journal, 2, &records, &error));
  OK(untorn_records_next(records, &data, &len, NULL, NULL, &error));
  CHECK(same(data, len, "[2]"));
  untorn_records_free(records);
  untorn_records_options from = UNTORN_RECORDS_OPTIONS_INIT;
  from.start = first;
  OK(untorn_journal_records(journal, &from, &records, &error));
  OK(untorn_records_next(records, &data, &len, NULL, NULL, &error));
  CHECK(same(data, len, "[2]"));
  untorn_records_free(records);
  OK(untorn_journal_verify(journal, NULL, &report, &error));
  CHECK(untorn_report_records(report) == 3);
  untorn_report_free(report);
  char *rotated = NULL;
  OK(untorn_journal_rewind(journal, first, NULL, &rotated, &error));
  CHECK(strcmp(rotated, "journal_1.jsonl") == 0);
  untorn_string_free(rotated);
  OK(untorn_journal_replace(journal, two, 2, NULL, &end, &error));
  CHECK(end.offset == 8 && end.generation > first.generation);
  untorn_journal_close(journal);
  untorn_session_free(session);
}

static void documents(const untorn_store *store) {
  static uint8_t all[3 << 20];
  untorn_session *session = session_of(store, "documents");
  untorn_document *state = NULL, *again = NULL;
  untorn_document_version version, other;
  untorn_update *update = NULL, *late = NULL;
  uint8_t *data = NULL;
  const uint8_t *was;
  size_t len = 1;
  bool removed = false;
  OK(untorn_session_state(session, &state, &error));
  OK(untorn_session_state(session, &again, &error));
  REFUSED(UNTORN_NOT_FOUND, untorn_document_load(state, &data, &len, NULL, &error));
  OK(untorn_document_create(state, NULL, 0, NULL, &version, &error));
  OK(untorn_document_load(state, &data, &len, &other, &error));
  CHECK(len == 0 && strcmp(version.text, other.text) == 0);
  untorn_buffer_free(data);
  /* Every byte, over several pieces of a statement's answer. */
  for (size_t i = 0; i < sizeof all; i++)
    all[i] = (uint8_t)(i * 7 + i / 256);
  OK(untorn_document_save_if(state, &version, all, sizeof all, NULL, &other, &error));
  REFUSED(UNTORN_CONFLICT, untorn_document_save_if(again, &version, "x", 1, NULL, NULL, &error));
  OK(untorn_document_load(again, &data, &len, NULL, &error));
  CHECK(len == sizeof all && memcmp(data, all, len) == 0);
  untorn_buffer_free(data);
  OK(untorn_document_begin_update(state, NULL, &update, &error));
  OK(untorn_document_begin_update(again, NULL, &late, &error));
  untorn_update_value(update, &was, &len);
  CHECK(len == sizeof all);
  /* The update is independent of the handle. */
  untorn_document_close(state);
  OK(untorn_update_save(update, "1", 1, &version, &error));
  REFUSED(UNTORN_CONFLICT, untorn_update_save(late, "2", 1, NULL, &error));
  untorn_update_finish(update);
  untorn_update_finish(late);
  OK(untorn_document_remove_if(again, &version, NULL, &error));
  OK(untorn_document_remove(again, NULL, &removed, &error));
  CHECK(!removed);
  untorn_document_close(again);
  untorn_session_free(session);
}

static void transactions(const untorn_store *store) {
  untorn_session *session = session_of(store, "transactions");
  untorn_transaction *one = NULL, *two = NULL;
  untorn_bytes record = {"[1]", 3};
  uint8_t *data = NULL;
  size_t len = 0;
  bool removed = true;
  OK(untorn_session_transaction(session, NULL, &one, &error));
  OK(untorn_transaction_create(one, "state.json", "1", 1, &error));
  OK(untorn_transaction_append(one, "journal.jsonl", &record, 1, &error));
  OK(untorn_transaction_load(one, "journal.jsonl", NULL, &data, &len, NULL, &error));
  CHECK(same(data, len, "[1]\n"));
  untorn_buffer_free(data);
  OK(untorn_transaction_commit(one, NULL, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_transaction_commit(one, NULL, &error));
  untorn_transaction_free(one);
  OK(untorn_session_transaction(session, NULL, &one, &error));
  OK(untorn_session_transaction(session, NULL, &two, &error));
  OK(untorn_transaction_load(one, "state.json", NULL, &data, &len, NULL, &error));
  untorn_buffer_free(data);
  OK(untorn_transaction_save(one, "state.json", "2", 1, &error));
  OK(untorn_transaction_remove(two, "state.json", NULL, &removed, &error));
  CHECK(removed);
  OK(untorn_transaction_commit(two, NULL, &error));
  REFUSED(UNTORN_CONFLICT, untorn_transaction_commit(one, NULL, &error));
  untorn_transaction_free(one);
  untorn_transaction_free(two);
  untorn_session_free(session);
}

/* Takes in all that there is, and returns how many records the state has then. */
static size_t take_in(untorn_fold_turn *turn, size_t state) {
  const uint8_t *data;
  size_t len;
  int32_t kind;
  for (;;) {
    OK(untorn_fold_turn_next(turn, &kind, &data, &len, NULL, NULL, &error));
    if (kind == UNTORN_FOLD_CURRENT)
      return state;
    state = kind == UNTORN_FOLD_RESTART ? 0 : state + 1;
  }
}

static void folds(const untorn_store *store) {
  untorn_session *session = session_of(store, "folds");
  untorn_journal *journal = journal_of(session);
  untorn_fold *fold = NULL;
  untorn_fold_turn *turn = NULL, *second = NULL;
  untorn_bytes record = {"[2]", 3};
  untorn_position at;
  bool current = true;
  append(journal, "[1]");
  OK(untorn_journal_fold(journal, &fold, &error));
  OK(untorn_fold_is_current(fold, &current, &error));
  CHECK(!current && !untorn_fold_position(fold, &at));
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  REFUSED(UNTORN_DEADLOCK, untorn_fold_begin(fold, NULL, &second, &error));
  CHECK(take_in(turn, 99) == 1);
  /* Another process is faster. */
  append(journal, "[0]");
  REFUSED(UNTORN_CONFLICT, untorn_fold_turn_append(turn, &record, 1, NULL, &error));
  CHECK(take_in(turn, 1) == 2);
  OK(untorn_fold_turn_append(turn, &record, 1, NULL, &error));
  CHECK(take_in(turn, 2) == 3);
  OK(untorn_fold_turn_finish(turn, &at, &error));
  CHECK(at.offset == 12);
  untorn_fold_turn_free(turn);
  OK(untorn_fold_is_current(fold, &current, &error));
  CHECK(current);
  /* A turn that is not finished. */
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  untorn_fold_turn_free(turn);
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  CHECK(take_in(turn, 99) == 3);
  OK(untorn_fold_turn_finish(turn, NULL, &error));
  untorn_fold_turn_free(turn);
  untorn_fold_free(fold);
  untorn_journal_close(journal);
  untorn_session_free(session);
}

static void *append_some(void *given) {
  untorn_error *own = NULL;
  for (int i = 0; i < EACH; i++)
    CHECK(untorn_journal_append(given, "[1]", 3, NULL, NULL, &own) == UNTORN_OK);
  return NULL;
}

/* Many threads on one handle, and a follower that sees each record once. */
static void follows(const untorn_store *store) {
  untorn_session *session = session_of(store, "follows");
  untorn_journal *journal = journal_of(session);
  untorn_follow *follow = NULL;
  untorn_call_options patient = UNTORN_CALL_OPTIONS_INIT;
  pthread_t threads[THREADS];
  const uint8_t *data;
  size_t len;
  int32_t kind;
  patient.timeout_ms = 60000;
  OK(untorn_journal_follow(journal, NULL, &follow, &error));
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, append_some, journal) == 0);
  for (int i = 0; i < THREADS * EACH; i++) {
    OK(untorn_follow_next(follow, &patient, &kind, &data, &len, NULL, NULL, &error));
    CHECK(kind == UNTORN_FOLLOW_RECORD && same(data, len, "[1]"));
  }
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  patient.timeout_ms = 0;
  OK(untorn_follow_next(follow, &patient, &kind, &data, &len, NULL, NULL, &error));
  CHECK(kind == UNTORN_FOLLOW_NOTHING);
  untorn_journal_close(journal);
  CHECK(untorn_follow_is_closed(follow));
  untorn_follow_free(follow);
  untorn_session_free(session);
}

static void leases(const untorn_store *store) {
  untorn_session *mine = session_of(store, "leases"), *theirs = session_of(store, "leases");
  untorn_journal *journal = journal_of(mine);
  untorn_lease *lease = NULL, *other = NULL;
  untorn_holder *holder = NULL;
  bool released = true;
  OK(untorn_session_claim(mine, "first", NULL, &lease, &error));
  CHECK(untorn_lease_is_held(lease) && untorn_lease_token(lease) > 0);
  CHECK(!untorn_cancel_is_triggered(untorn_lease_lost(lease)));
  FAILS(UNTORN_LOCKED, untorn_session_claim(theirs, "second", NULL, &other, &error));
  CHECK(strcmp(untorn_holder_label(untorn_error_holder(error)), "first") == 0);
  untorn_error_free(error);
  error = NULL;
  OK(untorn_session_holder(theirs, &holder, &error));
  CHECK(strcmp(untorn_holder_label(holder), "first") == 0);
  untorn_holder_free(holder);
  append(journal, "[1]");
  /* This process was stopped for so long that another one took the session. */
  sql("update %s.session set until = clock_timestamp() - interval '1 s' where key = 'leases'");
  OK(untorn_session_claim(theirs, "second", NULL, &other, &error));
  CHECK(strcmp(untorn_holder_label(untorn_lease_previous(other)), "first") == 0);
  REFUSED(UNTORN_LEASE_LOST, untorn_journal_append(journal, "[2]", 3, NULL, NULL, &error));
  CHECK(untorn_cancel_is_triggered(untorn_lease_lost(lease)) && !untorn_lease_is_held(lease));
  untorn_lease_release(lease, &released);
  CHECK(!released);
  untorn_lease_release(other, &released);
  CHECK(released);
  untorn_journal_close(journal);
  untorn_session_free(theirs);
  untorn_session_free(mine);
}

/* A session whose owner's connection has ended is free at once. */
static void connected(void) {
  untorn_postgres_options options = UNTORN_POSTGRES_OPTIONS_INIT;
  options.connected = 1;
  untorn_store *store = open_with(&options);
  untorn_session *mine = session_of(store, "connected"), *theirs = session_of(store, "connected");
  untorn_lease *lease = NULL, *other = NULL;
  untorn_call_options patient = UNTORN_CALL_OPTIONS_INIT;
  patient.timeout_ms = 60000;
  OK(untorn_session_claim(mine, "first", NULL, &lease, &error));
  REFUSED(UNTORN_LOCKED, untorn_session_claim(theirs, "second", NULL, &other, &error));
  sql("select pg_terminate_backend(backend) from %s.session where key = 'connected'");
  OK(untorn_session_claim(theirs, "second", &patient, &other, &error));
  untorn_lease_release(lease, NULL);
  untorn_lease_release(other, NULL);
  untorn_session_free(theirs);
  untorn_session_free(mine);
  untorn_store_close(store);
}

static int says(void *answer) { return *(const int *)answer; }

static void reconciles(const untorn_store *store) {
  untorn_session *session = session_of(store, "reconciles");
  untorn_document *state = NULL;
  untorn_lease *lease = NULL;
  untorn_reconcile *turn = NULL;
  untorn_holder *holder = NULL;
  uint8_t *data = NULL;
  size_t len = 0;
  int32_t found;
  int alive = 1;
  OK(untorn_session_claim(session, "gone", NULL, &lease, &error));
  OK(untorn_session_reconcile(session, NULL, NULL, NULL, &found, &turn, &holder, &error));
  CHECK(found == UNTORN_RECONCILED_ALIVE && turn == NULL && holder != NULL);
  untorn_holder_free(holder);
  sql("update %s.session set until = clock_timestamp() - interval '1 s' where key = 'reconciles'");
  OK(untorn_session_reconcile(session, says, &alive, NULL, &found, &turn, NULL, &error));
  CHECK(found == UNTORN_RECONCILED_ALIVE && turn == NULL);
  alive = 0;
  OK(untorn_session_reconcile(session, says, &alive, NULL, &found, &turn, NULL, &error));
  CHECK(found == UNTORN_RECONCILED_TURN);
  CHECK(strcmp(untorn_holder_label(untorn_reconcile_owner(turn)), "gone") == 0);
  OK(untorn_transaction_save(untorn_reconcile_transaction(turn), "state.json", "1", 1, &error));
  OK(untorn_reconcile_commit(turn, NULL, &error));
  CHECK(untorn_reconcile_transaction(turn) == NULL);
  untorn_reconcile_free(turn);
  OK(untorn_session_reconcile(session, NULL, NULL, NULL, &found, &turn, NULL, &error));
  CHECK(found == UNTORN_RECONCILED_NO_CHANGE);
  OK(untorn_session_state(session, &state, &error));
  OK(untorn_document_load(state, &data, &len, NULL, &error));
  CHECK(same(data, len, "1"));
  untorn_buffer_free(data);
  untorn_document_close(state);
  untorn_lease_release(lease, NULL);
  untorn_session_free(session);
}

static void see(uint64_t done, uint64_t total, void *user) {
  uint64_t *searched = user;
  searched[0] = done;
  searched[1] = total;
}

static void stores(const untorn_store *store) {
  untorn_session *session = session_of(store, "stores");
  untorn_journal *journal = journal_of(session);
  untorn_keys *keys = NULL;
  untorn_hits *hits = NULL;
  const char *key;
  bool there = true, found = false;
  OK(untorn_session_exists(session, &there, &error));
  CHECK(!there);
  append(journal, "{\"text\":\"needle\"}");
  uint64_t searched[2] = {0, 0};
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  call.progress = see;
  call.progress_user = searched;
  OK(untorn_store_search(store, "NEEDLE", 0, &call, &hits, &error));
  CHECK(searched[0] > 0 && searched[0] == searched[1]);
  CHECK(untorn_hits_get(hits, 0, &key, NULL, NULL, NULL, NULL) && strcmp(key, "stores") == 0);
  untorn_hits_free(hits);
  OK(untorn_store_keys(store, &keys, &error));
  for (size_t i = 0; (key = untorn_keys_get(keys, i)) != NULL; i++)
    found = found || strcmp(key, "stores") == 0;
  CHECK(found);
  untorn_keys_free(keys);
  OK(untorn_store_remove(store, "stores", NULL, &there, &error));
  CHECK(there);
  OK(untorn_session_exists(session, &there, &error));
  CHECK(!there);
  untorn_journal_close(journal);
  untorn_session_free(session);
}

/* The server ends each connection of the library. */
static void broken_connections(const untorn_store *store) {
  untorn_session *session = session_of(store, "broken");
  untorn_journal *journal = journal_of(session);
  untorn_report *report = NULL;
  for (int i = 0; i < 5; i++) {
    sql_on(own_name, "select pg_terminate_backend(pid) from pg_stat_activity "
                     "where application_name = '%s'");
    append(journal, "[1]");
  }
  OK(untorn_journal_verify(journal, NULL, &report, &error));
  CHECK(untorn_report_records(report) == 5 && untorn_report_damage_count(report) == 0);
  untorn_report_free(report);
  untorn_journal_close(journal);
  untorn_session_free(session);
}

static void checks(void) {
  untorn_postgres_driver driver = driver_of(url);
  untorn_selftest_report *report = NULL;
  const char *name, *detail;
  int32_t outcome;
  bool found = false, skipped = false;
  OK(untorn_postgres_selftest(&driver, schema, &report, &error));
  for (size_t i = 0; untorn_selftest_check(report, i, &name, &outcome, &detail); i++) {
    if (outcome == UNTORN_CHECK_FAILED)
      fprintf(stderr, "%s: %s\n", name, detail);
    found = found || strcmp(name, "notifications") == 0;
  }
  CHECK(untorn_selftest_passed(report) && found);
  untorn_selftest_free(report);
  driver.connect = NULL;
  driver.disconnect = NULL;
  driver.wait = NULL;
  OK(untorn_postgres_selftest(&driver, schema, &report, &error));
  for (size_t i = 0; untorn_selftest_check(report, i, &name, &outcome, &detail); i++)
    skipped = skipped || outcome == UNTORN_CHECK_SKIPPED;
  CHECK(untorn_selftest_passed(report) && skipped);
  untorn_selftest_free(report);
  driver.release(driver.context);
}

int main(void) {
  static char address[512];
  const char *given = getenv("UNTORN_TEST_POSTGRES");
  CHECK(given != NULL);
  /* The URL has parameters, so one more can follow. */
  snprintf(own_name, sizeof own_name, "c-postgres-%ld", (long)getpid());
  snprintf(odd_schema, sizeof odd_schema, "it's \"$$ \\ %ld", (long)getpid());
  snprintf(address, sizeof address, "%s%sapplication_name=%s", given,
           strchr(given, '?') != NULL ? "&" : "?", own_name);
  url = address;
  snprintf(schema, sizeof schema, "c_%ld", (long)getpid());
  beside = PQconnectdb(given);
  CHECK(PQstatus(beside) == CONNECTION_OK);
  schemas();
  no_server();
  refused_login();
  untorn_store *store = open_with(NULL);
  journals(store);
  documents(store);
  transactions(store);
  folds(store);
  follows(store);
  leases(store);
  connected();
  reconciles(store);
  stores(store);
  broken_connections(store);
  forked(store);
  checks();
  untorn_store_close(store);
  sql("drop schema %s cascade");
  char *quoted = PQescapeIdentifier(beside, odd_schema, strlen(odd_schema));
  snprintf(schema, sizeof schema, "%s", quoted);
  PQfreemem(quoted);
  sql("drop schema %s cascade");
  PQfinish(beside);
  return EXIT_SUCCESS;
}
