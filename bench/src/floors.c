/* The floors: loops that make bare system calls and nothing else.
 *
 * Each returns nanoseconds for the whole loop, or -1 with errno set. They keep
 * their descriptors open, as a program would that keeps its handle.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct floor {
    int lock;            /* the sidecar */
    int journal;         /* O_APPEND */
    const char *record;  /* with its newline */
    size_t length;
    long long end;       /* where our own last append ended */
};

enum kind {
    BARE,       /* flock, write, unlock */
    SAME,       /* every call that untorn makes for an append */
    BARE_SYNC,  /* write, fdatasync; no lock */
    AFTER_SYNC, /* flock, write, unlock, fdatasync */
    SAME_SYNC,  /* every call that untorn makes for a durable append */
};

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int put(struct floor *f) {
    ssize_t n = write(f->journal, f->record, f->length);
    if (n == (ssize_t)f->length) return 0;
    if (n >= 0) errno = ENOSPC;
    return -1;
}

/* As untorn waits: one try, then in the kernel. */
static int take(struct floor *f) {
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0) return 0;
    return flock(f->lock, LOCK_EX);
}

static int append_same(struct floor *f) {
    struct statx lock, file;
    if (take(f) < 0) return -1;
    if (statx(f->lock, "", AT_EMPTY_PATH, STATX_NLINK | STATX_SIZE, &lock) < 0) return -1;
    if (statx(f->journal, "", AT_EMPTY_PATH, STATX_NLINK | STATX_INO | STATX_SIZE, &file) < 0)
        return -1;
    /* Somebody else wrote last: is the tail whole? */
    if ((long long)file.stx_size != f->end && file.stx_size != 0) {
        char last;
        if (pread(f->journal, &last, 1, (off_t)file.stx_size - 1) != 1) return -1;
    }
    if (put(f) < 0) return -1;
    f->end = (long long)(file.stx_size + f->length);
    return flock(f->lock, LOCK_UN);
}

static int append(struct floor *f, int kind) {
    switch (kind) {
    case BARE:
        if (flock(f->lock, LOCK_EX) < 0 || put(f) < 0) return -1;
        return flock(f->lock, LOCK_UN);
    case SAME:
        return append_same(f);
    case BARE_SYNC:
        return put(f) < 0 ? -1 : fdatasync(f->journal);
    case AFTER_SYNC:
        if (flock(f->lock, LOCK_EX) < 0 || put(f) < 0 || flock(f->lock, LOCK_UN) < 0) return -1;
        return fdatasync(f->journal);
    case SAME_SYNC:
        return append_same(f) < 0 ? -1 : fdatasync(f->journal);
    }
    errno = EINVAL;
    return -1;
}

long long floor_append(struct floor *f, int kind, long count) {
    long long from = now();
    for (long i = 0; i < count; i++)
        if (append(f, kind) < 0) return -1;
    return now() - from;
}

/* From one instant to another of CLOCK_MONOTONIC; returns how many were appended. */
long long floor_contend(struct floor *f, int kind, long long from, long long until, long every) {
    long long count = 0;
    while (now() < from) usleep(50);
    while (now() < until)
        for (long i = 0; i < every; i++, count++)
            if (append(f, kind) < 0) return -1;
    return count;
}

/* An atomic save: what the temporary file costs at least, and the two syncs that make it durable. */
long long floor_save(int directory, const char *target, const char *temporary, const char *bytes,
                     size_t length, long count, int syncs) {
    long long from = now();
    for (long i = 0; i < count; i++) {
        int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) return -1;
        if (write(fd, bytes, length) != (ssize_t)length) return -1;
        if ((syncs && fsync(fd) < 0) || close(fd) < 0) return -1;
        if (renameat(directory, temporary, directory, target) < 0) return -1;
        if (syncs && fsync(directory) < 0) return -1;
    }
    return now() - from;
}
