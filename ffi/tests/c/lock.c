/* Locks: who holds one, giving up, cancelling, sharing. */

#include <pthread.h>
#include <signal.h>

#include "test.h"

static untorn_error *error = NULL;

/* A process that takes the lock of "p", and keeps it until it is killed. */
static pid_t keeper(void) {
  int ready[2];
  CHECK(pipe(ready) == 0);
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
    untorn_lock *lock = NULL;
    options.label = "the keeper";
    OK(untorn_lock_acquire("p", &options, &lock, &error));
    tell(ready[1]);
    for (;;)
      pause();
  }
  await(ready[0]);
  close(ready[0]);
  close(ready[1]);
  return child;
}

static void kill_and_reap(pid_t child) {
  int status;
  CHECK(kill(child, SIGKILL) == 0);
  CHECK(waitpid(child, &status, 0) == child);
}

static void names_the_holder(void) {
  untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
  untorn_lock *lock = NULL;
  pid_t child = keeper();

  options.timeout_ms = 0;
  FAILS(UNTORN_LOCKED, untorn_lock_acquire("p", &options, &lock, &error));
  CHECK(lock == NULL);
  const untorn_holder *named = untorn_error_holder(error);
  CHECK(named != NULL);
  CHECK(untorn_holder_pid(named) == (uint32_t)child);
  CHECK(strcmp(untorn_holder_label(named), "the keeper") == 0);
  CHECK(strchr(untorn_holder_since(named), 'T') != NULL);
  CHECK(untorn_holder_start(named) != 0);
  CHECK(untorn_holder_alive(named) == UNTORN_ALIVE);
  CHECK(strstr(untorn_error_message(error), "the keeper") != NULL);

  untorn_error *timed_out = NULL;
  options.timeout_ms = 30;
  CHECK(untorn_lock_acquire("p", &options, &lock, &timed_out) == UNTORN_LOCK_TIMEOUT);
  CHECK(untorn_holder_pid(untorn_error_holder(timed_out)) == (uint32_t)child);
  untorn_error_free(timed_out);

  /* Journals and documents wait for the same lock. */
  untorn_journal *journal = NULL;
  untorn_error *refused = NULL;
  untorn_call_options once = UNTORN_CALL_OPTIONS_INIT;
  once.timeout_ms = 0;
  CHECK(untorn_journal_open("p", NULL, &journal, NULL) == UNTORN_OK);
  CHECK(untorn_journal_append(journal, bytes("1"), 1, &once, NULL, &refused) == UNTORN_LOCKED);
  CHECK(untorn_holder_pid(untorn_error_holder(refused)) == (uint32_t)child);
  untorn_error_free(refused);
  CHECK(untorn_journal_repair(journal, &once, NULL, NULL) == UNTORN_LOCKED);
  untorn_journal_close(journal);

  kill_and_reap(child);
  /* Asked now: it lived when the error was made. */
  CHECK(untorn_holder_alive(named) == UNTORN_DEAD);
  untorn_error_free(error);
  error = NULL;

  /* The kernel has freed it, whatever still waits for the one that gave up. */
  options.timeout_ms = 0;
  OK(untorn_lock_acquire("p", &options, &lock, &error));
  CHECK(untorn_lock_is_held(lock) && !untorn_lock_is_shared(lock));
  CHECK(strstr(untorn_lock_path(lock), "/p.lock") != NULL);
  untorn_lock_release(lock);
}

static void is_asked_for_the_holder(void) {
  untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
  untorn_lock *lock = NULL;
  untorn_holder *holder = NULL;

  OK(untorn_lock_holder("q", &holder, &error));
  CHECK(holder == NULL);
  options.label = "me";
  OK(untorn_lock_acquire("q", &options, &lock, &error));
  OK(untorn_lock_holder("q", &holder, &error));
  CHECK(untorn_holder_pid(holder) == (uint32_t)getpid());
  CHECK(strcmp(untorn_holder_label(holder), "me") == 0);
  CHECK(untorn_holder_host(holder) != NULL && untorn_holder_boot(holder) != NULL);
  untorn_holder_free(holder);
  untorn_lock_release(lock);
  OK(untorn_lock_holder("q", &holder, &error));
  CHECK(holder == NULL);
  REFUSED(UNTORN_NOT_FOUND, untorn_lock_holder("no/such/q", &holder, &error));
}

static void is_not_waited_for_by_its_own_thread(void) {
  untorn_lock *lock = NULL, *again = NULL;
  OK(untorn_lock_acquire("s", NULL, &lock, &error));
  REFUSED(UNTORN_DEADLOCK, untorn_lock_acquire("s", NULL, &again, &error));
  CHECK(untorn_append("s", bytes("1"), 1, NULL, NULL) == UNTORN_DEADLOCK);

  /* Under the lock it works. */
  untorn_journal *journal = NULL;
  untorn_call_options under = UNTORN_CALL_OPTIONS_INIT;
  under.lock = lock;
  OK(untorn_journal_open("s", NULL, &journal, &error));
  OK(untorn_journal_append(journal, bytes("1"), 1, &under, NULL, &error));
  OK(untorn_journal_repair(journal, &under, NULL, &error));
  untorn_lock_release(lock);
  OK(untorn_journal_append(journal, bytes("2"), 1, NULL, NULL, &error));
  untorn_journal_close(journal);
  file_is("s", "1\n2\n");
}

static void is_shared(void) {
  untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
  untorn_lock *one = NULL, *two = NULL, *writer = NULL;
  untorn_call_options under = UNTORN_CALL_OPTIONS_INIT;
  untorn_document *document = NULL;

  options.shared = 1;
  options.timeout_ms = 0;
  OK(untorn_lock_acquire("r", &options, &one, &error));
  OK(untorn_lock_acquire("r", &options, &two, &error));
  CHECK(untorn_lock_is_shared(one) && untorn_lock_is_shared(two));
  options.shared = 0;
  CHECK(untorn_lock_acquire("r", &options, &writer, NULL) != UNTORN_OK);
  CHECK(writer == NULL);

  under.lock = one;
  OK(untorn_document_open("r", NULL, &document, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT,
          untorn_document_save(document, bytes("1"), 1, &under, NULL, &error));
  untorn_document_close(document);

  untorn_lock_release(one);
  untorn_lock_release(two);
  OK(untorn_lock_acquire("r", &options, &writer, &error));
  untorn_lock_release(writer);
}

static void is_at_a_file(void) {
  untorn_lock *lock = NULL, *same_file = NULL;
  untorn_lock_options once = UNTORN_LOCK_OPTIONS_INIT;
  once.timeout_ms = 0;
  FAILS(UNTORN_INVALID_ARGUMENT, untorn_lock_acquire("t.lock", NULL, &lock, &error));
  CHECK(strstr(untorn_error_message(error), "t.lock.lock") != NULL);
  untorn_error_free(error);
  error = NULL;
  OK(untorn_lock_acquire_at("t.lock", NULL, &lock, &error));
  CHECK(untorn_lock_acquire("t", &once, &same_file, NULL) != UNTORN_OK);
  untorn_lock_release(lock);
  OK(untorn_lock_acquire("t", &once, &same_file, &error));
  untorn_lock_release(same_file);
}

static void *wait_until_cancelled(void *cancel) {
  untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
  untorn_lock *lock = NULL;
  options.cancel = cancel;
  untorn_code code = untorn_lock_acquire("p", &options, &lock, NULL);
  CHECK(lock == NULL);
  return code == UNTORN_CANCELLED ? cancel : NULL;
}

static void waits_are_cancelled(void) {
  pid_t child = keeper();
  untorn_cancel *cancel = untorn_cancel_new();
  pthread_t thread;
  void *result;

  CHECK(cancel != NULL && !untorn_cancel_is_triggered(cancel));
  CHECK(pthread_create(&thread, NULL, wait_until_cancelled, cancel) == 0);
  /* Before the wait or during it: either way the wait ends. */
  untorn_cancel_trigger(cancel);
  CHECK(pthread_join(thread, &result) == 0);
  CHECK(result == cancel);
  CHECK(untorn_cancel_is_triggered(cancel));

  untorn_document *document = NULL;
  untorn_call_options call = UNTORN_CALL_OPTIONS_INIT;
  call.cancel = cancel;
  OK(untorn_document_open("p", NULL, &document, &error));
  REFUSED(UNTORN_CANCELLED, untorn_document_save(document, bytes("1"), 1, &call, NULL, &error));
  untorn_document_close(document);
  untorn_cancel_free(cancel);
  kill_and_reap(child);
}

static void locks_lock_here(void) {
  untorn_selftest_report *report = NULL;
  const char *name, *detail;
  int32_t outcome;
  size_t count = 0;
  for (int32_t scheme = UNTORN_SCHEME_SIDECAR; scheme <= UNTORN_SCHEME_PID_FILE; scheme++) {
    OK(untorn_selftest(".", scheme, &report, &error));
    CHECK(untorn_selftest_passed(report));
    CHECK(untorn_selftest_file_system(report)[0] != '\0');
    for (count = 0; untorn_selftest_check(report, count, &name, &outcome, &detail); count++) {
      CHECK(outcome != UNTORN_CHECK_FAILED);
      CHECK(count > 0 || strcmp(name, "exclusion") == 0);
    }
    CHECK(count > 3);
    untorn_selftest_free(report);
  }
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_selftest(".", 7, &report, &error));
  REFUSED(UNTORN_NOT_FOUND, untorn_selftest("none", 0, &report, &error));
  untorn_selftest_free(NULL);
}

int main(void) {
  locks_lock_here();
  directory();
  names_the_holder();
  is_asked_for_the_holder();
  is_not_waited_for_by_its_own_thread();
  is_shared();
  is_at_a_file();
  waits_are_cancelled();
  clean_up();
  return EXIT_SUCCESS;
}
