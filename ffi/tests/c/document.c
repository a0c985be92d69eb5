/* Documents: load, save, compare-and-swap, update, remove. */

#include <sys/stat.h>

#include "test.h"

static untorn_error *error = NULL;

static untorn_document *document_at(const char *path) {
  untorn_document_options options = UNTORN_DOCUMENT_OPTIONS_INIT;
  untorn_document *document = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  options.mode = 0640;
  OK(untorn_document_open(path, &options, &document, &error));
  return document;
}

static void saves_and_loads(void) {
  untorn_document *document = document_at("d");
  untorn_document_version version, loaded, of;
  uint8_t *data = NULL;
  size_t len = 99;

  REFUSED(UNTORN_NOT_FOUND, untorn_document_load(document, &data, &len, NULL, &error));
  CHECK(data == NULL && len == 99);

  OK(untorn_document_save(document, bytes("{}"), 2, NULL, &version, &error));
  CHECK(strlen(version.text) == 32);
  OK(untorn_document_load(document, &data, &len, &loaded, &error));
  CHECK(same(data, len, "{}") && data[len] == '\0');
  CHECK(strcmp(version.text, loaded.text) == 0);
  untorn_buffer_free(data);
  OK(untorn_document_version_of(bytes("{}"), 2, &of, &error));
  CHECK(strcmp(version.text, of.text) == 0);

#ifndef _WIN32 /* which has no modes */
  struct stat stat_;
  CHECK(stat(untorn_document_path(document), &stat_) == 0);
  CHECK((stat_.st_mode & 0777) == 0640);
#endif

  /* No bytes are bytes too. */
  OK(untorn_document_save(document, NULL, 0, NULL, NULL, &error));
  OK(untorn_document_load(document, &data, &len, NULL, &error));
  CHECK(data != NULL && len == 0);
  untorn_buffer_free(data);
  untorn_document_close(document);
}

static void compares_and_swaps(void) {
  untorn_document *document = document_at("c");
  untorn_document_version first, second;
  bool removed = true;

  OK(untorn_document_remove(document, NULL, &removed, &error));
  CHECK(!removed);
  OK(untorn_document_create(document, bytes("1"), 1, NULL, &first, &error));
  REFUSED(UNTORN_ALREADY_EXISTS,
          untorn_document_create(document, bytes("2"), 1, NULL, NULL, &error));
  REFUSED(UNTORN_ALREADY_EXISTS,
          untorn_document_save_if(document, NULL, bytes("2"), 1, NULL, NULL, &error));
  OK(untorn_document_save_if(document, &first, bytes("2"), 1, NULL, &second, &error));
  REFUSED(UNTORN_CONFLICT,
          untorn_document_save_if(document, &first, bytes("3"), 1, NULL, NULL, &error));
  REFUSED(UNTORN_CONFLICT, untorn_document_remove_if(document, &first, NULL, &error));
  file_is("c", "2");

  untorn_document_version bad = second;
  bad.text[5] = 'x';
  REFUSED(UNTORN_INVALID_ARGUMENT,
          untorn_document_save_if(document, &bad, bytes("3"), 1, NULL, NULL, &error));
  memset(bad.text, 'a', sizeof bad.text); /* without a NUL */
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_document_remove_if(document, &bad, NULL, &error));

  OK(untorn_document_remove_if(document, &second, NULL, &error));
  CHECK(access("c", F_OK) == -1);
  OK(untorn_document_save(document, bytes("4"), 1, NULL, NULL, &error));
  OK(untorn_document_remove(document, NULL, &removed, &error));
  CHECK(removed);
  untorn_document_close(document);
}

static void updates(void) {
  untorn_document *document = document_at("u");
  untorn_update *update = NULL;
  untorn_document_version version, before;
  const uint8_t *data = bytes("x");
  size_t len = 99;

  OK(untorn_document_begin_update(document, NULL, &update, &error));
  untorn_update_value(update, &data, &len);
  CHECK(data == NULL && len == 0);
  CHECK(!untorn_update_version(update, &before));
  OK(untorn_update_save(update, bytes("one"), 3, &version, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_update_save(update, bytes("two"), 3, NULL, &error));
  untorn_update_finish(update);

  OK(untorn_document_begin_update(document, NULL, &update, &error));
  untorn_update_value(update, &data, &len);
  CHECK(same(data, len, "one"));
  CHECK(untorn_update_version(update, &before));
  CHECK(strcmp(before.text, version.text) == 0);
  /* The lock is held: a save beside the update would lose it. */
  REFUSED(UNTORN_DEADLOCK, untorn_document_save(document, bytes("x"), 1, NULL, NULL, &error));
  /* The update outlives the handle. */
  untorn_document_close(document);
  untorn_update_finish(update);
  file_is("u", "one");
}

static void works_under_a_lock(void) {
  untorn_document *document = document_at("l");
  untorn_lock *lock = NULL, *other = NULL;
  untorn_call_options under = UNTORN_CALL_OPTIONS_INIT;
  untorn_update *update = NULL;

  OK(untorn_lock_acquire("l", NULL, &lock, &error));
  under.lock = lock;
  OK(untorn_document_save(document, bytes("1"), 1, &under, NULL, &error));
  OK(untorn_document_begin_update(document, &under, &update, &error));
  OK(untorn_update_save(update, bytes("2"), 1, NULL, &error));
  untorn_update_finish(update);
  CHECK(untorn_lock_is_held(lock));

  OK(untorn_lock_acquire("another", NULL, &other, &error));
  under.lock = other;
  REFUSED(UNTORN_INVALID_ARGUMENT,
          untorn_document_save(document, bytes("3"), 1, &under, NULL, &error));
  untorn_lock_release(other);
  untorn_lock_release(lock);
  untorn_document_close(document);
  file_is("l", "2");
}

static void one_call(void) {
  untorn_document_version saved, loaded;
  uint8_t *data;
  size_t len;
  OK(untorn_save("new/one", bytes("{}"), 2, &saved, &error));
  OK(untorn_load("new/one", &data, &len, &loaded, &error));
  CHECK(same(data, len, "{}") && strcmp(saved.text, loaded.text) == 0);
  untorn_buffer_free(data);
  FAILS(UNTORN_NOT_FOUND, untorn_load("none", &data, &len, NULL, &error));
  CHECK(strstr(untorn_error_message(error), "none") != NULL);
  untorn_error_free(error);
  error = NULL;
}

int main(void) {
  directory();
  saves_and_loads();
  compares_and_swaps();
  updates();
  works_under_a_lock();
  one_call();
  clean_up();
  return EXIT_SUCCESS;
}
