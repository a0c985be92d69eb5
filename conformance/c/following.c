/* The steps that follow a journal, and those that fold it. */

#include "driver.h"

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

bool follow_step(const char *op) {
  if (strcmp(op, "follow") == 0)
    follow();
  else if (strcmp(op, "next") == 0)
    next();
  else if (strcmp(op, "fold") == 0)
    begin_fold();
  else if (strcmp(op, "fold_refresh") == 0 || strcmp(op, "fold_append") == 0)
    fold(strcmp(op, "fold_append") == 0);
  else
    return false;
  return true;
}
