/* Carries steps out through untorn.h: one command a line from standard input,
 * one line of JSON back. run.py reads the cases and compares; what the library
 * does is done here, in one process and on one thread a case.
 *
 * A command is "op key=value ...". Bytes and strings are hexadecimal, in both
 * directions; numbers are decimal. A handle that was closed is NULL from then
 * on, as programs do that may close twice. */

#include "driver.h"

void give_up(const char *why, const char *what) {
  fprintf(stderr, "driver: %s: %s\n", why, what);
  exit(EXIT_FAILURE);
}

static bool is_close(const char *op) {
  return strcmp(op, "close") == 0 || strcmp(op, "unlock") == 0 || strcmp(op, "rollback") == 0 ||
         strcmp(op, "release") == 0;
}

static void carry_out(void) {
  static bool (*const rooms[])(const char *) = {
      postgres_step, journal_step, document_step, rewrite_step,
      transaction_step, session_step, follow_step, salvage_step,
  };
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
    if (rooms[i](command.op))
      return;
  if (!is_close(command.op))
    give_up("no such op", command.op);
  close_handle(find(required("on")));
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    parse(line);
    printf("{\"op\":\"%s\"", command.op);
    carry_out();
    puts("}");
    fflush(stdout);
  }
  close_all();
  free(line);
  return EXIT_SUCCESS;
}
