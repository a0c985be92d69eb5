/* What the rooms of the driver share. driver.c says what it is for. */

#ifndef DRIVER_H
#define DRIVER_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <untorn.h>

enum { ARGUMENTS = 64, HANDLES = 24 };

/* Ends the driver: the command is wrong, or the library gives what it must not. */
_Noreturn void give_up(const char *why, const char *what);

/* ---- command.c ---- */

struct command {
  const char *op;
  size_t count;
  char *keys[ARGUMENTS];
  char *values[ARGUMENTS];
};

extern struct command command;

void parse(char *line);
/* The value of a key; NULL if the command has none. */
char *optional(const char *key);
char *required(const char *key);
uint64_t number(const char *key, uint64_t otherwise);
/* Turns hexadecimal into bytes, in place. A NUL follows them. */
untorn_bytes decoded(char *hex);
const char *text(const char *key);

int64_t timeout(int64_t otherwise);
const untorn_call_options *call(void);
int32_t durability(void);
const untorn_document_version *expected(void);

/* ---- options.c ---- */

untorn_journal_options journal_options(void);
untorn_document_options document_options(void);

/* ---- handles.c ---- */

/* All records of a journal, each with a newline. */
typedef struct {
  uint8_t *bytes;
  size_t len;
} fold_state;

typedef struct {
  char name[32];
  untorn_journal *journal;
  untorn_document *document;
  untorn_lock *lock;
  untorn_transaction *transaction;
  untorn_store *store;
  untorn_session *session;
  untorn_lease *lease;
  untorn_follow *follow;
  untorn_fold *fold;
  fold_state *state;
} handle;

handle *find(const char *name);
handle *add(const char *name);
void close_handle(handle *of);
void close_all(void);
/* What the command's `on` names. */
untorn_journal *journal(void);
untorn_document *document(void);
untorn_transaction *transaction(void);

/* ---- answers.c ---- */

extern untorn_error *error;

/* Whether the call succeeded; says so if not. */
int succeeded(untorn_code code);
void put_hex(const char *key, const uint8_t *data, size_t len);
void put_text(const char *key, const char *value);
/* Takes data, which may be NULL. */
void put_value(uint8_t *data, size_t len);
void put_removed(bool removed);
void put_position(untorn_position position);
void put_holder(const untorn_holder *holder);
/* These two take what they get. */
void put_report(untorn_report *report);
void put_records(untorn_records *records);

/* ---- journals.c ---- */

/* The records of the command, and how many. */
size_t many(untorn_bytes records[ARGUMENTS]);

/* ---- the rooms: each carries out its own steps, and says whether this is one ---- */

bool journal_step(const char *op);
bool document_step(const char *op);
bool rewrite_step(const char *op);
bool transaction_step(const char *op);
bool session_step(const char *op);
bool follow_step(const char *op);
bool salvage_step(const char *op);
bool postgres_step(const char *op);

#endif
