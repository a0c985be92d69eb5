/* A child of fork() neither frees its parent's lock nor keeps it. */

#include <signal.h>

#include "test.h"

static untorn_error *error = NULL;

static untorn_code try_once(const char *path, untorn_lock **lock) {
  untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
  options.timeout_ms = 0;
  return untorn_lock_acquire(path, &options, lock, NULL);
}

/* The child frees its copy of the lock: the parent still has it. */
static void a_child_does_not_unlock(void) {
  untorn_lock *lock = NULL;
  OK(untorn_lock_acquire("a", NULL, &lock, &error));
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    untorn_call_options under = UNTORN_CALL_OPTIONS_INIT;
    untorn_journal *journal = NULL;
    CHECK(!untorn_lock_is_held(lock));
    OK(untorn_journal_open("a", NULL, &journal, &error));
    under.lock = lock;
    REFUSED(UNTORN_INVALID_ARGUMENT,
            untorn_journal_append(journal, bytes("1"), 1, &under, NULL, &error));
    untorn_lock_release(lock);
    untorn_lock *stolen = NULL;
    CHECK(try_once("a", &stolen) == UNTORN_LOCKED);
    untorn_journal_close(journal);
    _exit(0);
  }
  CHECK(status_of(child) == 0);
  CHECK(untorn_lock_is_held(lock));
  child = fork();
  CHECK(child != -1);
  if (child == 0) {
    untorn_lock *stolen = NULL;
    _exit(try_once("a", &stolen) == UNTORN_LOCKED ? 0 : 1);
  }
  CHECK(status_of(child) == 0);
  untorn_lock_release(lock);
  CHECK(try_once("a", &lock) == UNTORN_OK);
  untorn_lock_release(lock);
}

/* The holder is killed while its child lives on. */
static void a_child_does_not_keep_the_lock(void) {
  int ready[2], end[2];
  CHECK(pipe(ready) == 0 && pipe(end) == 0);
  pid_t holder = fork();
  CHECK(holder != -1);
  if (holder == 0) {
    untorn_lock *lock = NULL;
    OK(untorn_lock_acquire("b", NULL, &lock, &error));
    pid_t child = fork();
    CHECK(child != -1);
    if (child == 0) {
      close(end[1]);
      tell(ready[1]);
      await(end[0]);
      /* Alive all the time: only now does it end. */
      tell(ready[1]);
      _exit(0);
    }
    for (;;)
      pause();
  }
  await(ready[0]);
  untorn_lock *lock = NULL;
  CHECK(try_once("b", &lock) == UNTORN_LOCKED);
  int status;
  CHECK(kill(holder, SIGKILL) == 0);
  CHECK(waitpid(holder, &status, 0) == holder);
  CHECK(try_once("b", &lock) == UNTORN_OK);
  tell(end[1]);
  await(ready[0]);
  untorn_lock_release(lock);
}

/* Handles go on working on both sides. */
static void handles_are_inherited(void) {
  untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  untorn_document *document = NULL;
  options.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open("c", &options, &journal, &error));
  OK(untorn_document_open("d", NULL, &document, &error));
  OK(untorn_journal_append(journal, bytes("\"parent\""), 8, NULL, NULL, &error));
  OK(untorn_document_save(document, bytes("1"), 1, NULL, NULL, &error));
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    OK(untorn_journal_append(journal, bytes("\"child\""), 7, NULL, NULL, &error));
    OK(untorn_document_save(document, bytes("2"), 1, NULL, NULL, &error));
    untorn_journal_close(journal);
    untorn_document_close(document);
    _exit(0);
  }
  CHECK(status_of(child) == 0);
  OK(untorn_journal_append(journal, bytes("\"parent\""), 8, NULL, NULL, &error));
  untorn_journal_close(journal);
  untorn_document_close(document);
  file_is("c", "\"parent\"\n\"child\"\n\"parent\"\n");
  file_is("d", "2");
}

int main(void) {
  directory();
  a_child_does_not_unlock();
  a_child_does_not_keep_the_lock();
  handles_are_inherited();
  clean_up();
  return EXIT_SUCCESS;
}
