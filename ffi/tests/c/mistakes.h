/* A stage on which mistakes are made, and the look at each answer: the code, and the words that
 * a person can act on. The tables of Python, Node and Rust have the same mistakes, as far as C
 * can make them. */

#ifndef MISTAKES_H
#define MISTAKES_H

#include <sys/stat.h>

#include "test.h"

static untorn_error *error = NULL;

/* What each mistake finds. Nothing of it changes. */
static struct {
  untorn_journal *journal;
  untorn_document *document;
  untorn_document *other;
  untorn_store *store;
  untorn_session *session;
  untorn_position end;
} on;

typedef struct {
  const char *mistake;
  untorn_code (*make)(void);
  untorn_code code;
  /* All of them are in the message. */
  const char *words[3];
} row;

static inline void set_the_scene(void) {
  untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
  how.durability = UNTORN_DURABILITY_PROCESS;
  how.max_record = 40;
  OK(untorn_journal_open("j", &how, &on.journal, &error));
  OK(untorn_journal_append(on.journal, "[1]", 3, NULL, &on.end, &error));
  OK(untorn_document_open("d", NULL, &on.document, &error));
  OK(untorn_document_save(on.document, "1", 1, NULL, NULL, &error));
  OK(untorn_document_open("other", NULL, &on.other, &error));
  OK(untorn_store_open("store", NULL, &on.store, &error));
  OK(untorn_store_session(on.store, "s", &on.session, &error));
  write_file("empty.json", "");
  write_file("half.json", "{\"a");
  write_file("pretty.json", "{\n  \"a\": 1\n}");
  write_file("gzip", "\x1f\x8b\x08 and so on");
  CHECK(mkdir("locked.lock", 0777) == 0);
}

/* Returns whether the answer is that of the row; says what is wrong if not. */
static inline bool answered(const row *of) {
  bool good = true;
  untorn_code code = of->make();
  const char *message = error == NULL ? "no error" : untorn_error_message(error);
  if (code != of->code || untorn_error_code(error) != code)
    good = false;
  for (size_t i = 0; i < 3 && of->words[i] != NULL; i++)
    if (strstr(message, of->words[i]) == NULL)
      good = false;
  if (!good)
    fprintf(stderr, "%s: %s: %s\n", of->mistake, untorn_code_name(code), message);
  if (code == UNTORN_LOCK_TIMEOUT || code == UNTORN_LOCKED)
    CHECK(untorn_error_holder(error) != NULL);
  untorn_error_free(error);
  error = NULL;
  file_is("j", "[1]\n");
  file_is("d", "1");
  file_is("pretty.json", "{\n  \"a\": 1\n}");
  CHECK(access("new", F_OK) == -1 && access("x", F_OK) == -1);
  return good;
}

/* Makes all mistakes. Returns how many answers are wrong. */
static inline size_t wrong_answers(const row *all, size_t count) {
  size_t wrong = 0;
  set_the_scene();
  for (size_t i = 0; i < count; i++)
    if (!answered(&all[i]))
      wrong++;
  untorn_session_free(on.session);
  untorn_store_close(on.store);
  untorn_document_close(on.other);
  untorn_document_close(on.document);
  untorn_journal_close(on.journal);
  return wrong;
}

#endif
