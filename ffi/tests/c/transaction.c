/* Transactions: all of it or nothing, also if the process is killed. */

#include <signal.h>
#include <sys/stat.h>

#include "test.h"

static untorn_error *error = NULL;

static void save(untorn_transaction *tx, const char *name, const char *text) {
  OK(untorn_transaction_save(tx, name, bytes(text), strlen(text), &error));
}

static void is(const char *path, const char *expected) {
  uint8_t *data = NULL;
  size_t len = 0;
  if (expected == NULL) {
    REFUSED(UNTORN_NOT_FOUND, untorn_load(path, &data, &len, NULL, &error));
    return;
  }
  OK(untorn_load(path, &data, &len, NULL, &error));
  CHECK(len == strlen(expected) && memcmp(data, expected, len) == 0);
  untorn_buffer_free(data);
}

static untorn_transaction *begin(void) {
  untorn_transaction_options options = UNTORN_TRANSACTION_OPTIONS_INIT;
  untorn_transaction *tx = NULL;
  options.timeout_ms = 10000;
  OK(untorn_transaction_begin("d", &options, NULL, &tx, &error));
  return tx;
}

static void all_of_it(void) {
  const untorn_bytes records[] = {{bytes("[1]"), 3}, {bytes("[2]"), 3}};
  bool removed = true;
  uint8_t *data = NULL;
  size_t len = 0;
  untorn_document_version version;
  untorn_transaction *tx = begin();

  OK(untorn_transaction_load(tx, "a", NULL, &data, &len, &version, &error));
  CHECK(data == NULL && len == 0);
  save(tx, "a", "1");
  OK(untorn_transaction_load(tx, "a", NULL, &data, &len, &version, &error));
  CHECK(len == 1 && data[0] == '1' && data[1] == '\0');
  untorn_buffer_free(data);
  OK(untorn_transaction_append(tx, "j", records, 2, &error));
  OK(untorn_transaction_create(tx, "b", bytes("2"), 1, &error));
  OK(untorn_transaction_remove(tx, "c", NULL, &removed, &error));
  CHECK(!removed);
  is("d/a", NULL);
  OK(untorn_transaction_commit(tx, NULL, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_transaction_commit(tx, NULL, &error));
  untorn_transaction_free(tx);
  is("d/a", "1");
  is("d/b", "2");
  is("d/j", "[1]\n[2]\n");
}

static void none_of_it(void) {
  untorn_transaction *tx = begin();
  save(tx, "a", "no");
  REFUSED(UNTORN_ALREADY_EXISTS, untorn_transaction_create(tx, "b", bytes("no"), 2, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_transaction_save(tx, "../x", bytes("no"), 2, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_transaction_save(tx, NULL, bytes("no"), 2, &error));
  untorn_transaction_free(tx);
  is("d/a", "1");
}

/* A child that commits again and again is killed: a and b are never apart. */
static void killed(void) {
  int status;
  for (int round = 0; round < 20; round++) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    CHECK(child != -1);
    if (child == 0) {
      char text[16];
      for (int n = 0;; n++) {
        untorn_transaction *tx = begin();
        snprintf(text, sizeof text, "%d", n);
        save(tx, "a", text);
        save(tx, "b", text);
        OK(untorn_transaction_commit(tx, NULL, &error));
        untorn_transaction_free(tx);
        if (n == 2 + round % 3)
          tell(ready[1]);
      }
    }
    await(ready[0]);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    close(ready[0]);
    close(ready[1]);

    uint8_t *a = NULL, *b = NULL;
    size_t a_len = 0, b_len = 0;
    untorn_transaction *tx = begin();
    OK(untorn_transaction_load(tx, "a", NULL, &a, &a_len, NULL, &error));
    OK(untorn_transaction_load(tx, "b", NULL, &b, &b_len, NULL, &error));
    CHECK(a_len == b_len && memcmp(a, b, a_len) == 0);
    untorn_buffer_free(a);
    untorn_buffer_free(b);
    untorn_transaction_free(tx);
  }
}

static void snapshot_of_all(void) {
  untorn_snapshot *snapshot = NULL;
  untorn_records *records = NULL;
  uint8_t *data = NULL;
  const uint8_t *record;
  size_t len;
  OK(untorn_snapshot_take("d", NULL, &snapshot, &error));
  untorn_transaction *tx = begin();
  save(tx, "a", "later");
  OK(untorn_transaction_commit(tx, NULL, &error));
  untorn_transaction_free(tx);
  CHECK(strcmp(untorn_snapshot_name(snapshot, 0), "a") == 0);
  CHECK(strcmp(untorn_snapshot_name(snapshot, 2), "j") == 0);
  CHECK(untorn_snapshot_name(snapshot, 3) == NULL);
  OK(untorn_snapshot_load(snapshot, "a", &data, &len, NULL, &error));
  CHECK(len == 1 && data[0] == '1');
  untorn_buffer_free(data);
  OK(untorn_snapshot_load(snapshot, "none", &data, &len, NULL, &error));
  CHECK(data == NULL);
  OK(untorn_snapshot_records(snapshot, "j", NULL, &records, &error));
  OK(untorn_records_next(records, &record, &len, NULL, NULL, &error));
  CHECK(len == 3 && memcmp(record, "[1]", 3) == 0);
  untorn_records_free(records);
  untorn_snapshot_free(snapshot);
  is("d/a", "later");
}

int main(void) {
  directory();
  untorn_transaction *tx = NULL;
  REFUSED(UNTORN_NOT_FOUND, untorn_transaction_begin("d", NULL, NULL, &tx, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_transaction_begin(NULL, NULL, NULL, &tx, &error));
  CHECK(mkdir("d", 0777) == 0);
  all_of_it();
  none_of_it();
  snapshot_of_all();
  killed();
  untorn_transaction_free(NULL);
  clean_up();
  return 0;
}
