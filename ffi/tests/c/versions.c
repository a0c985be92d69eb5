/* A program that was built against an older header, and one that was built against a
 * newer one. Structs of options grow at their end, and begin with their size. */

#include <stddef.h>

#include "test.h"

static untorn_error *error = NULL;

/* untorn_call as it was before it had a progress callback. */
typedef struct {
  size_t size;
  int64_t timeout_ms;
  const untorn_cancel *cancel;
  const untorn_lock *lock;
} old_call;

/* The structs of the header, with a field that this library does not know. */
typedef struct {
  untorn_call call;
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
  const untorn_call *call = (const untorn_call *)(const void *)&memory.call;
  untorn_report *report = NULL;
  untorn_lock *lock = NULL;
  untorn_journal *journal = open_journal(NULL);

  CHECK(sizeof(old_call) == offsetof(untorn_call, progress));
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
  new_call call = {UNTORN_CALL_INIT, 0};
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
  CHECK(strstr(untorn_error_message(error), "untorn_call") != NULL);
  untorn_error_free(error);
  untorn_journal_close(journal);

  options.more = 1;
  journal = NULL;
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_journal_open("j", &options.options, &journal, &error));
  CHECK(journal == NULL);
}

/* A struct that was never initialised is no struct of an older header. */
static void neither(void) {
  untorn_call call = UNTORN_CALL_INIT;
  const size_t sizes[] = {0, 1, sizeof(old_call) - 1, 5000, SIZE_MAX};
  untorn_journal *journal = open_journal(NULL);

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    call.size = sizes[i];
    FAILS(UNTORN_INVALID_ARGUMENT,
          untorn_journal_append(journal, bytes("[4]"), 3, &call, NULL, &error));
    CHECK(strstr(untorn_error_message(error), "UNTORN_CALL_INIT") != NULL);
    untorn_error_free(error);
    error = NULL;
  }
  untorn_journal_close(journal);
  file_is("j", "[1]\n[2]\n[3]\n");
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
  untorn_call call = UNTORN_CALL_INIT;
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
  clean_up();
  return EXIT_SUCCESS;
}
