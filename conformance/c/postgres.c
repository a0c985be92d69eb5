/* The steps that open something, for a store in a database. All others go through the same
 * functions as with files. Without UNTORN_POSTGRES the driver has none of this. */

#include "driver.h"

#ifndef UNTORN_POSTGRES

bool postgres_step(const char *op) {
  (void)op;
  return false;
}

#else

#include "untorn_libpq.h"

static const char *setting(const char *name) {
  const char *value = getenv(name);
  if (value == NULL)
    give_up("the environment has no", name);
  return value;
}

static untorn_postgres_driver new_driver(void) {
  untorn_postgres_driver made;
  if (!untorn_libpq_driver(setting("UNTORN_TEST_POSTGRES"), &made))
    give_up("no memory for", "a driver");
  return made;
}

static untorn_store *open_store(const untorn_postgres_options *options) {
  untorn_postgres_driver made = new_driver();
  untorn_store *opened = NULL;
  if (succeeded(untorn_store_open_postgres(&made, setting("UNTORN_TEST_SCHEMA"), options, &opened,
                                           &error)))
    return opened;
  made.release(made.context);
  return NULL;
}

static untorn_postgres_options options_of(void) {
  untorn_postgres_options options = UNTORN_POSTGRES_OPTIONS_INIT;
  options.durability = durability();
  return options;
}

/* The session whose files are those of the case. */
static untorn_session *session_of_case(const untorn_postgres_options *options) {
  untorn_session *session = NULL;
  untorn_store *store = open_store(options);
  if (store != NULL)
    (void)succeeded(
        untorn_store_session(store, setting("UNTORN_TEST_KEY"), &session, &error));
  untorn_store_close(store);
  return session;
}

static void open_journal(void) {
  untorn_journal_options journal = journal_options();
  untorn_postgres_options options = options_of();
  untorn_journal *opened = NULL;
  options.journal = &journal;
  options.journal_name = text("path");
  /* Must differ from the journal's. */
  options.state_name = "another.json";
  untorn_session *session = session_of_case(&options);
  if (session != NULL && succeeded(untorn_session_journal(session, &opened, &error)))
    add(required("on"))->journal = opened;
  untorn_session_free(session);
}

static untorn_document *document_of(const char *name) {
  untorn_postgres_options options = options_of();
  untorn_document *opened = NULL;
  untorn_session *session = session_of_case(&options);
  if (session != NULL)
    (void)succeeded(untorn_session_document(session, name, &opened, &error));
  untorn_session_free(session);
  return opened;
}

static void load_json(void) {
  const char *name = text("path");
  untorn_document *document = document_of(name);
  const uint8_t *json = NULL;
  uint8_t *data = NULL;
  size_t len = 0, json_len = 0;
  if (document != NULL && succeeded(untorn_document_load(document, &data, &len, NULL, &error)))
    (void)succeeded(untorn_document_json(name, data, len, &json, &json_len, &error));
  untorn_buffer_free(data);
  untorn_document_close(document);
}

static void begin_transaction(void) {
  untorn_postgres_options options = options_of();
  untorn_journal_options journal = journal_options();
  untorn_transaction *begun = NULL;
  options.journal = &journal;
  untorn_session *session = session_of_case(&options);
  if (session != NULL && succeeded(untorn_session_transaction(session, NULL, &begun, &error)))
    add(required("on"))->transaction = begun;
  untorn_session_free(session);
}

static void open_the_store(void) {
  untorn_postgres_options options = options_of();
  options.timeout_ms = timeout(options.timeout_ms);
  options.journal_name = text("journal_name");
  options.state_name = text("state_name");
  untorn_store *opened = open_store(&options);
  if (opened != NULL)
    add(required("on"))->store = opened;
}

static void migrate(void) {
  untorn_postgres_driver made = new_driver();
  size_t applied = 0;
  if (succeeded(
          untorn_postgres_migrate(&made, setting("UNTORN_TEST_SCHEMA"), &applied, &error)))
    printf(",\"applied\":%zu", applied);
  made.release(made.context);
}

bool postgres_step(const char *op) {
  if (strcmp(op, "journal_open") == 0) {
    open_journal();
  } else if (strcmp(op, "document_open") == 0) {
    untorn_document *opened = document_of(text("path"));
    if (opened != NULL)
      add(required("on"))->document = opened;
  } else if (strcmp(op, "load_json") == 0) {
    load_json();
  } else if (strcmp(op, "transaction") == 0) {
    begin_transaction();
  } else if (strcmp(op, "store") == 0) {
    open_the_store();
  } else if (strcmp(op, "migrate") == 0) {
    migrate();
  } else {
    return false;
  }
  return true;
}

#endif
