/* Writers that are killed at any instruction: nothing acknowledged is lost, and
   no append of many is there in part. */

#include <signal.h>
#include <time.h>

#include "test.h"

enum { ROUNDS = 40, WRITERS = 2, MANY = 200, LONGEST = 90000 };

/* The line of a record: who wrote it, its number, its place in its append, and
   of how many that is. */
static size_t line(char *into, int writer, int number, int place, int of, int length) {
  int head = snprintf(into, 96, "{\"w\":%d,\"n\":%d,\"m\":%d,\"of\":%d,\"t\":\"", writer, number, place, of);
  memset(into + head, 'x', (size_t)length);
  memcpy(into + head + length, "\"}", 3);
  return (size_t)(head + length + 2);
}

/* Appends, and counts in the document, until it is killed. */
static void write_for_ever(int writer, int acknowledge) {
  static char text[LONGEST + 128], texts[MANY][8192];
  untorn_bytes many[MANY];
  untorn_error *error = NULL;
  untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
  untorn_journal *journal = NULL;
  untorn_document *document = NULL;
  untorn_document_options counting = UNTORN_DOCUMENT_OPTIONS_INIT;

  srand((unsigned)(writer * 7919 + (int)time(NULL)));
  how.durability = UNTORN_DURABILITY_PROCESS;
  counting.durability = UNTORN_DURABILITY_PROCESS;
  OK(untorn_journal_open("j", &how, &journal, &error));
  OK(untorn_document_open("d", &counting, &document, &error));
  for (int number = 0;; number++) {
    if (rand() % 4 == 0) {
      /* More than 1 MiB: smaller ones are never caught half-way. */
      for (int i = 0; i < MANY; i++) {
        many[i].len = line(texts[i], writer, number, i, MANY, 6000 + rand() % 2000);
        many[i].data = bytes(texts[i]);
      }
      OK(untorn_journal_append_all(journal, many, MANY, NULL, NULL, &error));
    } else {
      size_t length = line(text, writer, number, 0, 1, 60 + rand() % (LONGEST - 60));
      OK(untorn_journal_append(journal, bytes(text), length, NULL, NULL, &error));
    }
    size_t length = line(text, writer, number, 0, 1, rand() % 50000);
    OK(untorn_document_save(document, bytes(text), length, NULL, NULL, &error));
    CHECK(write(acknowledge, &number, sizeof number) == sizeof number);
  }
}

/* Kills a writer after a random while; the last number that it acknowledged,
   or -1. */
static int kill_one(int writer) {
  int ends[2], status, number, last = -1;
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    close(ends[0]);
    write_for_ever(writer, ends[1]);
    _exit(1);
  }
  close(ends[1]);
  CHECK(read(ends[0], &last, sizeof last) == sizeof last);
  /* Not to wait for anything: the kill is to hit any instruction. */
  struct timespec moment = {0, rand() % 3000000};
  nanosleep(&moment, NULL);
  CHECK(kill(child, SIGKILL) == 0);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  while (read(ends[0], &number, sizeof number) == sizeof number)
    last = number;
  close(ends[0]);
  return last;
}

int main(void) {
  int acknowledged[ROUNDS * WRITERS];
  untorn_error *error = NULL;
  untorn_journal *journal = NULL;

  directory();
  srand((unsigned)time(NULL));
  for (int i = 0; i < ROUNDS * WRITERS; i++)
    acknowledged[i] = kill_one(i);

  /* Whatever they left, the next append finds a whole journal. */
  OK(untorn_journal_open("j", NULL, &journal, &error));
  const char *end = "{\"w\":-1,\"n\":0,\"m\":0,\"of\":1}";
  OK(untorn_journal_append(journal, bytes(end), strlen(end), NULL, NULL, &error));
  untorn_journal_close(journal);

  /* Read with nothing of the library. */
  FILE *file = fopen("j", "r");
  CHECK(file != NULL);
  static char text[LONGEST + 256];
  int writer = 0, number = 0, place, of = 1, at = 0, last_writer = 0, last_number = -1;
  while (fgets(text, sizeof text, file) != NULL) {
    int w, n;
    CHECK(text[strlen(text) - 1] == '\n' && text[strlen(text) - 2] == '}');
    CHECK(sscanf(text, "{\"w\":%d,\"n\":%d,\"m\":%d,\"of\":%d", &w, &n, &place, &of) == 4);
    if (place > 0) {
      CHECK(w == writer && n == number && place == at + 1); /* in one piece */
    } else if (w >= 0) {
      CHECK(w == last_writer ? n == last_number + 1 : w == last_writer + 1 && n == 0); /* once, in order */
      if (w != last_writer)
        CHECK(last_number >= acknowledged[last_writer] && last_number <= acknowledged[last_writer] + 1);
      last_writer = w;
      last_number = n;
    } else {
      CHECK(last_writer == ROUNDS * WRITERS - 1 && last_number >= acknowledged[last_writer]);
    }
    writer = w;
    number = n;
    at = place;
    CHECK(place < of);
  }
  CHECK(writer == -1 && at == of - 1);
  fclose(file);

  /* The document is somebody's whole value. */
  file = fopen("d", "r");
  CHECK(file != NULL && fgets(text, sizeof text, file) != NULL);
  CHECK(text[0] == '{' && strcmp(text + strlen(text) - 2, "\"}") == 0);
  fclose(file);
  clean_up();
  return 0;
}
