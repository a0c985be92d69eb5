/* New records as other processes append them. */

#include <pthread.h>

#include "test.h"

static untorn_error *error = NULL;

static untorn_journal *open_journal(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open("j", &options, &journal, &error));
  return journal;
}

static void append(untorn_journal *journal, const char *record) {
  OK(untorn_journal_append(journal, bytes(record), strlen(record), NULL, NULL, &error));
}

static void comes(untorn_follow *follow, const char *record) {
  int32_t kind;
  const uint8_t *data;
  size_t len;
  OK(untorn_follow_next(follow, NULL, &kind, &data, &len, NULL, NULL, &error));
  CHECK(kind == UNTORN_FOLLOW_RECORD);
  CHECK(len == strlen(record) && memcmp(data, record, len) == 0);
}

static void *cancel_it(void *token) {
  untorn_cancel_trigger(token);
  return NULL;
}

int main(void) {
  directory();
  untorn_journal *journal = open_journal();
  untorn_follow *follow = NULL, *again = NULL;
  untorn_call_options once = UNTORN_CALL_OPTIONS_INIT, cancellable = UNTORN_CALL_OPTIONS_INIT;
  untorn_position start = {0, 0}, from, to, one;
  const uint8_t *data;
  size_t len;
  int32_t kind;
  int status;
  pthread_t thread;

  once.timeout_ms = 0;
  append(journal, "[0]");
  OK(untorn_journal_follow(journal, NULL, &follow, &error));
  OK(untorn_journal_follow(journal, &start, &again, &error));
  comes(again, "[0]");

  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    untorn_journal *own = open_journal();
    append(own, "[1]");
    append(own, "[2]");
    untorn_journal_close(own);
    _exit(0);
  }
  comes(follow, "[1]");
  one = untorn_follow_position(follow);
  comes(follow, "[2]");
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  OK(untorn_follow_next(follow, &once, &kind, &data, &len, NULL, NULL, &error));
  CHECK(kind == UNTORN_FOLLOW_NOTHING && data == NULL && len == 0);
  comes(again, "[1]");

  OK(untorn_journal_rewind(journal, one, NULL, NULL, &error));
  append(journal, "[3]");
  OK(untorn_follow_next(follow, NULL, &kind, &data, &len, &to, &from, &error));
  CHECK(kind == UNTORN_FOLLOW_REWOUND && data == NULL);
  CHECK(to.offset == 8 && from.offset == 12);
  comes(follow, "[3]");

  OK(untorn_journal_rotate(journal, NULL, NULL, &error));
  append(journal, "[4]");
  comes(follow, "[4]");

  untorn_cancel *token = untorn_cancel_new();
  cancellable.cancel = token;
  CHECK(pthread_create(&thread, NULL, cancel_it, token) == 0);
  REFUSED(UNTORN_CANCELLED,
          untorn_follow_next(follow, &cancellable, &kind, &data, &len, NULL, NULL, &error));
  CHECK(pthread_join(thread, NULL) == 0);
  untorn_cancel_free(token);

  CHECK(!untorn_follow_is_closed(follow));
  untorn_journal_close(journal);
  CHECK(untorn_follow_is_closed(follow));
  OK(untorn_follow_next(follow, NULL, &kind, &data, &len, NULL, NULL, &error));
  CHECK(kind == UNTORN_FOLLOW_NOTHING);
  untorn_follow_free(follow);
  untorn_follow_free(again);
  untorn_follow_free(NULL);
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_follow(NULL, NULL, &follow, &error));
  clean_up();
  return 0;
}
