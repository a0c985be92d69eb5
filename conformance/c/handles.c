/* What the steps of a case have opened, by the names that the case gives. */

#include "driver.h"

static handle handles[HANDLES];
static size_t handle_count = 0;

handle *find(const char *name) {
  for (size_t i = 0; i < handle_count; i++)
    if (strcmp(handles[i].name, name) == 0)
      return &handles[i];
  give_up("no handle", name);
  return NULL;
}

handle *add(const char *name) {
  for (size_t i = 0; i < handle_count; i++)
    if (strcmp(handles[i].name, name) == 0)
      return &handles[i];
  if (handle_count == HANDLES || strlen(name) >= sizeof handles[0].name)
    give_up("no room for handle", name);
  handle *new = &handles[handle_count++];
  memset(new, 0, sizeof *new);
  strcpy(new->name, name);
  return new;
}

void close_handle(handle *of) {
  untorn_journal_close(of->journal);
  untorn_document_close(of->document);
  untorn_lock_release(of->lock);
  untorn_transaction_free(of->transaction);
  untorn_store_close(of->store);
  untorn_session_free(of->session);
  untorn_lease_release(of->lease, NULL);
  untorn_follow_free(of->follow);
  untorn_fold_free(of->fold);
  if (of->state != NULL)
    free(of->state->bytes);
  free(of->state);
  of->journal = NULL;
  of->document = NULL;
  of->lock = NULL;
  of->transaction = NULL;
  of->store = NULL;
  of->session = NULL;
  of->lease = NULL;
  of->follow = NULL;
  of->fold = NULL;
  of->state = NULL;
}

untorn_journal *journal(void) { return find(required("on"))->journal; }
untorn_document *document(void) { return find(required("on"))->document; }
untorn_transaction *transaction(void) { return find(required("on"))->transaction; }

void close_all(void) {
  for (size_t i = 0; i < handle_count; i++)
    close_handle(&handles[i]);
}
