/* The steps with documents, and with locks. */

#include "driver.h"

static void open_document(void) {
  untorn_document_options options = document_options();
  untorn_document *opened = NULL;
  if (succeeded(untorn_document_open(text("path"), &options, &opened, &error)))
    add(required("on"))->document = opened;
}

static void take_lock(untorn_code acquire(const char *, const untorn_lock_options *, untorn_lock **,
                                          untorn_error **)) {
  untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
  options.timeout_ms = timeout(options.timeout_ms);
  options.shared = (int32_t)number("shared", 0);
  options.label = text("label");
  options.scheme = (int32_t)number("scheme", UNTORN_SCHEME_SIDECAR);
  untorn_lock *lock = NULL;
  if (succeeded(acquire(text("path"), &options, &lock, &error)))
    add(required("on"))->lock = lock;
}

static void load(void) {
  uint8_t *data = NULL;
  size_t len = 0;
  untorn_document_version version;
  if (!succeeded(untorn_document_load(document(), &data, &len, &version, &error)))
    return;
  put_hex("value", data, len);
  put_text("version", version.text);
  untorn_buffer_free(data);
}

static void load_json(void) {
  const char *path = text("path");
  const uint8_t *json = NULL;
  uint8_t *data = NULL;
  size_t len = 0, json_len = 0;
  if (succeeded(untorn_load(path, &data, &len, NULL, &error)))
    (void)succeeded(untorn_document_json(path, data, len, &json, &json_len, &error));
  untorn_buffer_free(data);
}

static void save(int create) {
  untorn_bytes value = decoded(required("bytes"));
  untorn_document_version version;
  untorn_code code;
  if (create)
    code = untorn_document_create(document(), value.data, value.len, call(), &version, &error);
  else if (optional("expect") == NULL)
    code = untorn_document_save(document(), value.data, value.len, call(), &version, &error);
  else
    code = untorn_document_save_if(document(), expected(), value.data, value.len, call(), &version,
                                   &error);
  if (succeeded(code))
    put_text("version", version.text);
}

/* Without bytes: the caller finds that it can't change the document. */
static void update(void) {
  untorn_update *update = NULL;
  const uint8_t *was;
  size_t len;
  if (!succeeded(untorn_document_begin_update(document(), call(), &update, &error)))
    return;
  untorn_update_value(update, &was, &len);
  if (was == NULL)
    printf(",\"was\":null");
  else
    put_hex("was", was, len);
  if (optional("bytes") != NULL) {
    untorn_bytes value = decoded(required("bytes"));
    untorn_document_version version;
    if (succeeded(untorn_update_save(update, value.data, value.len, &version, &error)))
      put_text("version", version.text);
  }
  untorn_update_finish(update);
}

static void delete(void) {
  bool removed;
  if (optional("expect") != NULL)
    (void)succeeded(untorn_document_remove_if(document(), expected(), call(), &error));
  else if (succeeded(untorn_document_remove(document(), call(), &removed, &error)))
    put_removed(removed);
}

bool document_step(const char *op) {
  if (strcmp(op, "document_open") == 0)
    open_document();
  else if (strcmp(op, "load") == 0)
    load();
  else if (strcmp(op, "load_json") == 0)
    load_json();
  else if (strcmp(op, "save") == 0)
    save(0);
  else if (strcmp(op, "create") == 0)
    save(1);
  else if (strcmp(op, "update") == 0)
    update();
  else if (strcmp(op, "remove") == 0)
    delete();
  else if (strcmp(op, "lock") == 0)
    take_lock(untorn_lock_acquire);
  else if (strcmp(op, "lock_at") == 0)
    take_lock(untorn_lock_acquire_at);
  else
    return false;
  return true;
}
