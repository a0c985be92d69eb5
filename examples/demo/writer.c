/* One of the demo's writers: appends to a journal and counts in a document,
 * until it is told to stop or is killed. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <untorn.h>

/* Ends the program with what the library says, if a call failed. Takes the
 * error's place: C may evaluate the arguments in any order, and the call is one. */
static void check(untorn_code code, untorn_error *const *error) {
    if (code != UNTORN_OK) {
        fprintf(stderr, "%s\n", untorn_error_message(*error));
        untorn_error_free(*error);
        exit(EXIT_FAILURE);
    }
}

static void *allocate(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        perror("malloc");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* Whether the file exists that says: stop. */
static bool told_to_stop(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file != NULL)
        fclose(file);
    return file != NULL;
}

/* The lines of a file, which stay in memory for good. */
static char **read_lines(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = (size_t)ftell(file);
    char *text = allocate(size + 1);
    rewind(file);
    if (fread(text, 1, size, file) != size) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    text[size] = '\0';

    *count = 0;
    for (const char *c = text; *c != '\0'; c++)
        *count += *c == '\n';
    char **lines = allocate((*count + 1) * sizeof *lines);
    for (size_t i = 0; i < *count; i++) {
        lines[i] = text;
        text = strchr(text, '\n');
        *text++ = '\0';
    }
    return lines;
}

/* The JSON object `from` with the number at `key` raised by one, or put there as 1. */
static char *with_one_more(const char *from, const char *key) {
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    char *to = allocate(strlen(from) + strlen(quoted) + 32);
    const char *found = strstr(from, quoted);
    if (found != NULL) {
        char *rest;
        long number = strtol(found + strlen(quoted), &rest, 10);
        sprintf(to, "%.*s%s%ld%s", (int)(found - from), from, quoted, number + 1, rest);
    } else {
        const char *rest = strchr(from, '{') + 1;
        sprintf(to, "{%s1%s%s", quoted, strchr(rest, ':') != NULL ? "," : "", rest);
    }
    return to;
}

/* Counts one more, in all and for this writer. */
static void count_one(const untorn_document *counter, const char *name) {
    untorn_error *error = NULL;
    untorn_update *update = NULL;
    check(untorn_document_begin_update(counter, NULL, &update, &error), &error);

    const uint8_t *value;
    size_t length;
    untorn_update_value(update, &value, &length);
    char *count = allocate(length + 3);
    if (value != NULL) {
        memcpy(count, value, length);
        count[length] = '\0';
    } else {
        strcpy(count, "{}");
    }

    char *total = with_one_more(count, "total");
    char *own = with_one_more(total, name);
    check(untorn_update_save(update, own, strlen(own), NULL, &error), &error);
    untorn_update_finish(update);
    free(own);
    free(total);
    free(count);
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "usage: %s JOURNAL COUNTER TRANSCRIPT NAME START STOP DURABILITY\n", argv[0]);
        return EXIT_FAILURE;
    }
    const char *name = argv[4];
    size_t start = strtoul(argv[5], NULL, 10);
    size_t records;
    char **transcript = read_lines(argv[3], &records);

    untorn_journal_options how = UNTORN_JOURNAL_OPTIONS_INIT;
    untorn_document_options counting = UNTORN_DOCUMENT_OPTIONS_INIT;
    if (strcmp(argv[7], "process") == 0) {
        how.durability = UNTORN_DURABILITY_PROCESS;
        counting.durability = UNTORN_DURABILITY_PROCESS;
    }
    untorn_error *error = NULL;
    untorn_journal *journal = NULL;
    untorn_document *counter = NULL;
    check(untorn_journal_open(argv[1], &how, &journal, &error), &error);
    check(untorn_document_open(argv[2], &counting, &counter, &error), &error);

    for (size_t appended = 0; !told_to_stop(argv[6]);) {
        const char *record = transcript[(start + appended) % records];
        size_t room = strlen(record) + strlen(name) + 64;
        char *line = allocate(room);
        int length = snprintf(line, room, "{\"writer\":\"%s\",\"seq\":%zu,\"record\":%s}", name, appended, record);
        check(untorn_journal_append(journal, line, (size_t)length, NULL, NULL, &error), &error);
        free(line);
        printf("append %zu\n", appended); /* only now, for only now is the record safe */
        fflush(stdout);
        appended++;

        if (appended % 10 == 0) {
            count_one(counter, name);
            puts("update");
            fflush(stdout);
        }
    }
    untorn_document_close(counter);
    untorn_journal_close(journal);
    return EXIT_SUCCESS;
}
