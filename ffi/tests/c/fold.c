/* A state that is kept from the records: a sum of what every process appended. */

#include "test.h"

static untorn_error *error = NULL;

typedef struct {
  long sum;
  int restarts;
} state;

static void take_in(untorn_fold_turn *turn, state *of) {
  int32_t kind;
  const uint8_t *data;
  size_t len;
  untorn_position end;
  for (;;) {
    OK(untorn_fold_turn_next(turn, &kind, &data, &len, NULL, &end, &error));
    if (kind == UNTORN_FOLD_CURRENT)
      return;
    if (kind == UNTORN_FOLD_RESTART) {
      of->sum = 0;
      of->restarts++;
    } else {
      char text[24];
      CHECK(kind == UNTORN_FOLD_RECORD && len < sizeof text);
      memcpy(text, data, len);
      text[len] = '\0';
      of->sum += strtol(text, NULL, 10);
    }
  }
}

/* Appends one more than the sum so far, decided under the lock. */
static void add_one(untorn_fold *fold, state *of) {
  untorn_fold_turn *turn = NULL;
  char text[24];
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  take_in(turn, of);
  int len = snprintf(text, sizeof text, "%ld", of->sum + 1);
  const untorn_bytes record = {bytes(text), (size_t)len};
  OK(untorn_fold_turn_append(turn, &record, 1, NULL, &error));
  take_in(turn, of);
  OK(untorn_fold_turn_finish(turn, NULL, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_fold_turn_finish(turn, NULL, &error));
  untorn_fold_turn_free(turn);
}

int main(void) {
  directory();
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  untorn_fold *fold = NULL;
  untorn_fold_turn *turn = NULL;
  untorn_position position;
  state of = {0, 0};
  bool current = true;
  int status;

  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open("j", &options, &journal, &error));
  OK(untorn_journal_fold(journal, &fold, &error));
  CHECK(!untorn_fold_position(fold, &position));
  add_one(fold, &of);
  CHECK(of.sum == 1 && of.restarts == 1);
  CHECK(untorn_fold_position(fold, &position));
  OK(untorn_fold_is_current(fold, &current, &error));
  CHECK(current);

  /* Each of the two doubles the sum and adds one: any order gives the same. */
  pid_t child = fork();
  CHECK(child != -1);
  for (int i = 0; i < 10; i++)
    add_one(fold, &of);
  if (child == 0)
    _exit(0);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  take_in(turn, &of);
  OK(untorn_fold_turn_finish(turn, &position, &error));
  untorn_fold_turn_free(turn);
  CHECK(of.sum == (1L << 21) - 1);
  CHECK(of.restarts == 1);

  /* What is rewound is not in the state any more. */
  untorn_position start = {0, 0};
  OK(untorn_journal_rewind(journal, start, NULL, NULL, &error));
  OK(untorn_fold_is_current(fold, &current, &error));
  CHECK(!current);
  add_one(fold, &of);
  CHECK(of.sum == 1 && of.restarts == 2);

  /* Nor is a state trusted whose turn was not finished. */
  OK(untorn_fold_begin(fold, NULL, &turn, &error));
  untorn_fold_turn_free(turn);
  add_one(fold, &of);
  CHECK(of.sum == 3 && of.restarts == 3);

  untorn_fold_free(fold);
  untorn_journal_close(journal);
  untorn_fold_free(NULL);
  untorn_fold_turn_free(NULL);
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_fold(NULL, &fold, &error));
  clean_up();
  return 0;
}
