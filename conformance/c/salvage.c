/* The steps on damage in the middle of a journal, and on locks that are held. */

#include "driver.h"

static void put_salvage(untorn_salvage *salvage) {
  uint64_t lines, records, kept, nuls, left, offset, length, line, cut;
  int32_t kind;
  bool newline_added;
  untorn_salvage_count(salvage, &lines, &records, &kept, &nuls, &left);
  printf(",\"found\":{\"line_count\":%" PRIu64 ",\"records\":%" PRIu64 ",\"kept\":%" PRIu64
         ",\"nuls\":%" PRIu64 ",\"left\":%" PRIu64 ",\"lines\":[",
         lines, records, kept, nuls, left);
  for (size_t i = 0;
       untorn_salvage_line(salvage, i, &kind, &offset, &length, &line, &records, &kept, &nuls); i++)
    printf("%s[\"%s\",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
           i ? "," : "", untorn_damage_name(kind), offset, length, line, records, kept, nuls);
  if (untorn_salvage_tail(salvage, &offset, &cut, &newline_added))
    printf("],\"tail\":[%" PRIu64 ",%" PRIu64 ",%s]}", offset, cut,
           newline_added ? "true" : "false");
  else
    printf("],\"tail\":null}");
  untorn_salvage_free(salvage);
}

static void salvage(int plan) {
  untorn_salvage *found = NULL;
  untorn_code code = plan ? untorn_journal_salvage_plan(journal(), &found, &error)
                          : untorn_journal_salvage(journal(), call(), &found, &error);
  if (succeeded(code))
    put_salvage(found);
}

static void list_torn(void) {
  untorn_torn *torn = NULL;
  if (!succeeded(untorn_journal_torn(journal(), &torn, &error)))
    return;
  uint64_t number, offset, length, nuls;
  const char *time, *why;
  printf(",\"found\":[");
  for (size_t i = 0;
       untorn_torn_entry(torn, i, &number, &time, &offset, &length, &nuls, &why); i++) {
    printf("%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", i ? "," : "", number, offset,
           length, nuls);
    if (why == NULL)
      printf("null]");
    else
      printf("\"%s\"]", why);
  }
  putchar(']');
  untorn_torn_free(torn);
}

static void torn_bytes(void) {
  uint8_t *data = NULL;
  size_t len = 0;
  if (!succeeded(untorn_journal_torn_bytes(journal(), number("number", 0), &data, &len, &error)))
    return;
  put_hex("value", data, len);
  untorn_buffer_free(data);
}

static void restore_torn(void) {
  untorn_position position;
  uint64_t of = number("number", 0);
  if (succeeded(untorn_journal_restore_torn(journal(), of, call(), &position, &error)))
    put_position(position);
}

static void prune_torn(void) {
  uint64_t count = 0;
  uint64_t age = number("older_than", 0);
  if (succeeded(untorn_journal_prune_torn(journal(), age, call(), &count, &error)))
    printf(",\"found\":%" PRIu64, count);
}

static void list_waiters(void) {
  untorn_waiters *waiters = NULL;
  if (!succeeded(untorn_lock_waiters(text("path"), &waiters, &error)))
    return;
  size_t count = 0;
  while (untorn_waiters_pid(waiters, count) != 0)
    count++;
  printf(",\"found\":%zu", count);
  untorn_waiters_free(waiters);
}

static void list_held(void) {
  untorn_held *held = NULL;
  const char *path;
  if (!succeeded(untorn_held_below(text("path"), &held, &error)))
    return;
  printf(",\"held\":[");
  for (size_t i = 0; (path = untorn_held_path(held, i)) != NULL; i++) {
    printf("%s{\"first\":0", i ? "," : "");
    put_text("path", path);
    put_text("label", untorn_holder_label(untorn_held_holder(held, i)));
    putchar('}');
  }
  putchar(']');
  untorn_held_free(held);
}

bool salvage_step(const char *op) {
  if (strcmp(op, "salvage_plan") == 0 || strcmp(op, "salvage") == 0)
    salvage(strcmp(op, "salvage_plan") == 0);
  else if (strcmp(op, "torn") == 0)
    list_torn();
  else if (strcmp(op, "torn_bytes") == 0)
    torn_bytes();
  else if (strcmp(op, "restore_torn") == 0)
    restore_torn();
  else if (strcmp(op, "prune_torn") == 0)
    prune_torn();
  else if (strcmp(op, "waiters") == 0)
    list_waiters();
  else if (strcmp(op, "held_below") == 0)
    list_held();
  else
    return false;
  return true;
}
