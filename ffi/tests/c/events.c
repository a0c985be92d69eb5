/* Events: the callback, its user, and what it may do. */

#include <dirent.h>
#include <pthread.h>
#include <sched.h>

#include "test.h"

enum { MOST = 64 };

/* No event reports a wait, however slow the machine is. */
static const uint64_t NEVER = UINT64_MAX;

/* What the callback saw. The library calls it with one event at a time. */
struct seen {
  pthread_mutex_t mutex;
  pthread_cond_t more;
  int count;
  int kinds[MOST];
  char messages[MOST][512];
  uint64_t offset, bytes, waited_ms;
  uint32_t holder;
  char kept[256];
};

static void see(const untorn_event *event, void *user) {
  struct seen *seen = user;
  CHECK(event->size == sizeof(untorn_event));
  CHECK(strcmp(event->name, untorn_event_name(event->kind)) == 0);
  CHECK(event->severity >= UNTORN_SEVERITY_INFO && event->severity <= UNTORN_SEVERITY_ERROR);
  CHECK(event->reserved == 0);
  pthread_mutex_lock(&seen->mutex);
  if (seen->count < MOST) {
    seen->kinds[seen->count] = event->kind;
    snprintf(seen->messages[seen->count], sizeof seen->messages[0], "%s", event->message);
  }
  seen->offset = event->offset;
  seen->bytes = event->bytes;
  seen->waited_ms = event->waited_ms;
  seen->holder = untorn_holder_pid(event->holder);
  snprintf(seen->kept, sizeof seen->kept, "%s", event->kept == NULL ? "" : event->kept);
  seen->count++;
  pthread_cond_broadcast(&seen->more);
  pthread_mutex_unlock(&seen->mutex);
}

static struct seen seen = {.mutex = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void append_to(const char *path, const char *record) {
  untorn_error *error = NULL;
  OK(untorn_append(path, bytes(record), strlen(record), NULL, &error));
}

/* A repair: what was cut, and where it is. */
static void repair(void) {
  seen.count = 0;
  write_file("j", "[1]\n[2");
  append_to("j", "[3]");
  CHECK(untorn_flush_events(-1));
  CHECK(seen.count == 1 && seen.kinds[0] == UNTORN_EVENT_REPAIRED);
  CHECK(seen.offset == 4 && seen.bytes == 2);
  CHECK(strstr(seen.kept, "j.torn") != NULL);
  CHECK(strstr(seen.messages[0], "a torn tail of 2 bytes at offset 4 was cut") != NULL);
}

/* A wait without a limit says whom it waits for. */
static void *wait_for_it(void *nothing) {
  untorn_error *error = NULL;
  untorn_lock *lock = NULL;
  OK(untorn_lock_acquire("l", NULL, &lock, &error));
  untorn_lock_release(lock);
  return nothing;
}

static void long_wait(void) {
  untorn_error *error = NULL;
  untorn_lock *lock = NULL;
  pthread_t waiter;
  seen.count = 0;
  untorn_set_wait_threshold(20);
  OK(untorn_lock_acquire("l", NULL, &lock, &error));
  CHECK(pthread_create(&waiter, NULL, wait_for_it, NULL) == 0);
  pthread_mutex_lock(&seen.mutex);
  while (seen.count == 0)
    pthread_cond_wait(&seen.more, &seen.mutex);
  CHECK(seen.kinds[0] == UNTORN_EVENT_WAITING);
  CHECK(seen.holder == (uint32_t)getpid());
  CHECK(seen.waited_ms >= 20);
  pthread_mutex_unlock(&seen.mutex);
  untorn_lock_release(lock);
  CHECK(pthread_join(waiter, NULL) == 0);
  untorn_set_wait_threshold(NEVER);
  CHECK(untorn_flush_events(-1));
  CHECK(seen.kinds[seen.count - 1] == UNTORN_EVENT_WAITED);
}

/* A callback may call any function, and take the very lock. */
static void call_back(const untorn_event *event, void *user) {
  untorn_error *error = NULL;
  untorn_lock *lock = NULL;
  OK(untorn_lock_acquire(event->path, NULL, &lock, &error));
  untorn_lock_release(lock);
  append_to("log", "\"seen\"");
  *(int *)user += 1;
}

/* Many threads make events while others change the callback. */
static void *tear(void *number) {
  char path[32];
  for (int i = 0; i < 20; i++) {
    snprintf(path, sizeof path, "t%d-%d", *(int *)number, i);
    write_file(path, "[1]\n[2");
    append_to(path, "[3]");
  }
  return NULL;
}

static void threads(void) {
  pthread_t all[4];
  int numbers[4];
  for (int i = 0; i < 4; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&all[i], NULL, tear, &numbers[i]) == 0);
  }
  for (int i = 0; i < 50; i++) {
    /* Freed as soon as the next callback is set: it is no longer running. */
    int *calls = malloc(sizeof *calls);
    CHECK(calls != NULL);
    *calls = 0;
    untorn_set_event_callback(call_back, calls);
    untorn_set_event_callback(NULL, NULL);
    free(calls);
  }
  seen.count = 0;
  untorn_set_event_callback(see, &seen);
  for (int i = 0; i < 4; i++)
    CHECK(pthread_join(all[i], NULL) == 0);
  CHECK(untorn_flush_events(-1));
}

/* Whether a thread that hands events over still exists. */
static bool delivers(void) {
  bool found = false;
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL)
    return false; /* not on Linux, where valgrind does not run either */
  for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
    char path[300], name[16] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
    FILE *comm = fopen(path, "r");
    if (comm == NULL)
      continue; /* it has ended, or is no task */
    if (fscanf(comm, "%15s", name) == 1 && strcmp(name, "untorn-events") == 0)
      found = true;
    fclose(comm);
  }
  closedir(tasks);
  return found;
}

/* A forked child reports its own events. */
static void in_a_child(void) {
  CHECK(untorn_flush_events(-1));
  /* The thread that delivered the last event ends after the flush. If it had not ended
   * at the fork, valgrind would report its memory as lost in the child: nothing there
   * owns it. No event tells the end of a detached thread. */
  while (delivers())
    sched_yield();
  seen.count = 0;
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    write_file("child", "[1]\n[2");
    append_to("child", "[3]");
    CHECK(untorn_flush_events(-1));
    _exit(seen.count == 1 ? 0 : 1);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(untorn_flush_events(-1));
  CHECK(seen.count == 0);
}

int main(void) {
  directory();
  CHECK(untorn_event_name(0) == NULL && untorn_event_name(99) == NULL);
  CHECK(strcmp(untorn_event_name(UNTORN_EVENT_SKIPPED_DAMAGE), "skipped_damage") == 0);
  CHECK(untorn_severity_name(0) == NULL && untorn_severity_name(4) == NULL);
  CHECK(strcmp(untorn_severity_name(UNTORN_SEVERITY_ERROR), "error") == 0);
  CHECK(untorn_flush_events(0));
  untorn_set_wait_threshold(NEVER);
  untorn_set_event_callback(see, &seen);
  repair();
  long_wait();
  int calls = 0;
  untorn_set_event_callback(call_back, &calls);
  write_file("k", "[1]\n[2");
  append_to("k", "[3]");
  CHECK(untorn_flush_events(-1));
  CHECK(calls == 1);
  threads();
  in_a_child();
  untorn_set_event_callback(NULL, NULL);
  seen.count = 0;
  write_file("m", "[1]\n[2");
  append_to("m", "[3]");
  CHECK(untorn_flush_events(-1));
  CHECK(seen.count == 0);
  clean_up();
  return EXIT_SUCCESS;
}
