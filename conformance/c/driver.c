/* Carries steps out through untorn.h: one command a line from standard input,
 * one line of JSON back. run.py reads the cases and compares; what the library
 * does is done here, in one process and on one thread a case.
 *
 * A command is "op key=value ...". Bytes and strings are hexadecimal, in both
 * directions; numbers are decimal. A handle that was closed is NULL from then
 * on, as programs do that may close twice. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <untorn.h>

enum { ARGUMENTS = 64, HANDLES = 24 };

static void give_up(const char *why, const char *what) {
  fprintf(stderr, "driver: %s: %s\n", why, what);
  exit(EXIT_FAILURE);
}

/* ---- one command ---- */

static struct {
  const char *op;
  size_t count;
  char *keys[ARGUMENTS];
  char *values[ARGUMENTS];
} command;

static void parse(char *line) {
  command.op = strtok(line, " \n");
  command.count = 0;
  for (char *word; (word = strtok(NULL, " \n")) != NULL; command.count++) {
    char *equals = strchr(word, '=');
    if (equals == NULL || command.count == ARGUMENTS)
      give_up("not an argument", word);
    *equals = '\0';
    command.keys[command.count] = word;
    command.values[command.count] = equals + 1;
  }
}

/* The value of a key; NULL if it is not there. */
static char *optional(const char *key) {
  for (size_t i = 0; i < command.count; i++)
    if (strcmp(command.keys[i], key) == 0)
      return command.values[i];
  return NULL;
}

static char *required(const char *key) {
  char *value = optional(key);
  if (value == NULL)
    give_up("the command has no", key);
  return value;
}

static uint64_t number(const char *key, uint64_t otherwise) {
  const char *value = optional(key);
  return value == NULL ? otherwise : strtoull(value, NULL, 10);
}

static uint8_t digit(char letter) {
  const char *digits = "0123456789abcdef";
  const char *place = letter == '\0' ? NULL : strchr(digits, letter);
  if (place == NULL)
    give_up("not hexadecimal", (char[]){letter, '\0'});
  return (uint8_t)(place - digits);
}

/* Turns hexadecimal into bytes, in place. A NUL follows them. */
static untorn_bytes decoded(char *hex) {
  size_t len = strlen(hex) / 2;
  for (size_t i = 0; i < len; i++)
    hex[i] = (char)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  hex[len] = '\0';
  untorn_bytes bytes = {(const uint8_t *)hex, len};
  return bytes;
}

static const char *text(const char *key) {
  char *value = optional(key);
  return value == NULL ? NULL : (const char *)decoded(value).data;
}

/* ---- handles ---- */

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

static handle handles[HANDLES];
static size_t handle_count = 0;

static handle *find(const char *name) {
  for (size_t i = 0; i < handle_count; i++)
    if (strcmp(handles[i].name, name) == 0)
      return &handles[i];
  give_up("no handle", name);
  return NULL;
}

static handle *add(const char *name) {
  for (size_t i = 0; i < handle_count; i++)
    if (strcmp(handles[i].name, name) == 0)
      return &handles[i];
  if (handle_count == HANDLES || strlen(name) >= sizeof handles[0].name)
    give_up("no room for handle", name);
  handle *new = &handles[handle_count++];
  memset(new, 0, sizeof *new);
  strcpy(new->name, name);
  return new;
}

static void close_handle(handle *of) {
  untorn_journal_close(of->journal);
  untorn_document_close(of->document);
  untorn_lock_release(of->lock);
  untorn_transaction_free(of->transaction);
  untorn_store_close(of->store);
  untorn_session_free(of->session);
  untorn_lease_release(of->lease, NULL);
  untorn_follow_free(of->follow);
  untorn_fold_free(of->fold);
  if (of->state != NULL)
    free(of->state->bytes);
  free(of->state);
  of->journal = NULL;
  of->document = NULL;
  of->lock = NULL;
  of->transaction = NULL;
  of->store = NULL;
  of->session = NULL;
  of->lease = NULL;
  of->follow = NULL;
  of->fold = NULL;
  of->state = NULL;
}

static untorn_journal *journal(void) { return find(required("on"))->journal; }
static untorn_document *document(void) { return find(required("on"))->document; }
static untorn_transaction *transaction(void) { return find(required("on"))->transaction; }

/* ---- answers ---- */

static untorn_error *error = NULL;

static void put_hex(const char *key, const uint8_t *data, size_t len) {
  printf(",\"%s\":\"", key);
  for (size_t i = 0; i < len; i++)
    printf("%02x", data[i]);
  putchar('"');
}

static void put_text(const char *key, const char *value) {
  if (value == NULL)
    printf(",\"%s\":null", key);
  else
    put_hex(key, (const uint8_t *)value, strlen(value));
}

static void put_position(untorn_position position) {
  printf(",\"position\":[%" PRIu64 ",%" PRIu64 "]", position.generation, position.offset);
}

static void put_holder(const untorn_holder *holder) {
  static const char *const alive[] = {"unknown", "alive", "dead"};
  printf(",\"holder\":{\"alive\":\"%s\",\"self\":%s", alive[untorn_holder_alive(holder)],
         untorn_holder_pid(holder) == (uint32_t)getpid() ? "true" : "false");
  put_text("label", untorn_holder_label(holder));
  putchar('}');
}

static void put_error(untorn_code code) {
  untorn_position position;
  if (untorn_error_code(error) != code)
    give_up("the error has another code", untorn_error_message(error));
  printf(",\"error\":\"%s\"", untorn_code_name(code));
  put_text("message", untorn_error_message(error));
  put_text("operation", untorn_error_operation(error));
  put_text("path", untorn_error_path(error));
  if (untorn_error_position(error, &position))
    put_position(position);
  if (untorn_error_holder(error) != NULL)
    put_holder(untorn_error_holder(error));
  untorn_error_free(error);
  error = NULL;
}

/* Whether the call succeeded; says so if not. */
static int succeeded(untorn_code code) {
  if (code == UNTORN_OK && error != NULL)
    give_up("success, and an error", untorn_error_message(error));
  if (code != UNTORN_OK)
    put_error(code);
  return code == UNTORN_OK;
}

static void put_damage(int32_t kind, uint64_t offset, uint64_t length, int first) {
  printf("%s[\"%s\",%" PRIu64 ",%" PRIu64 "]", first ? "" : ",", untorn_damage_name(kind), offset,
         length);
}

static void put_report(untorn_report *report) {
  int32_t kind;
  uint64_t offset, length, line, cut;
  bool newline_added;
  printf(",\"report\":{\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"end\":%" PRIu64
         ",\"damage_count\":%" PRIu64 ",\"damage\":[",
         untorn_report_records(report), untorn_report_bytes(report),
         untorn_report_end(report).offset, untorn_report_damage_count(report));
  for (size_t i = 0; untorn_report_damage(report, i, &kind, &offset, &length); i++)
    put_damage(kind, offset, length, i == 0);
  printf("],\"lines\":[");
  for (size_t i = 0; (line = untorn_report_damage_line(report, i)) != 0; i++)
    printf("%s%" PRIu64, i ? "," : "", line);
  printf("],\"repairable\":[");
  for (size_t i = 0; untorn_report_damage_line(report, i) != 0; i++)
    printf("%s%s", i ? "," : "", untorn_report_damage_is_repairable(report, i) ? "true" : "false");
  printf("],\"notes\":[");
  for (size_t i = 0; untorn_report_note(report, i, &kind, &offset, &length, &line); i++)
    printf("%s[\"%s\",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
           untorn_damage_name(kind), offset, length, line);
  printf("],\"unsealed\":%" PRIu64 ",\"header\":%s,\"repaired\":", untorn_report_unsealed(report),
         untorn_report_has_header(report) ? "true" : "false");
  if (untorn_report_repaired(report, &offset, &cut, &newline_added))
    printf("{\"offset\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"newline_added\":%s}}", offset, cut,
           newline_added ? "true" : "false");
  else
    printf("null}");
  untorn_report_free(report);
}

/* Everything that the cursor gives. */
static void put_records(untorn_records *records) {
  const uint8_t *data;
  size_t len;
  untorn_position start, end;
  int32_t kind;
  uint64_t offset, length;
  int failed = 0;
  printf(",\"records\":[");
  for (size_t i = 0;; i++) {
    untorn_code code = untorn_records_next(records, &data, &len, &start, &end, &error);
    if (code != UNTORN_OK || data == NULL) {
      putchar(']');
      failed = !succeeded(code);
      break;
    }
    printf("%s{\"start\":[%" PRIu64 ",%" PRIu64 "],\"end\":%" PRIu64, i == 0 ? "" : ",",
           start.generation, start.offset, end.offset);
    put_hex("bytes", data, len);
    putchar('}');
  }
  if (!failed) {
    printf(",\"damage\":[");
    for (size_t i = 0; untorn_records_damage(records, i, &kind, &offset, &length); i++)
      put_damage(kind, offset, length, i == 0);
    putchar(']');
  }
  untorn_records_free(records);
}

/* ---- arguments of calls ---- */

static int64_t timeout(int64_t otherwise) {
  const char *value = optional("timeout");
  return value == NULL ? otherwise : strtoll(value, NULL, 10);
}

static const untorn_call_options *call(void) {
  static untorn_call_options made;
  untorn_call_options fresh = UNTORN_CALL_OPTIONS_INIT;
  made = fresh;
  made.timeout_ms = timeout(UNTORN_TIMEOUT_OF_HANDLE);
  if (optional("lock") != NULL)
    made.lock = find(required("lock"))->lock;
  return optional("lock") == NULL && optional("timeout") == NULL ? NULL : &made;
}

static int32_t durability(void) {
  return (int32_t)number("durability", UNTORN_DURABILITY_PROCESS);
}

static const untorn_document_version *expected(void) {
  static untorn_document_version version;
  const char *value = text("expect");
  if (value == NULL || strlen(value) != sizeof version.text - 1)
    give_up("not a version", value == NULL ? "none" : value);
  memcpy(version.text, value, sizeof version.text);
  return &version;
}

#include "options.h"

/* ---- steps ---- */

static void open_journal(void) {
  untorn_journal_options options = journal_options();
  untorn_journal *opened = NULL;
  if (succeeded(untorn_journal_open(text("path"), &options, &opened, &error)))
    add(required("on"))->journal = opened;
}

static void open_document(void) {
  untorn_document_options options = document_options();
  untorn_document *opened = NULL;
  if (succeeded(untorn_document_open(text("path"), &options, &opened, &error)))
    add(required("on"))->document = opened;
}

static void take_lock(untorn_code acquire(const char *, const untorn_lock_options *, untorn_lock **,
                                          untorn_error **)) {
  untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
  options.timeout_ms = timeout(options.timeout_ms);
  options.shared = (int32_t)number("shared", 0);
  options.label = text("label");
  options.scheme = (int32_t)number("scheme", UNTORN_SCHEME_SIDECAR);
  untorn_lock *lock = NULL;
  if (succeeded(acquire(text("path"), &options, &lock, &error)))
    add(required("on"))->lock = lock;
}

static void append(void) {
  untorn_position position;
  untorn_bytes record = decoded(required("record"));
  if (succeeded(
          untorn_journal_append(journal(), record.data, record.len, call(), &position, &error)))
    put_position(position);
}

static size_t many(untorn_bytes records[ARGUMENTS]) {
  size_t count = 0;
  for (size_t i = 0; i < command.count; i++)
    if (strcmp(command.keys[i], "record") == 0)
      records[count++] = decoded(command.values[i]);
  return count;
}

static void append_many(void) {
  untorn_bytes records[ARGUMENTS];
  size_t count = many(records);
  untorn_position at = {number("generation", 0), number("offset", 0)}, position;
  if (optional("header") != NULL) {
    untorn_bytes header = decoded(required("header"));
    if (succeeded(untorn_journal_append_with_header(journal(), header.data, header.len, records,
                                                    count, call(), &position, &error)))
      put_position(position);
    return;
  }
  untorn_code code =
      optional("generation") == NULL
          ? untorn_journal_append_all(journal(), records, count, call(), &position, &error)
          : untorn_journal_append_at(journal(), at, records, count, call(), &position, &error);
  if (succeeded(code))
    put_position(position);
}

static void read_records(void) {
  untorn_records_options options = UNTORN_RECORDS_OPTIONS_INIT;
  options.start.generation = number("generation", 0);
  options.start.offset = number("offset", 0);
  options.max_records = number("max_records", UNTORN_NO_LIMIT);
  options.max_bytes = number("max_bytes", UNTORN_NO_LIMIT);
  untorn_records *records = NULL;
  if (succeeded(untorn_journal_records(journal(), &options, &records, &error)))
    put_records(records);
}

static void tail(void) {
  untorn_records *records = NULL;
  if (succeeded(untorn_journal_tail(journal(), (size_t)number("n", 0), &records, &error)))
    put_records(records);
}

static void end(void) {
  untorn_position position;
  if (succeeded(untorn_journal_end(journal(), &position, &error)))
    put_position(position);
}

static void verify(void) {
  untorn_report *report = NULL;
  if (succeeded(untorn_journal_verify(journal(), NULL, &report, &error)))
    put_report(report);
}

static void repair(void) {
  untorn_report *report = NULL;
  if (succeeded(untorn_journal_repair(journal(), call(), &report, &error)))
    put_report(report);
}

static void load(void) {
  uint8_t *data = NULL;
  size_t len = 0;
  untorn_document_version version;
  if (!succeeded(untorn_document_load(document(), &data, &len, &version, &error)))
    return;
  put_hex("value", data, len);
  put_text("version", version.text);
  untorn_buffer_free(data);
}

static void load_json(void) {
  const char *path = text("path");
  const uint8_t *json = NULL;
  uint8_t *data = NULL;
  size_t len = 0, json_len = 0;
  if (succeeded(untorn_load(path, &data, &len, NULL, &error)))
    (void)succeeded(untorn_document_json(path, data, len, &json, &json_len, &error));
  untorn_buffer_free(data);
}

static void save(int create) {
  untorn_bytes value = decoded(required("bytes"));
  untorn_document_version version;
  untorn_code code;
  if (create)
    code = untorn_document_create(document(), value.data, value.len, call(), &version, &error);
  else if (optional("expect") == NULL)
    code = untorn_document_save(document(), value.data, value.len, call(), &version, &error);
  else
    code = untorn_document_save_if(document(), expected(), value.data, value.len, call(), &version,
                                   &error);
  if (succeeded(code))
    put_text("version", version.text);
}

/* Without bytes: the caller finds that it can't change the document. */
static void update(void) {
  untorn_update *update = NULL;
  const uint8_t *was;
  size_t len;
  if (!succeeded(untorn_document_begin_update(document(), call(), &update, &error)))
    return;
  untorn_update_value(update, &was, &len);
  if (was == NULL)
    printf(",\"was\":null");
  else
    put_hex("was", was, len);
  if (optional("bytes") != NULL) {
    untorn_bytes value = decoded(required("bytes"));
    untorn_document_version version;
    if (succeeded(untorn_update_save(update, value.data, value.len, &version, &error)))
      put_text("version", version.text);
  }
  untorn_update_finish(update);
}

static void delete(void) {
  bool removed;
  if (optional("expect") != NULL)
    (void)succeeded(untorn_document_remove_if(document(), expected(), call(), &error));
  else if (succeeded(untorn_document_remove(document(), call(), &removed, &error)))
    printf(",\"removed\":%s", removed ? "true" : "false");
}

/* ---- headers and rewrites ---- */

static void put_value(uint8_t *data, size_t len) {
  if (data == NULL)
    printf(",\"value\":null");
  else
    put_hex("value", data, len);
  untorn_buffer_free(data);
}

static void header(void) {
  uint8_t *data = NULL;
  size_t len = 0;
  if (succeeded(untorn_journal_header(journal(), &data, &len, &error)))
    put_value(data, len);
}

static void set_header(void) {
  untorn_bytes header = decoded(required("bytes"));
  (void)succeeded(untorn_journal_set_header(journal(), header.data, header.len, call(), &error));
}

static void go_back(int rewind) {
  untorn_position to = {number("generation", 0), number("offset", 0)};
  char *path = NULL;
  untorn_code code = rewind ? untorn_journal_rewind(journal(), to, call(), &path, &error)
                            : untorn_journal_rotate(journal(), call(), &path, &error);
  if (succeeded(code))
    put_text("rotated", path);
  untorn_string_free(path);
}

static void replace(void) {
  untorn_bytes records[ARGUMENTS];
  untorn_position position;
  if (succeeded(untorn_journal_replace(journal(), records, many(records), call(), &position,
                                       &error)))
    put_position(position);
}

/* Pushes the records of these numbers, and then more. */
static untorn_code fill(untorn_rewrite *rewrite) {
  untorn_bytes add[ARGUMENTS];
  untorn_records *old = NULL;
  const uint8_t *data;
  size_t len, count = many(add);
  untorn_code code = untorn_rewrite_records(rewrite, &old, &error);
  for (uint64_t i = 0; code == UNTORN_OK; i++) {
    code = untorn_records_next(old, &data, &len, NULL, NULL, &error);
    if (code != UNTORN_OK || data == NULL)
      break;
    for (size_t k = 0; k < command.count && code == UNTORN_OK; k++)
      if (strcmp(command.keys[k], "stay") == 0 && strtoull(command.values[k], NULL, 10) == i)
        code = untorn_rewrite_push(rewrite, data, len, &error);
  }
  untorn_records_free(old);
  for (size_t i = 0; i < count && code == UNTORN_OK; i++)
    code = untorn_rewrite_push(rewrite, add[i].data, add[i].len, &error);
  return code;
}

/* With fail: the caller finds that it can't say what is to be there. */
static void compact(void) {
  untorn_rewrite *rewrite = NULL;
  untorn_position position;
  if (!succeeded(untorn_journal_begin_rewrite(journal(), call(), &rewrite, &error)))
    return;
  if (!number("fail", 0) && succeeded(fill(rewrite)) &&
      succeeded(untorn_rewrite_commit(rewrite, &position, &error)))
    put_position(position);
  untorn_rewrite_free(rewrite);
}

/* ---- transactions ---- */

static void begin_transaction(void) {
  untorn_transaction_options options = UNTORN_TRANSACTION_OPTIONS_INIT;
  untorn_transaction *begun = NULL;
  options.durability = durability();
  options.timeout_ms = timeout(options.timeout_ms);
  options.parents = (int32_t)number("parents", 0);
  if (succeeded(untorn_transaction_begin(text("path"), &options, NULL, &begun, &error)))
    add(required("on"))->transaction = begun;
}

static void put_removed(bool removed) {
  printf(",\"removed\":%s", removed ? "true" : "false");
}

static void in_transaction(const char *verb) {
  untorn_transaction *tx = transaction();
  const char *name = text("name");
  untorn_bytes value = {NULL, 0}, records[ARGUMENTS];
  if (optional("bytes") != NULL)
    value = decoded(required("bytes"));
  if (strcmp(verb, "load") == 0) {
    uint8_t *data = NULL;
    size_t len = 0;
    if (succeeded(untorn_transaction_load(tx, name, NULL, &data, &len, NULL, &error)))
      put_value(data, len);
  } else if (strcmp(verb, "save") == 0) {
    (void)succeeded(untorn_transaction_save(tx, name, value.data, value.len, &error));
  } else if (strcmp(verb, "create") == 0) {
    (void)succeeded(untorn_transaction_create(tx, name, value.data, value.len, &error));
  } else if (strcmp(verb, "append") == 0) {
    (void)succeeded(untorn_transaction_append(tx, name, records, many(records), &error));
  } else if (strcmp(verb, "remove") == 0) {
    bool removed;
    if (succeeded(untorn_transaction_remove(tx, name, NULL, &removed, &error)))
      put_removed(removed);
  } else {
    give_up("no such verb", verb);
  }
}

/* ---- sessions ---- */

static untorn_session *session(const char *key) { return find(required(key))->session; }

static void open_store(void) {
  untorn_store_options options = UNTORN_STORE_OPTIONS_INIT;
  untorn_store *opened = NULL;
  options.durability = durability();
  options.timeout_ms = timeout(options.timeout_ms);
  options.journal_name = text("journal_name");
  options.state_name = text("state_name");
  options.create = (int32_t)number("create", 1);
  if (succeeded(untorn_store_open(text("path"), &options, &opened, &error)))
    add(required("on"))->store = opened;
}

static void keys(void) {
  untorn_keys *list = NULL;
  if (!succeeded(untorn_store_keys(find(required("on"))->store, &list, &error)))
    return;
  printf(",\"keys\":[");
  const char *key;
  for (size_t i = 0; (key = untorn_keys_get(list, i)) != NULL; i++) {
    printf("%s\"", i == 0 ? "" : ",");
    for (; *key != '\0'; key++)
      printf("%02x", (unsigned char)*key);
    putchar('"');
  }
  putchar(']');
  untorn_keys_free(list);
}

static void search(void) {
  untorn_hits *hits = NULL;
  const char *key, *snippet;
  size_t start, stop;
  if (!succeeded(untorn_store_search(find(required("on"))->store, text("text"),
                                     (size_t)number("max_hits", 0), NULL, &hits, &error)))
    return;
  printf(",\"hits\":[");
  for (size_t i = 0; untorn_hits_get(hits, i, &key, NULL, &snippet, &start, &stop); i++) {
    printf("%s{\"op\":\"hit\"", i == 0 ? "" : ",");
    put_text("key", key);
    put_hex("match", (const uint8_t *)snippet + start, stop - start);
    putchar('}');
  }
  putchar(']');
  untorn_hits_free(hits);
}

static void remove_session(void) {
  bool removed;
  if (succeeded(untorn_store_remove(find(required("on"))->store, text("key"), NULL, &removed,
                                    &error)))
    put_removed(removed);
}

static void open_session(void) {
  untorn_session *opened = NULL;
  bool exists;
  if (!succeeded(untorn_store_session(find(required("store"))->store, text("key"), &opened, &error)))
    return;
  add(required("on"))->session = opened;
  if (succeeded(untorn_session_exists(opened, &exists, &error)))
    printf(",\"exists\":%s", exists ? "true" : "false");
}

static void session_file(const char *which) {
  untorn_session *of = session("session");
  untorn_journal *opened_journal = NULL;
  untorn_document *opened = NULL;
  untorn_code code;
  if (strcmp(which, "journal") == 0)
    code = untorn_session_journal(of, &opened_journal, &error);
  else if (strcmp(which, "state") == 0)
    code = untorn_session_state(of, &opened, &error);
  else
    code = untorn_session_document(of, text("name"), &opened, &error);
  if (succeeded(code)) {
    handle *made = add(required("on"));
    made->journal = opened_journal;
    made->document = opened;
  }
}

static void session_holder(void) {
  untorn_holder *holder = NULL;
  if (!succeeded(untorn_session_holder(session("on"), &holder, &error)))
    return;
  if (holder == NULL)
    printf(",\"holder\":null");
  else
    put_holder(holder);
  untorn_holder_free(holder);
}

static void claim(void) {
  untorn_lease *lease = NULL;
  if (succeeded(untorn_session_claim(session("session"), text("label"), call(), &lease, &error)))
    add(required("on"))->lease = lease;
}

static int says(void *answer) { return *(const int *)answer; }

/* Each name is followed by the bytes that are saved under it. */
static void reconcile(void) {
  static const char *const outcomes[] = {"no_change", "busy", "alive", "done"};
  int alive = (int)number("also_alive", 0), changed = 0;
  int32_t found;
  untorn_reconcile *turn = NULL;
  if (!succeeded(untorn_session_reconcile(session("on"), says, &alive, NULL, &found, &turn, NULL,
                                          &error)))
    return;
  untorn_code code = UNTORN_OK;
  untorn_transaction *tx = untorn_reconcile_transaction(turn);
  for (size_t i = 0; turn != NULL && i + 1 < command.count && code == UNTORN_OK; i++) {
    if (strcmp(command.keys[i], "file") != 0)
      continue;
    untorn_bytes value = decoded(command.values[i + 1]);
    const char *name = (const char *)decoded(command.values[i]).data;
    code = untorn_transaction_save(tx, name, value.data, value.len, &error);
    changed = 1;
  }
  if (code == UNTORN_OK && changed && !number("fail", 0))
    code = untorn_reconcile_commit(turn, NULL, &error);
  untorn_reconcile_free(turn);
  if (succeeded(code) && !number("fail", 0))
    printf(",\"outcome\":\"%s\"", found == UNTORN_RECONCILED_TURN && !changed
                                        ? outcomes[UNTORN_RECONCILED_NO_CHANGE]
                                        : outcomes[found]);
}

/* ---- following ---- */

static void follow(void) {
  untorn_position start = {number("generation", 0), number("offset", 0)};
  untorn_follow *opened = NULL;
  untorn_journal *of = find(required("journal"))->journal;
  const untorn_position *from = optional("generation") == NULL ? NULL : &start;
  if (succeeded(untorn_journal_follow(of, from, &opened, &error)))
    add(required("on"))->follow = opened;
}

/* Waits longer than anything takes: a record that does not come is a failure. */
static void next(void) {
  untorn_call_options patient = UNTORN_CALL_OPTIONS_INIT;
  untorn_position to, from;
  const uint8_t *data;
  size_t len;
  int32_t kind;
  patient.timeout_ms = timeout(30000);
  if (!succeeded(untorn_follow_next(find(required("on"))->follow, &patient, &kind, &data, &len, &to,
                                    &from, &error)))
    return;
  if (kind == UNTORN_FOLLOW_RECORD)
    put_hex("record", data, len);
  else if (kind == UNTORN_FOLLOW_REWOUND)
    printf(",\"rewound\":[%" PRIu64 ",%" PRIu64 "]", from.offset, to.offset);
  else
    printf(",\"nothing\":true");
}

static void begin_fold(void) {
  untorn_fold *begun = NULL;
  if (!succeeded(untorn_journal_fold(find(required("journal"))->journal, &begun, &error)))
    return;
  handle *made = add(required("on"));
  made->fold = begun;
  made->state = calloc(1, sizeof *made->state);
}

static untorn_code take_in(untorn_fold_turn *turn, fold_state *state) {
  const uint8_t *data;
  size_t len;
  int32_t kind;
  for (;;) {
    untorn_code code = untorn_fold_turn_next(turn, &kind, &data, &len, NULL, NULL, &error);
    if (code != UNTORN_OK || kind == UNTORN_FOLD_CURRENT)
      return code;
    if (kind == UNTORN_FOLD_RESTART) {
      state->len = 0;
      continue;
    }
    state->bytes = realloc(state->bytes, state->len + len + 1);
    if (state->bytes == NULL)
      give_up("no memory for", "a state");
    memcpy(state->bytes + state->len, data, len);
    state->bytes[state->len + len] = '\n';
    state->len += len + 1;
  }
}

/* One turn, and the whole state. */
static void fold(int append) {
  handle *of = find(required("on"));
  untorn_fold_turn *turn = NULL;
  if (!succeeded(untorn_fold_begin(of->fold, NULL, &turn, &error)))
    return;
  untorn_code code = take_in(turn, of->state);
  if (append && code == UNTORN_OK) {
    untorn_bytes record = decoded(required("record"));
    code = untorn_fold_turn_append(turn, &record, 1, NULL, &error);
    /* What was taken in before stays. */
    if (code == UNTORN_OK)
      code = take_in(turn, of->state);
  }
  untorn_code finished = untorn_fold_turn_finish(turn, NULL, code == UNTORN_OK ? &error : NULL);
  untorn_fold_turn_free(turn);
  if (succeeded(code) && succeeded(finished))
    put_hex("state", of->state->bytes, of->state->len);
}

#include "salvage.h"

static void carry_out(void) {
  const char *op = command.op;
  if (is_salvage_step(op))
    return;
  if (strcmp(op, "journal_open") == 0)
    open_journal();
  else if (strcmp(op, "document_open") == 0)
    open_document();
  else if (strcmp(op, "append") == 0)
    append();
  else if (strcmp(op, "append_all") == 0 || strcmp(op, "append_at") == 0)
    append_many();
  else if (strcmp(op, "end") == 0)
    end();
  else if (strcmp(op, "records") == 0)
    read_records();
  else if (strcmp(op, "tail") == 0)
    tail();
  else if (strcmp(op, "verify") == 0)
    verify();
  else if (strcmp(op, "repair") == 0)
    repair();
  else if (strcmp(op, "sync") == 0)
    (void)succeeded(untorn_journal_sync(journal(), &error));
  else if (strcmp(op, "load") == 0)
    load();
  else if (strcmp(op, "load_json") == 0)
    load_json();
  else if (strcmp(op, "save") == 0)
    save(0);
  else if (strcmp(op, "create") == 0)
    save(1);
  else if (strcmp(op, "update") == 0)
    update();
  else if (strcmp(op, "remove") == 0)
    delete();
  else if (strcmp(op, "lock") == 0)
    take_lock(untorn_lock_acquire);
  else if (strcmp(op, "lock_at") == 0)
    take_lock(untorn_lock_acquire_at);
  else if (strcmp(op, "header") == 0)
    header();
  else if (strcmp(op, "set_header") == 0)
    set_header();
  else if (strcmp(op, "rewind") == 0 || strcmp(op, "rotate") == 0)
    go_back(strcmp(op, "rewind") == 0);
  else if (strcmp(op, "replace") == 0)
    replace();
  else if (strcmp(op, "compact") == 0)
    compact();
  else if (strcmp(op, "transaction") == 0)
    begin_transaction();
  else if (strcmp(op, "commit") == 0)
    (void)succeeded(untorn_transaction_commit(transaction(), NULL, &error));
  else if (strncmp(op, "tx_", 3) == 0)
    in_transaction(op + 3);
  else if (strcmp(op, "store") == 0)
    open_store();
  else if (strcmp(op, "keys") == 0)
    keys();
  else if (strcmp(op, "search") == 0)
    search();
  else if (strcmp(op, "store_remove") == 0)
    remove_session();
  else if (strcmp(op, "session") == 0)
    open_session();
  else if (strcmp(op, "session_holder") == 0)
    session_holder();
  else if (strncmp(op, "session_", 8) == 0)
    session_file(op + 8);
  else if (strcmp(op, "follow") == 0)
    follow();
  else if (strcmp(op, "next") == 0)
    next();
  else if (strcmp(op, "fold") == 0)
    begin_fold();
  else if (strcmp(op, "fold_refresh") == 0 || strcmp(op, "fold_append") == 0)
    fold(strcmp(op, "fold_append") == 0);
  else if (strcmp(op, "claim") == 0)
    claim();
  else if (strcmp(op, "reconcile") == 0)
    reconcile();
  else if (strcmp(op, "close") == 0 || strcmp(op, "unlock") == 0 || strcmp(op, "rollback") == 0 ||
           strcmp(op, "release") == 0)
    close_handle(find(required("on")));
  else
    give_up("no such op", op);
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
  for (size_t i = 0; i < handle_count; i++)
    close_handle(&handles[i]);
  free(line);
  return EXIT_SUCCESS;
}
