/* A store in a database whose driver, or whose caller, does something wrong. No server is
 * needed: the driver of these tests answers by itself. */

#include "test.h"

static untorn_error *error = NULL;

/* What the driver does with its next statements. */
static struct {
  int32_t code;
  const char *sqlstate;
  const char *message;
  void (*rows)(untorn_postgres_answer *);
  int calls;
  int released;
} fake;

enum { BIGINT = 20, TEXT = 25 };

/* The number of the migrations that the library knows. */
static size_t migrations(void) {
  size_t count = 0;
  for (char *sql; (sql = untorn_postgres_migration(count, NULL)) != NULL; count++)
    untorn_string_free(sql);
  return count;
}

static void number_is(untorn_postgres_answer *answer, size_t number) {
  uint8_t big_endian[8] = {0};
  big_endian[7] = (uint8_t)number;
  untorn_postgres_answer_row(answer);
  untorn_postgres_answer_value(answer, BIGINT, big_endian, sizeof big_endian);
}

static void right(untorn_postgres_answer *answer) { number_is(answer, migrations()); }
static void older(untorn_postgres_answer *answer) { number_is(answer, migrations() - 1); }
static void newer(untorn_postgres_answer *answer) { number_is(answer, migrations() + 1); }
static void no_row(untorn_postgres_answer *answer) { (void)answer; }
static void no_begin(untorn_postgres_answer *answer) {
  untorn_postgres_answer_value(answer, BIGINT, "12345678", 8);
}
static void as_text(untorn_postgres_answer *answer) {
  untorn_postgres_answer_row(answer);
  untorn_postgres_answer_value(answer, BIGINT, "6", 1);
}
static void another_type(untorn_postgres_answer *answer) {
  untorn_postgres_answer_row(answer);
  untorn_postgres_answer_value(answer, TEXT, "6", 1);
}
static void unknown_type(untorn_postgres_answer *answer) {
  untorn_postgres_answer_row(answer);
  untorn_postgres_answer_value(answer, 1700, "6", 1);
}
static void latin_1(untorn_postgres_answer *answer) {
  untorn_postgres_answer_row(answer);
  untorn_postgres_answer_value(answer, TEXT, "Gr\xfc", 3);
}

static int32_t query(void *context, void *connection, const untorn_postgres_statement *statement,
                     untorn_postgres_answer *answer) {
  CHECK(context == &fake && connection == NULL);
  CHECK(statement->sql != NULL && statement->count >= 0);
  for (int32_t i = 0; i < statement->count; i++)
    CHECK(statement->formats[i] == 1 && statement->types[i] != 0 && statement->lengths[i] >= 0);
  fake.calls++;
  if (fake.rows != NULL)
    fake.rows(answer);
  if (fake.code == UNTORN_POSTGRES_REFUSED && fake.message != NULL)
    untorn_postgres_answer_refused(answer, fake.sqlstate, fake.message, NULL, NULL);
  else if (fake.message != NULL)
    untorn_postgres_answer_failed(answer, fake.message);
  return fake.code;
}

static void release(void *context) {
  CHECK(context == &fake);
  fake.released++;
}

static int32_t wait_on(void *connection, int64_t timeout_ms, untorn_postgres_answer *answer) {
  (void)connection;
  (void)timeout_ms;
  (void)answer;
  return UNTORN_POSTGRES_NO_ANSWER;
}

static untorn_postgres_driver driver(void) {
  untorn_postgres_driver made = UNTORN_POSTGRES_DRIVER_INIT;
  made.context = &fake;
  made.query = query;
  made.release = release;
  return made;
}

static untorn_postgres_options impatient(void) {
  untorn_postgres_options options = UNTORN_POSTGRES_OPTIONS_INIT;
  options.patience_ms = 0;
  return options;
}

/* Opening fails with this code and these words, and the driver stays the caller's. */
static void refuses(untorn_code code, const char *words, const untorn_postgres_driver *of,
                    const char *schema, const untorn_postgres_options *options) {
  untorn_store *store = NULL;
  untorn_code found = untorn_store_open_postgres(of, schema, options, &store, &error);
  if (found != code || strstr(untorn_error_message(error), words) == NULL) {
    fprintf(stderr, "%s: %s, and not %s\n", untorn_code_name(found),
            error == NULL ? "no error" : untorn_error_message(error), words);
    exit(EXIT_FAILURE);
  }
  CHECK(store == NULL && fake.released == 0);
  untorn_error_free(error);
  error = NULL;
}

static void callers(void) {
  untorn_postgres_options options = UNTORN_POSTGRES_OPTIONS_INIT;
  untorn_postgres_driver some = driver();
  refuses(UNTORN_INVALID_ARGUMENT, "driver is NULL", NULL, NULL, NULL);
  some.query = NULL;
  refuses(UNTORN_INVALID_ARGUMENT, "driver->query is NULL", &some, NULL, NULL);
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_postgres_migrate(&some, NULL, NULL, &error));
  some = driver();
  some.wait = wait_on;
  refuses(UNTORN_INVALID_ARGUMENT, "set all three, or none", &some, NULL, NULL);
  some = driver();
  some.size = 0;
  refuses(UNTORN_INVALID_ARGUMENT, "UNTORN_POSTGRES_DRIVER_INIT", &some, NULL, NULL);
  some = driver();
  refuses(UNTORN_INVALID_ARGUMENT, "schema is empty", &some, "", NULL);
  refuses(UNTORN_INVALID_ARGUMENT, "schema is not UTF-8", &some, "\xff", NULL);
  options.ttl_ms = 0;
  refuses(UNTORN_INVALID_ARGUMENT, "ttl_ms is 0", &some, NULL, &options);
  options.ttl_ms = 1;
  options.patience_ms = -1;
  refuses(UNTORN_INVALID_ARGUMENT, "patience_ms is -1", &some, NULL, &options);
  options = impatient();
  options.journal_name = "same";
  options.state_name = "same";
  refuses(UNTORN_INVALID_ARGUMENT, "must differ in name", &some, NULL, &options);
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_store_open_postgres(&some, NULL, NULL, NULL, &error));
  CHECK(fake.calls == 0);
  /* An answer that is none. */
  untorn_postgres_answer_row(NULL);
  untorn_postgres_answer_value(NULL, BIGINT, NULL, 0);
  untorn_postgres_answer_refused(NULL, NULL, NULL, NULL, NULL);
  untorn_postgres_answer_failed(NULL, NULL);
  untorn_postgres_answer_notified(NULL, NULL);
}

static void answers(untorn_code code, const char *words, void (*rows)(untorn_postgres_answer *)) {
  untorn_postgres_options options = impatient();
  untorn_postgres_driver some = driver();
  fake.code = UNTORN_POSTGRES_ANSWERED;
  fake.rows = rows;
  refuses(code, words, &some, NULL, &options);
}

static void fails(untorn_code code, const char *words, int32_t outcome, const char *sqlstate,
                  const char *message) {
  untorn_postgres_options options = impatient();
  untorn_postgres_driver some = driver();
  fake.code = outcome;
  fake.rows = NULL;
  fake.sqlstate = sqlstate;
  fake.message = message;
  refuses(code, words, &some, NULL, &options);
  fake.message = NULL;
}

static void drivers(void) {
  answers(UNTORN_INTERNAL, "without a row", no_row);
  answers(UNTORN_IO, "a value before the first row", no_begin);
  answers(UNTORN_IO, "column 1: a bigint of 1 bytes", as_text);
  answers(UNTORN_IO, "protocol() has no number", another_type);
  answers(UNTORN_IO, "the type 1700", unknown_type);
  answers(UNTORN_IO, "client_encoding", latin_1);
  answers(UNTORN_CONFLICT, "run the migrations", older);
  answers(UNTORN_CONFLICT, "update untorn-postgres", newer);
  fails(UNTORN_IO, "without its SQLSTATE: boom", UNTORN_POSTGRES_REFUSED, NULL, "boom");
  fails(UNTORN_IO, "without its SQLSTATE: boom", UNTORN_POSTGRES_REFUSED, "4", "boom");
  fails(UNTORN_IO, "not which one", UNTORN_POSTGRES_REFUSED, NULL, NULL);
  fails(UNTORN_IO, "it returned 17", 17, NULL, NULL);
  fails(UNTORN_IO, "no route; nothing was changed", UNTORN_POSTGRES_NO_CONNECTION, NULL,
        "no route\n");
  fails(UNTORN_IO, "the driver gave no reason", UNTORN_POSTGRES_NO_ANSWER, NULL, NULL);
  fails(UNTORN_NOT_FOUND, "run the migrations", UNTORN_POSTGRES_REFUSED, "3F000", "no schema");
  fails(UNTORN_PERMISSION_DENIED, "allow(role)", UNTORN_POSTGRES_REFUSED, "42501", "denied");
}

static void only_files(untorn_journal *journal, untorn_session *session) {
  untorn_salvage *salvage = NULL;
  untorn_torn *torn = NULL;
  char *path = NULL;
  int calls = fake.calls;
  FAILS(UNTORN_UNSUPPORTED, untorn_journal_repair(journal, NULL, NULL, &error));
  CHECK(strstr(untorn_error_message(error), "repair untorn/chat/journal.jsonl: ") != NULL);
  CHECK(strstr(untorn_error_message(error), "in a database") != NULL);
  untorn_error_free(error);
  REFUSED(UNTORN_UNSUPPORTED, untorn_journal_salvage_plan(journal, &salvage, &error));
  REFUSED(UNTORN_UNSUPPORTED, untorn_journal_salvage(journal, NULL, NULL, &error));
  REFUSED(UNTORN_UNSUPPORTED, untorn_journal_torn(journal, &torn, &error));
  REFUSED(UNTORN_UNSUPPORTED, untorn_session_media(session, "a.png", &path, &error));
  CHECK(fake.calls == calls);
}

/* A change without an answer: the next one must wait for a look. */
static void lost_answer(untorn_journal *journal) {
  fake.code = UNTORN_POSTGRES_NO_ANSWER;
  fake.rows = NULL;
  fake.message = "cut off";
  FAILS(UNTORN_IO, untorn_journal_append(journal, "[1]", 3, NULL, NULL, &error));
  CHECK(strstr(untorn_error_message(error), "the change is made or it is not") != NULL);
  untorn_error_free(error);
  error = NULL;
  int calls = fake.calls;
  REFUSED(UNTORN_POISONED, untorn_journal_append(journal, "[1]", 3, NULL, NULL, &error));
  CHECK(fake.calls == calls);
  fake.message = NULL;
}

static void after_opening(void) {
  untorn_postgres_options options = impatient();
  untorn_postgres_driver some = driver();
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  untorn_store *store = NULL;
  untorn_session *session = NULL;
  untorn_journal *journal = NULL;
  untorn_lease *lease = NULL;
  untorn_lock *lock = NULL;
  fake.code = UNTORN_POSTGRES_ANSWERED;
  fake.rows = right;
  options.connected = 1;
  OK(untorn_store_open_postgres(&some, NULL, &options, &store, &error));
  /* The struct was copied. */
  memset(&some, 0, sizeof some);
  CHECK(strcmp(untorn_store_path(store), "untorn") == 0);
  OK(untorn_store_session(store, "chat", &session, &error));
  CHECK(strcmp(untorn_session_path(session), "untorn/chat") == 0);
  FAILS(UNTORN_INVALID_ARGUMENT, untorn_session_claim(session, "me", NULL, &lease, &error));
  CHECK(strstr(untorn_error_message(error), "no connections of its own") != NULL);
  untorn_error_free(error);
  error = NULL;
  OK(untorn_session_journal(session, &journal, &error));
  only_files(journal, session);
  OK(untorn_lock_acquire("notes", NULL, &lock, &error));
  call.lock = lock;
  FAILS(UNTORN_INVALID_ARGUMENT, untorn_journal_append(journal, "[1]", 3, &call, NULL, &error));
  CHECK(strstr(untorn_error_message(error), "take a lease instead") != NULL);
  untorn_error_free(error);
  error = NULL;
  untorn_lock_release(lock);
  lost_answer(journal);
  untorn_store_close(store);
  untorn_session_free(session);
  CHECK(fake.released == 0);
  untorn_journal_close(journal);
  CHECK(fake.released == 1);
}

static void scripts(void) {
  char *sql = untorn_postgres_migration(0, "it's");
  CHECK(strstr(sql, "'it''s'") != NULL && strstr(sql, "begin;") != NULL);
  untorn_string_free(sql);
  CHECK(untorn_postgres_migration(migrations(), NULL) == NULL);
  CHECK(untorn_postgres_migration(0, "") == NULL);
}

int main(void) {
  directory();
  callers();
  drivers();
  after_opening();
  scripts();
  clean_up();
  return EXIT_SUCCESS;
}
