/* A chat whose session several hosts share. usage: chat CONNINFO KEY TEXT
 *
 * cc chat.c untorn_libpq.c -I$(pg_config --includedir) $(pkg-config --cflags --libs untorn) -lpq -lpthread */

#include <stdio.h>
#include <string.h>

#include "untorn_libpq.h"

static untorn_error *error = NULL;

/* One record from this process, as the session's only owner. */
static untorn_code say(untorn_store *store, const char *key, const char *text) {
  untorn_session *session = NULL;
  untorn_lease *lease = NULL;
  untorn_journal *journal = NULL;
  char record[1024];
  /* Real programs escape the text. */
  snprintf(record, sizeof record, "{\"role\":\"user\",\"text\":\"%s\"}", text);
  untorn_code code = untorn_store_session(store, key, &session, &error);
  if (code == UNTORN_OK)
    code = untorn_session_claim(session, "chat", NULL, &lease, &error);
  if (code == UNTORN_OK)
    code = untorn_session_journal(session, &journal, &error);
  if (code == UNTORN_OK)
    code = untorn_journal_append(journal, record, strlen(record), NULL, NULL, &error);
  untorn_journal_close(journal);
  untorn_lease_release(lease, NULL);
  untorn_session_free(session);
  return code;
}

/* The last records of the session. */
static untorn_code show(untorn_store *store, const char *key) {
  untorn_session *session = NULL;
  untorn_journal *journal = NULL;
  untorn_records *records = NULL;
  const uint8_t *data = NULL;
  size_t len = 0;
  untorn_code code = untorn_store_session(store, key, &session, &error);
  if (code == UNTORN_OK)
    code = untorn_session_journal(session, &journal, &error);
  if (code == UNTORN_OK)
    code = untorn_journal_tail(journal, 20, &records, &error);
  while (code == UNTORN_OK) {
    code = untorn_records_next(records, &data, &len, NULL, NULL, &error);
    if (code != UNTORN_OK || data == NULL)
      break;
    printf("%.*s\n", (int)len, (const char *)data);
  }
  untorn_records_free(records);
  untorn_journal_close(journal);
  untorn_session_free(session);
  return code;
}

int main(int argc, char **argv) {
  untorn_postgres_driver driver;
  untorn_store *store = NULL;
  if (argc != 4) {
    fprintf(stderr, "usage: chat CONNINFO KEY TEXT\n");
    return 2;
  }
  if (!untorn_libpq_driver(argv[1], &driver))
    return 1;
  /* Once for a database. It changes nothing if the schema is there. */
  untorn_code code = untorn_postgres_migrate(&driver, "untorn", NULL, &error);
  if (code == UNTORN_OK)
    code = untorn_store_open_postgres(&driver, "untorn", NULL, &store, &error);
  if (store == NULL)
    driver.release(driver.context);
  if (code == UNTORN_OK)
    code = say(store, argv[2], argv[3]);
  if (code == UNTORN_OK)
    code = show(store, argv[2]);
  if (code != UNTORN_OK)
    fprintf(stderr, "%s\n", untorn_error_message(error));
  untorn_error_free(error);
  untorn_store_close(store);
  return code == UNTORN_OK ? 0 : 1;
}
