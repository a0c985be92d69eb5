/* Answers as JSON, as far as more than one room gives them. */

#include "driver.h"

untorn_error *error = NULL;

void put_hex(const char *key, const uint8_t *data, size_t len) {
  printf(",\"%s\":\"", key);
  for (size_t i = 0; i < len; i++)
    printf("%02x", data[i]);
  putchar('"');
}

void put_text(const char *key, const char *value) {
  if (value == NULL)
    printf(",\"%s\":null", key);
  else
    put_hex(key, (const uint8_t *)value, strlen(value));
}

void put_position(untorn_position position) {
  printf(",\"position\":[%" PRIu64 ",%" PRIu64 "]", position.generation, position.offset);
}

void put_holder(const untorn_holder *holder) {
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
int succeeded(untorn_code code) {
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

void put_report(untorn_report *report) {
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
void put_records(untorn_records *records) {
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

void put_value(uint8_t *data, size_t len) {
  if (data == NULL)
    printf(",\"value\":null");
  else
    put_hex("value", data, len);
  untorn_buffer_free(data);
}

void put_removed(bool removed) {
  printf(",\"removed\":%s", removed ? "true" : "false");
}
