/* Makes each flush of a server take longer, as slower media do:
 *
 *   cc -shared -fPIC -o /tmp/slow_flush.so engine/postgres/examples/slow_flush.c
 *   cargo build --release -p untorn-postgres --examples
 *   UNTORN_SERVER_PRELOAD=/tmp/slow_flush.so FLUSH_MICROS=1000 \
 *     target/release/examples/with_server target/release/examples/measure
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int fd) {
  static int (*real)(int);
  static long micros = -1;
  if (micros < 0) {
    const char *text = getenv("FLUSH_MICROS");
    micros = text ? atol(text) : 0;
    real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    /* Else a short sleep takes 50 microseconds more. */
    prctl(PR_SET_TIMERSLACK, 1UL);
  }
  int done = real(fd);
  struct timespec time = {micros / 1000000, micros % 1000000 * 1000};
  if (micros > 0) nanosleep(&time, NULL);
  return done;
}
