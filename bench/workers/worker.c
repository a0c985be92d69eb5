/* untorn from C: answers the bench's requests, one line each (see src/peer.rs). */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <untorn.h>

static untorn_journal *journal;
static char record[200];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The same record as src/data.rs makes: 199 bytes and the newline that is added. */
static void make_record(void) {
    const char *head = "{\"type\":\"message\",\"role\":\"assistant\",\"id\":\"msg_01HQ8\",\"ts\":1731990000.25,\"text\":\"";
    const char *text = "The tail is whole again; the next append goes to its own line. ";
    size_t length = strlen(head), room = 199 - 2;
    memcpy(record, head, length);
    for (size_t i = 0; length < room; i++) record[length++] = text[i % strlen(text)];
    memcpy(record + room, "\"}", 3);
}

static untorn_code open_journal(const char *path, const char *durability, untorn_error **error) {
    untorn_journal_options options = UNTORN_JOURNAL_OPTIONS_INIT;
    options.durability =
        strcmp(durability, "process") == 0 ? UNTORN_DURABILITY_PROCESS : UNTORN_DURABILITY_POWER;
    return untorn_journal_open(path, &options, &journal, error);
}

static untorn_code append(long count, double *nanoseconds, untorn_error **error) {
    double from = now();
    for (long i = 0; i < count; i++) {
        untorn_code code =
            untorn_journal_append(journal, (const uint8_t *)record, 199, NULL, NULL, error);
        if (code) return code;
    }
    *nanoseconds = now() - from;
    return UNTORN_OK;
}

int main(void) {
    char line[8192];
    make_record();
    while (fgets(line, sizeof line, stdin)) {
        untorn_error *error = NULL;
        untorn_code code = UNTORN_OK;
        double answer = 0;
        line[strcspn(line, "\n")] = 0;
        const char *verb = strtok(line, "\t");
        const char *first = strtok(NULL, "\t");
        const char *second = strtok(NULL, "\t");
        if (verb && strcmp(verb, "open") == 0 && first && second) {
            code = open_journal(first, second, &error);
        } else if (verb && strcmp(verb, "append") == 0 && first) {
            code = append(strtol(first, NULL, 10), &answer, &error);
        } else if (verb && strcmp(verb, "close") == 0) {
            untorn_journal_close(journal);
            journal = NULL;
        } else if (!verb || strcmp(verb, "ready") != 0) {
            printf("error\tthe C worker can't do that\n");
            fflush(stdout);
            continue;
        }
        if (code)
            printf("error\t%s\n", untorn_error_message(error));
        else
            printf("ok\t%.0f\n", answer);
        untorn_error_free(error);
        fflush(stdout);
    }
    untorn_journal_close(journal);
    return 0;
}
