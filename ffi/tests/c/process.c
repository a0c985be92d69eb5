/* Processes: named for ever, and whether they live. */

#include <signal.h>

#include "test.h"

static untorn_error *error = NULL;

static void this_one_lives(void) {
  untorn_process *own = NULL;
  OK(untorn_process_current(&own, &error));
  CHECK(untorn_process_pid(own) == (uint32_t)getpid());
  CHECK(untorn_process_start(own) != 0);
  CHECK(untorn_process_boot(own) != NULL);
  CHECK(untorn_process_host(own) != NULL);
  CHECK(untorn_process_alive(own) == UNTORN_ALIVE);
  untorn_process_free(own);
}

/* Alive, a zombie, reaped, and another with its pid. */
static void a_child_lives_and_dies(void) {
  untorn_process *process = NULL, *again = NULL;
  siginfo_t ended;
  int status;
  pid_t child = fork();
  CHECK(child != -1);
  if (child == 0) {
    for (;;)
      pause();
  }
  OK(untorn_process_of((uint32_t)child, &process, &error));
  CHECK(untorn_process_alive(process) == UNTORN_ALIVE);
  OK(untorn_process_from_json(untorn_process_json(process), &again, &error));
  CHECK(untorn_process_alive(again) == UNTORN_ALIVE);
  CHECK(untorn_process_start(again) == untorn_process_start(process));

  CHECK(kill(child, SIGKILL) == 0);
  CHECK(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT) == 0);
  CHECK(untorn_process_alive(again) == UNTORN_DEAD);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(untorn_process_alive(process) == UNTORN_DEAD);
  untorn_process_free(process);
  untorn_process_free(again);
}

static void a_reused_pid_is_another_process(void) {
  char json[512];
  untorn_process *own = NULL, *earlier = NULL;
  OK(untorn_process_current(&own, &error));
  snprintf(json, sizeof json, "{\"pid\":%u,\"start\":%llu,\"boot\":\"%s\"}",
           (unsigned)getpid(), (unsigned long long)untorn_process_start(own) - 1,
           untorn_process_boot(own));
  OK(untorn_process_from_json(json, &earlier, &error));
  CHECK(untorn_process_alive(earlier) == UNTORN_DEAD);
  untorn_process_free(own);
  untorn_process_free(earlier);
}

static void what_is_none(void) {
  untorn_process *process = NULL;
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_process_from_json("{}", &process, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_process_from_json(NULL, &process, &error));
  REFUSED(UNTORN_INVALID_ARGUMENT, untorn_process_current(NULL, &error));
  CHECK(process == NULL);
  CHECK(untorn_process_pid(NULL) == 0);
  CHECK(untorn_process_json(NULL) == NULL);
  CHECK(untorn_process_alive(NULL) == UNTORN_ALIVE_UNKNOWN);
  untorn_process_free(NULL);
}

int main(void) {
  directory();
  this_one_lives();
  a_child_lives_and_dies();
  a_reused_pid_is_another_process();
  what_is_none();
  clean_up();
  return 0;
}
