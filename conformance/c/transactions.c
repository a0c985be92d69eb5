/* The steps of a transaction. */

#include "driver.h"

static void begin_transaction(void) {
  untorn_transaction_options options = UNTORN_TRANSACTION_OPTIONS_INIT;
  untorn_journal_options journals = journal_options();
  untorn_transaction *begun = NULL;
  options.durability = durability();
  options.timeout_ms = timeout(options.timeout_ms);
  options.parents = (int32_t)number("parents", 0);
  options.journals = &journals;
  if (succeeded(untorn_transaction_begin(text("path"), &options, NULL, &begun, &error)))
    add(required("on"))->transaction = begun;
}

static void in_transaction(const char *verb) {
  untorn_transaction *tx = transaction();
  const char *name = text("name");
  untorn_bytes value = {NULL, 0}, records[ARGUMENTS];
  if (optional("bytes") != NULL)
    value = decoded(required("bytes"));
  if (strcmp(verb, "load") == 0) {
    uint8_t *data = NULL;
    size_t len = 0;
    if (succeeded(untorn_transaction_load(tx, name, NULL, &data, &len, NULL, &error)))
      put_value(data, len);
  } else if (strcmp(verb, "save") == 0) {
    (void)succeeded(untorn_transaction_save(tx, name, value.data, value.len, &error));
  } else if (strcmp(verb, "create") == 0) {
    (void)succeeded(untorn_transaction_create(tx, name, value.data, value.len, &error));
  } else if (strcmp(verb, "append") == 0) {
    (void)succeeded(untorn_transaction_append(tx, name, records, many(records), &error));
  } else if (strcmp(verb, "set_header") == 0) {
    (void)succeeded(untorn_transaction_set_header(tx, name, value.data, value.len, NULL, &error));
  } else if (strcmp(verb, "remove") == 0) {
    bool removed;
    if (succeeded(untorn_transaction_remove(tx, name, NULL, &removed, &error)))
      put_removed(removed);
  } else {
    give_up("no such verb", verb);
  }
}

bool transaction_step(const char *op) {
  if (strcmp(op, "transaction") == 0)
    begin_transaction();
  else if (strcmp(op, "commit") == 0)
    (void)succeeded(untorn_transaction_commit(transaction(), NULL, &error));
  else if (strncmp(op, "tx_", 3) == 0)
    in_transaction(op + 3);
  else
    return false;
  return true;
}
