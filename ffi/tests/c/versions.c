/* A program that was built against an older header, and one that was built against a
 * newer one. Structs of options grow at their end, and begin with their size. */

#include <signal.h>
#include <stddef.h>

#include "test.h"

static untorn_error *error = NULL;

/* untorn_call_options as it was before it had a progress callback. */
typedef struct {
  size_t size;
  int64_t timeout_ms;
  const untorn_cancel *cancel;
  const untorn_lock *lock;
} old_call;

/* The structs of the header, with a field that this library does not know. */
typedef struct {
  untorn_call_options call;
  uint64_t more;
} new_call;

typedef struct {
  untorn_journal_options options;
  uint64_t more;
} new_options;

static untorn_journal *open_journal(const untorn_journal_options *options) {
  untorn_journal *journal = NULL;
  OK(untorn_journal_open("j", options, &journal, &error));
  return journal;
}

/* What follows the shorter struct in memory is not read. */
static void older(void) {
  struct {
    old_call call;
    uint8_t other[64];
  } memory = {{sizeof(old_call), 0, NULL, NULL}, {0}};
  memset(memory.other, 0xff, sizeof memory.other);
  const untorn_call_options *call = (const untorn_call_options *)(const void *)&memory.call;
  untorn_report *report = NULL;
  untorn_lock *lock = NULL;
  untorn_journal *journal = open_journal(NULL);

  CHECK(sizeof(old_call) == offsetof(untorn_call_options, progress));
  OK(untorn_journal_append(journal, bytes("[1]"), 3, call, NULL, &error));
  OK(untorn_journal_verify(journal, call, &report, &error));
  CHECK(untorn_report_records(report) == 1);
  untorn_report_free(report);

  /* Its fields count all the same. */
  OK(untorn_lock_acquire("j", NULL, &lock, &error));
  REFUSED(UNTORN_LOCKED, untorn_journal_append(journal, bytes("[2]"), 3, call, NULL, &error));
  memory.call.lock = lock;
  OK(untorn_journal_append(journal, bytes("[2]"), 3, call, NULL, &error));
  untorn_lock_release(lock);
  untorn_journal_close(journal);
}

/* A newer program may use this library as long as it wants nothing new. */
static void newer(void) {
  new_call call = {UNTORN_CALL_OPTIONS_INIT, 0};
  new_options options = {UNTORN_JOURNAL_OPTIONS_INIT, 0};
  untorn_journal *journal = NULL;

  call.call.size = sizeof call;
  options.options.size = sizeof options;
  options.options.durability = UNTORN_DURABILITY_PROCESS;
  journal = open_journal(&options.options);
  OK(untorn_journal_append(journal, bytes("[3]"), 3, &call.call, NULL, &error));
  call.more = 1;
  FAILS(UNTORN_INVALID_ARGUMENT,
        untorn_journal_append(journal, bytes("[4]"), 3, &call.call, NULL, &error));
  CHECK(strstr(untorn_error_message(error), "untorn_call_options") != NULL);
  untorn_error_free(error);
  untorn_journal_close(journal);

  options.more = 1;
  journal = NULL;
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_open("j", &options.options, &journal, &error));
  CHECK(journal == NULL);
}

/* A struct that was never initialised is no struct of an older header. */
static void neither(void) {
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  const size_t sizes[] = {0, 1, sizeof(old_call) - 1, 5000, SIZE_MAX};
  untorn_journal *journal = open_journal(NULL);

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    call.size = sizes[i];
    FAILS(UNTORN_INVALID_ARGUMENT,
          untorn_journal_append(journal, bytes("[4]"), 3, &call, NULL, &error));
    CHECK(strstr(untorn_error_message(error), "UNTORN_CALL_OPTIONS_INIT") != NULL);
    untorn_error_free(error);
    error = NULL;
  }
  untorn_journal_close(journal);
  file_is("j", "[1]\n[2]\n[3]\n");
}

/* Languages without C's macros get the defaults from a function. */
static void without_macros(void) {
  const untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  const untorn_journal_options journal = UNTORN_JOURNAL_OPTIONS_INIT;
  const untorn_records_options records = UNTORN_RECORDS_OPTIONS_INIT;
  const untorn_document_options document = UNTORN_DOCUMENT_OPTIONS_INIT;
  const untorn_lock_options lock = UNTORN_LOCK_OPTIONS_INIT;
  const untorn_transaction_options transaction = UNTORN_TRANSACTION_OPTIONS_INIT;
  const untorn_store_options store = UNTORN_STORE_OPTIONS_INIT;
#define SAME(type, value)                                  \
  do {                                                     \
    untorn_##type made;                                    \
    memset(&made, 0, sizeof made);                         \
    untorn_##type##_init(&made, sizeof made);              \
    CHECK(memcmp(&made, &(value), sizeof made) == 0);      \
    untorn_##type##_init(NULL, sizeof made);               \
  } while (0)
  SAME(call_options, call);
  SAME(journal_options, journal);
  SAME(records_options, records);
  SAME(document_options, document);
  SAME(lock_options, lock);
  SAME(transaction_options, transaction);
  SAME(store_options, store);
#undef SAME

  /* Neither more nor less than the caller's struct is written. */
  union {
    old_call call;
    uint8_t all[sizeof(untorn_call_options) + 64];
  } memory;
  memset(memory.all, 0xff, sizeof memory.all);
  untorn_call_options_init((untorn_call_options *)(void *)&memory.call, sizeof(old_call));
  CHECK(memory.call.size == sizeof(old_call));
  CHECK(memory.call.timeout_ms == UNTORN_TIMEOUT_OF_HANDLE);
  CHECK(memory.all[sizeof(old_call)] == 0xff);
  untorn_call_options_init((untorn_call_options *)(void *)&memory.call, sizeof memory.all);
  CHECK(memory.call.size == sizeof memory.all);
  CHECK(memory.all[sizeof memory.all - 1] == 0);
}

static int asked = 0;

static bool interrupt(void *user) {
  asked++;
  return *(int *)user != 0;
}

/* A program with one thread can end its own wait. */
static void interrupted(void) {
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  untorn_lock *lock = NULL;
  untorn_journal *journal = open_journal(NULL);
  int flag = 1;
  pid_t holder;
  int ready[2];

  CHECK(pipe(ready) == 0);
  holder = fork();
  CHECK(holder >= 0);
  if (holder == 0) {
    OK(untorn_lock_acquire("j", NULL, &lock, &error));
    tell(ready[1]);
    for (;;)
      pause();
  }
  await(ready[0]);
  call.interrupt = interrupt;
  call.interrupt_user = &flag;
  REFUSED(UNTORN_CANCELLED, untorn_journal_append(journal, bytes("[9]"), 3, &call, NULL, &error));
  CHECK(asked > 0);
  CHECK(kill(holder, SIGKILL) == 0);
  CHECK(waitpid(holder, NULL, 0) == holder);
  flag = 0;
  OK(untorn_journal_append(journal, bytes("[9]"), 3, &call, NULL, &error));
  untorn_journal_close(journal);
}

struct reports {
  int count;
  uint64_t done, total;
};

static void see(uint64_t done, uint64_t total, void *user) {
  struct reports *reports = user;
  reports->count++;
  reports->done = done;
  reports->total = total;
}

/* Long calls say how far they are: at the least when they are done. */
static void progress(void) {
  const untorn_bytes records[] = {{bytes("[4]"), 3}, {bytes("[5]"), 3}};
  struct reports reports = {0, 0, 0};
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  untorn_report *report = NULL;
  untorn_rewrite *rewrite = NULL;
  untorn_journal *journal = open_journal(NULL);

  call.progress = see;
  call.progress_user = &reports;
  OK(untorn_journal_verify(journal, &call, &report, &error));
  CHECK(reports.count > 0 && reports.done == 12 && reports.total == 12);
  untorn_report_free(report);
  reports.count = 0;
  OK(untorn_journal_repair(journal, &call, NULL, &error));
  CHECK(reports.count > 0 && reports.done == 12);
  reports.count = 0;
  OK(untorn_journal_replace(journal, records, 2, &call, NULL, &error));
  CHECK(reports.count > 0 && reports.done == 8 && reports.total == 8);
  OK(untorn_journal_begin_rewrite(journal, &call, &rewrite, &error));
  CHECK(untorn_rewrite_old_bytes(rewrite) == 8);
  untorn_rewrite_free(rewrite);
  CHECK(untorn_rewrite_old_bytes(NULL) == 0);
  untorn_journal_close(journal);
}

int main(void) {
  directory();
  older();
  newer();
  neither();
  progress();
  without_macros();
  interrupted();
  clean_up();
  return EXIT_SUCCESS;
}
