/* One handle, many threads. */

#include <pthread.h>

#include "test.h"

enum { THREADS = 8, EACH = 100 };

static untorn_journal *journal = NULL;
static untorn_document *document = NULL;

static void *append(void *number) {
  untorn_error *error = NULL;
  for (int i = 0; i < EACH; i++) {
    char record[64];
    int len = snprintf(record, sizeof record, "[%d,%d]", *(int *)number, i);
    OK(untorn_journal_append(journal, bytes(record), (size_t)len, NULL, NULL, &error));
    if (i % 10 != 0)
      continue;
    untorn_update *update = NULL;
    const uint8_t *data;
    size_t size;
    char count[32] = "0";
    OK(untorn_document_begin_update(document, NULL, &update, &error));
    untorn_update_value(update, &data, &size);
    CHECK(size < sizeof count);
    if (data != NULL)
      memcpy(count, data, size);
    len = snprintf(count, sizeof count, "%ld", strtol(count, NULL, 10) + 1);
    OK(untorn_update_save(update, bytes(count), (size_t)len, NULL, &error));
    untorn_update_finish(update);
  }
  return NULL;
}

int main(void) {
  untorn_error *error = NULL;
  untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_document_options counting = UNTORN_DOCUMENT_OPTIONS_INIT;
  pthread_t threads[THREADS];
  int numbers[THREADS], next[THREADS] = {0};

  directory();
  how.durability = UNTORN_DURABILITY_PROCESS;
  counting.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open("j", &how, &journal, &error));
  OK(untorn_document_open("d", &counting, &document, &error));
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, append, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);

  /* Every record once, and each thread's in its order. */
  untorn_records *records = NULL;
  OK(untorn_journal_records(journal, NULL, &records, &error));
  int count = 0;
  for (;; count++) {
    const uint8_t *data;
    size_t len;
    char record[64] = "";
    int thread, i;
    OK(untorn_records_next(records, &data, &len, NULL, NULL, &error));
    if (data == NULL)
      break;
    CHECK(len < sizeof record);
    memcpy(record, data, len);
    CHECK(sscanf(record, "[%d,%d]", &thread, &i) == 2);
    CHECK(thread >= 0 && thread < THREADS && i == next[thread]);
    next[thread]++;
  }
  CHECK(count == THREADS * EACH);
  CHECK(untorn_records_damage_count(records) == 0);
  untorn_records_free(records);

  char expected[32];
  snprintf(expected, sizeof expected, "%d", THREADS * EACH / 10);
  file_is("d", expected);
  untorn_journal_close(journal);
  untorn_document_close(document);
  clean_up();
  return EXIT_SUCCESS;
}
