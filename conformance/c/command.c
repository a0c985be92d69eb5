/* One command: its words, and what they mean as arguments of a call. */

#include "driver.h"

struct command command;

void parse(char *line) {
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
char *optional(const char *key) {
  for (size_t i = 0; i < command.count; i++)
    if (strcmp(command.keys[i], key) == 0)
      return command.values[i];
  return NULL;
}

char *required(const char *key) {
  char *value = optional(key);
  if (value == NULL)
    give_up("the command has no", key);
  return value;
}

uint64_t number(const char *key, uint64_t otherwise) {
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
untorn_bytes decoded(char *hex) {
  size_t len = strlen(hex) / 2;
  for (size_t i = 0; i < len; i++)
    hex[i] = (char)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  hex[len] = '\0';
  untorn_bytes bytes = {(const uint8_t *)hex, len};
  return bytes;
}

const char *text(const char *key) {
  char *value = optional(key);
  return value == NULL ? NULL : (const char *)decoded(value).data;
}

int64_t timeout(int64_t otherwise) {
  const char *value = optional("timeout");
  return value == NULL ? otherwise : strtoll(value, NULL, 10);
}

const untorn_call_options *call(void) {
  static untorn_call_options made;
  untorn_call_options fresh = UNTORN_CALL_OPTIONS_INIT;
  made = fresh;
  made.timeout_ms = timeout(UNTORN_TIMEOUT_OF_HANDLE);
  if (optional("lock") != NULL)
    made.lock = find(required("lock"))->lock;
  return optional("lock") == NULL && optional("timeout") == NULL ? NULL : &made;
}

int32_t durability(void) {
  return (int32_t)number("durability", UNTORN_DURABILITY_PROCESS);
}

const untorn_document_version *expected(void) {
  static untorn_document_version version;
  const char *value = text("expect");
  if (value == NULL || strlen(value) != sizeof version.text - 1)
    give_up("not a version", value == NULL ? "none" : value);
  memcpy(version.text, value, sizeof version.text);
  return &version;
}
