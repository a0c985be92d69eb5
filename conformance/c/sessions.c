/* The steps with a store and its sessions. */

#include "driver.h"

static untorn_session *session(const char *key) { return find(required(key))->session; }

static void open_store(void) {
  untorn_store_options options = UNTORN_STORE_OPTIONS_INIT;
  untorn_store *opened = NULL;
  options.durability = durability();
  options.timeout_ms = timeout(options.timeout_ms);
  options.journal_name = text("journal_name");
  options.state_name = text("state_name");
  options.create = (int32_t)number("create", 1);
  if (succeeded(untorn_store_open(text("path"), &options, &opened, &error)))
    add(required("on"))->store = opened;
}

static void keys(void) {
  untorn_keys *list = NULL;
  if (!succeeded(untorn_store_keys(find(required("on"))->store, &list, &error)))
    return;
  printf(",\"keys\":[");
  const char *key;
  for (size_t i = 0; (key = untorn_keys_get(list, i)) != NULL; i++) {
    printf("%s\"", i == 0 ? "" : ",");
    for (; *key != '\0'; key++)
      printf("%02x", (unsigned char)*key);
    putchar('"');
  }
  putchar(']');
  untorn_keys_free(list);
}

static void search(void) {
  untorn_hits *hits = NULL;
  const char *key, *snippet;
  size_t start, stop;
  if (!succeeded(untorn_store_search(find(required("on"))->store, text("text"),
                                     (size_t)number("max_hits", 0), NULL, &hits, &error)))
    return;
  printf(",\"hits\":[");
  for (size_t i = 0; untorn_hits_get(hits, i, &key, NULL, &snippet, &start, &stop); i++) {
    printf("%s{\"op\":\"hit\"", i == 0 ? "" : ",");
    put_text("key", key);
    put_hex("match", (const uint8_t *)snippet + start, stop - start);
    putchar('}');
  }
  putchar(']');
  untorn_hits_free(hits);
}

static void remove_session(void) {
  bool removed;
  if (succeeded(untorn_store_remove(find(required("on"))->store, text("key"), NULL, &removed,
                                    &error)))
    put_removed(removed);
}

static void open_session(void) {
  untorn_session *opened = NULL;
  bool exists;
  if (!succeeded(untorn_store_session(find(required("store"))->store, text("key"), &opened, &error)))
    return;
  add(required("on"))->session = opened;
  if (succeeded(untorn_session_exists(opened, &exists, &error)))
    printf(",\"exists\":%s", exists ? "true" : "false");
}

static void session_file(const char *which) {
  untorn_session *of = session("session");
  untorn_journal *opened_journal = NULL;
  untorn_document *opened = NULL;
  untorn_code code;
  if (strcmp(which, "journal") == 0)
    code = untorn_session_journal(of, &opened_journal, &error);
  else if (strcmp(which, "state") == 0)
    code = untorn_session_state(of, &opened, &error);
  else
    code = untorn_session_document(of, text("name"), &opened, &error);
  if (succeeded(code)) {
    handle *made = add(required("on"));
    made->journal = opened_journal;
    made->document = opened;
  }
}

static void session_holder(void) {
  untorn_holder *holder = NULL;
  if (!succeeded(untorn_session_holder(session("on"), &holder, &error)))
    return;
  if (holder == NULL)
    printf(",\"holder\":null");
  else
    put_holder(holder);
  untorn_holder_free(holder);
}

static void claim(void) {
  untorn_lease *lease = NULL;
  if (succeeded(untorn_session_claim(session("session"), text("label"), call(), &lease, &error)))
    add(required("on"))->lease = lease;
}

static int says(void *answer) { return *(const int *)answer; }

/* Each name is followed by the bytes that are saved under it. */
static void reconcile(void) {
  static const char *const outcomes[] = {"no_change", "busy", "alive", "done"};
  int alive = (int)number("also_alive", 0), changed = 0;
  int32_t found;
  untorn_reconcile *turn = NULL;
  if (!succeeded(untorn_session_reconcile(session("on"), says, &alive, NULL, &found, &turn, NULL,
                                          &error)))
    return;
  untorn_code code = UNTORN_OK;
  untorn_transaction *tx = untorn_reconcile_transaction(turn);
  for (size_t i = 0; turn != NULL && i + 1 < command.count && code == UNTORN_OK; i++) {
    if (strcmp(command.keys[i], "file") != 0)
      continue;
    untorn_bytes value = decoded(command.values[i + 1]);
    const char *name = (const char *)decoded(command.values[i]).data;
    code = untorn_transaction_save(tx, name, value.data, value.len, &error);
    changed = 1;
  }
  if (code == UNTORN_OK && changed && !number("fail", 0))
    code = untorn_reconcile_commit(turn, NULL, &error);
  untorn_reconcile_free(turn);
  if (succeeded(code) && !number("fail", 0))
    printf(",\"outcome\":\"%s\"", found == UNTORN_RECONCILED_TURN && !changed
                                        ? outcomes[UNTORN_RECONCILED_NO_CHANGE]
                                        : outcomes[found]);
}

bool session_step(const char *op) {
  if (strcmp(op, "store") == 0)
    open_store();
  else if (strcmp(op, "keys") == 0)
    keys();
  else if (strcmp(op, "search") == 0)
    search();
  else if (strcmp(op, "store_remove") == 0)
    remove_session();
  else if (strcmp(op, "session") == 0)
    open_session();
  else if (strcmp(op, "session_holder") == 0)
    session_holder();
  else if (strncmp(op, "session_", 8) == 0)
    session_file(op + 8);
  else if (strcmp(op, "claim") == 0)
    claim();
  else if (strcmp(op, "reconcile") == 0)
    reconcile();
  else
    return false;
  return true;
}
