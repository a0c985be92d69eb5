/*
 * untorn.h: append to journals (JSONL files) and save documents safely from
 * several processes. After a process is killed or the machine loses power,
 * readers still see only whole records and whole documents. The files stay plain
 * files.
 *
 * Append a record to a journal, and read all records:
 *
 *     untorn_error *error = NULL;
 *     untorn_journal *journal = NULL;
 *     untorn_records *records = NULL;
 *     const char *record = "{\"role\":\"user\"}";
 *     const uint8_t *data = NULL;
 *     size_t len = 0;
 *     if (untorn_journal_open("session.jsonl", NULL, &journal, &error) ||
 *         untorn_journal_append(journal, record, strlen(record), NULL, NULL,
 *                               &error) ||
 *         untorn_journal_records(journal, NULL, &records, &error)) {
 *         fprintf(stderr, "%s\n", untorn_error_message(error));
 *     }
 *     while (error == NULL &&
 *            !untorn_records_next(records, &data, &len, NULL, NULL, &error) &&
 *            data != NULL) {
 *         printf("%.*s\n", (int)len, (const char *)data);
 *     }
 *     untorn_error_free(error);
 *     untorn_records_free(records);
 *     untorn_journal_close(journal);
 *
 * Save a document, and load it:
 *
 *     untorn_error *error = NULL;
 *     const char *state = "{\"turn\":1}";
 *     uint8_t *data = NULL;
 *     size_t len = 0;
 *     if (untorn_save("state.json", state, strlen(state), NULL, &error) ||
 *         untorn_load("state.json", &data, &len, NULL, &error)) {
 *         fprintf(stderr, "%s\n", untorn_error_message(error));
 *         untorn_error_free(error);
 *     }
 *     untorn_buffer_free(data);
 *
 * Hold a lock while you change a file of your own:
 *
 *     untorn_error *error = NULL;
 *     untorn_lock *lock = NULL;
 *     untorn_lock_options options = UNTORN_LOCK_OPTIONS_INIT;
 *     options.timeout_ms = 5000;
 *     if (untorn_lock_acquire("notes.txt", &options, &lock, &error)) {
 *         fprintf(stderr, "%s\n", untorn_error_message(error));
 *         untorn_error_free(error);
 *     } else {
 *         FILE *notes = fopen("notes.txt", "a");
 *         if (notes != NULL) {
 *             fputs("a line\n", notes);
 *             fclose(notes);
 *         }
 *     }
 *     untorn_lock_release(lock);
 *
 * The ten functions that most programs need first
 *
 *   untorn_journal_open()     opens a journal
 *   untorn_journal_append()   appends one record
 *   untorn_journal_records()  begins to read the records
 *   untorn_records_next()     reads the next record
 *   untorn_save()             replaces a file whole
 *   untorn_load()             reads a file
 *   untorn_lock_acquire()     takes a lock
 *   untorn_lock_release()     releases it
 *   untorn_error_message()    says what failed, in one line
 *   untorn_error_free()       frees an error
 *
 *   Each object also has a function that frees it. Its comment names it.
 *
 * The sections, in their order
 *
 *   Objects
 *   Codes: what a call returns
 *   Values
 *   Errors
 *   One call, no handle
 *   How a call waits
 *   Options that journals, documents and locks share
 *   Journals
 *   Journals: reading
 *   Journals: checking and repairing
 *   Journals: following
 *   Journals: a state that follows the records
 *   Journals: the header
 *   Journals: rewinding, rotating and rewriting
 *   Documents
 *   Locks
 *   Transactions: several files at once
 *   Snapshots: several files as they are at one instant
 *   Stores and sessions
 *   Sessions: cleanup after an owner that died
 *   Sessions: searching
 *   Stores in a PostgreSQL database
 *   Processes
 *   Events: what happens without a call asking for it
 *   The self-test, and the library's version
 *
 * Conventions
 *
 *   Errors. A function that can fail returns an untorn_code, and UNTORN_OK (0) on
 *   success. Its last argument is error_out, which may be NULL. Otherwise it
 *   writes NULL to *error_out on success. On failure it writes an error, which the
 *   caller frees.
 *
 *   Outputs follow the inputs. A function writes them only on success. You may
 *   pass NULL for an output whose comment says that it may be NULL.
 *
 *   Paths are NUL-terminated, in the encoding of file names (UTF-8 on Windows).
 *   Bytes are a pointer and a length; the pointer may be NULL if the length is 0.
 *   Other strings are NUL-terminated UTF-8.
 *
 *   Times are milliseconds: -1 waits without a limit, 0 tries once.
 *
 *   Options. Initialise a struct of options with its _INIT macro, then change its
 *   fields. NULL stands for the defaults. The struct may grow at its end. It
 *   begins with its size, so that programs and libraries of different versions
 *   work together.
 *
 *   A NULL handle is UNTORN_INVALID_ARGUMENT. A function that returns no code
 *   returns 0, false or NULL for it.
 *
 * Ownership
 *
 *   An object that a function writes through a pointer to a non-const pointer
 *   belongs to the caller. The caller frees it once, with the function that the
 *   comment names. Freeing NULL does nothing. An object that a function returns
 *   as a const pointer belongs to the object that it came from. It lives as long
 *   as that object, unless the comment says otherwise. The library keeps no
 *   argument after the call.
 *
 * Threads
 *
 *   If a function takes its first object as a pointer to const, many threads may
 *   call it at once on the same object. If it takes a pointer to non-const, only
 *   one thread may use the object at a time. Any thread may free an object, after
 *   all calls on it have returned. Do not call any function from a signal
 *   handler.
 *
 * Fork
 *
 *   You may use handles on both sides of fork(). A child never holds a lock of
 *   its parent, and never releases one. In the child of a process with several
 *   threads no function is async-signal-safe. A store in a database and all that
 *   was made of it stay the parent's: a child opens its own.
 *
 * Stability
 *
 *   The number of a code or a kind is never used again for another meaning. The
 *   structs untorn_position, untorn_document_version and untorn_bytes never
 *   change. While the version is 0.x, anything else may change with the minor
 *   version.
 *
 * Generated by cbindgen from ffi/src. Do not edit.
 */


#ifndef UNTORN_H
#define UNTORN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header. untorn_version() returns the library's. */
#define UNTORN_VERSION "0.1.0"
#define UNTORN_VERSION_MAJOR 0
#define UNTORN_VERSION_MINOR 1
#define UNTORN_VERSION_PATCH 0

/** Stands before every function. On Windows define UNTORN_STATIC to link statically. */
#ifndef UNTORN_API
#if defined(_WIN32) && !defined(UNTORN_STATIC)
#define UNTORN_API __declspec(dllimport)
#else
#define UNTORN_API
#endif
#endif

/** The compiler warns if you ignore the result. */
#ifndef UNTORN_MUST_USE
#if defined(__GNUC__)
#define UNTORN_MUST_USE __attribute__((warn_unused_result))
#else
#define UNTORN_MUST_USE
#endif
#endif

/** The compiler warns if you call the function: a better one exists. */
#ifndef UNTORN_DEPRECATED
#if defined(__GNUC__)
#define UNTORN_DEPRECATED(why) __attribute__((deprecated(why)))
#elif defined(_MSC_VER)
#define UNTORN_DEPRECATED(why) __declspec(deprecated(why))
#else
#define UNTORN_DEPRECATED(why)
#endif
#endif

/** In untorn_call_options: the timeout of the handle. */
#define UNTORN_TIMEOUT_OF_HANDLE (-2)

/** No limit, for the options of journals and cursors that have one. */
#define UNTORN_NO_LIMIT UINT64_MAX

/** Initialisers: every option has its default. */
#define UNTORN_CALL_OPTIONS_INIT \
  { sizeof(untorn_call_options), UNTORN_TIMEOUT_OF_HANDLE, NULL, NULL, NULL, NULL, NULL, \
    NULL }
#define UNTORN_LOCK_OPTIONS_INIT \
  { sizeof(untorn_lock_options), -1, 0, 0, NULL, NULL, UNTORN_SCHEME_SIDECAR, \
    UNTORN_ON_UNSUPPORTED_FAIL, 0 }
#define UNTORN_RECORDS_OPTIONS_INIT \
  { sizeof(untorn_records_options), { 0, 0 }, UNTORN_NO_LIMIT, UNTORN_NO_LIMIT }
#define UNTORN_JOURNAL_OPTIONS_INIT \
  { sizeof(untorn_journal_options), -1, UINT64_C(67108864), 0, \
    UNTORN_DURABILITY_POWER, UNTORN_FORMAT_JSON, 1, 0, 0, \
    UNTORN_SCHEME_SIDECAR, UNTORN_ON_UNSUPPORTED_FAIL, 0, UNTORN_NO_LIMIT, \
    UNTORN_NO_LIMIT, { NULL, 0 }, 512, UNTORN_HEADER_STAMP, 0 }
#define UNTORN_DOCUMENT_OPTIONS_INIT \
  { sizeof(untorn_document_options), -1, 0, UNTORN_DURABILITY_POWER, 0, 0, \
    UNTORN_SCHEME_SIDECAR, UNTORN_ON_UNSUPPORTED_FAIL, 0 }
#define UNTORN_TRANSACTION_OPTIONS_INIT \
  { sizeof(untorn_transaction_options), -1, 0, UNTORN_DURABILITY_POWER, NULL, 0, 0 }
#define UNTORN_STORE_OPTIONS_INIT \
  { sizeof(untorn_store_options), -1, NULL, NULL, NULL, UNTORN_DURABILITY_POWER, 1 }
#define UNTORN_POSTGRES_OPTIONS_INIT \
  { sizeof(untorn_postgres_options), -1, NULL, NULL, NULL, UNTORN_DURABILITY_POWER, 0, \
    15000, 10000 }
#define UNTORN_POSTGRES_DRIVER_INIT \
  { sizeof(untorn_postgres_driver), NULL, NULL, NULL, NULL, NULL, NULL }

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/* ------------------------------------------------------------------------
 * Objects
 * ------------------------------------------------------------------------ */

/**
 * A token that ends the waits of all calls that use it. A cancelled call has
 * changed nothing and holds no lock. A token stays cancelled.
 */
typedef struct untorn_cancel untorn_cancel;

/**
 * A document: one value in one file, always replaced whole. At every instant,
 * and after every crash that its durability covers, the file holds its old bytes
 * or its new ones. A save keeps mode, owner, extended attributes and symbolic
 * links.
 */
typedef struct untorn_document untorn_document;

/**
 * An error: what failed, on which file, what the system reported, which process
 * holds the lock, and what helps. The strings and the holder that the
 * untorn_error_ functions return belong to the error and live as long as it does.
 */
typedef struct untorn_error untorn_error;

/**
 * How far the caller has applied a journal's records to a state. Many threads
 * may use it. Turns run one at a time, under the journal's lock. In a database they
 * lock nothing.
 */
typedef struct untorn_fold untorn_fold;

/**
 * One turn of a fold, which holds the journal's lock. It may be handed to
 * another thread, but only one thread may use it at a time.
 */
typedef struct untorn_fold_turn untorn_fold_turn;

/**
 * A cursor that follows a journal. Only one thread may use it at a time. It is
 * independent of the journal's handle, but ends when that is closed.
 */
typedef struct untorn_follow untorn_follow;

/**
 * The locks below a directory that a process holds.
 */
typedef struct untorn_held untorn_held;

/**
 * A list of records in which a text was found.
 */
typedef struct untorn_hits untorn_hits;

/**
 * The process that holds a lock. The strings that the
 * untorn_holder_ functions return belong to it.
 */
typedef struct untorn_holder untorn_holder;

/**
 * A journal: an append-only file of one-line records. Any number of processes
 * and threads append to it. One handle serves many threads, and commits together
 * what they append at the same time. The handle stays with the path: if the file
 * is replaced, rotated or deleted, the next append goes to the file that then
 * has the name.
 */
typedef struct untorn_journal untorn_journal;

/**
 * A list of the keys of a store's sessions.
 */
typedef struct untorn_keys untorn_keys;

/**
 * The lease of a session. No other process owns the session until the lease is
 * released or its process dies, in whatever way. In a database it also ends with its
 * time to live, which a thread of this library renews. A process that lost it so can
 * change nothing more: UNTORN_LEASE_LOST.
 */
typedef struct untorn_lease untorn_lease;

/**
 * A lock that is held, across processes and threads. The kernel releases it when
 * the process dies.
 */
typedef struct untorn_lock untorn_lock;

/**
 * The place for a driver's answer: rows, an error of the server, or why there is none.
 * It belongs to the library, and is valid until the callback returns. Each function
 * copies its arguments.
 */
typedef struct untorn_postgres_answer untorn_postgres_answer;

/**
 * The identity of a process: its pid, its start, the machine's boot, the
 * container and the host. Together they never repeat, but a pid does. The
 * strings that the untorn_process_ functions return belong to it.
 */
typedef struct untorn_process untorn_process;

/**
 * A reconciliation: the owner is dead, and no other process reconciles or claims
 * the session until this is freed. It may be handed to another thread, but only
 * one thread may use it at a time.
 */
typedef struct untorn_reconcile untorn_reconcile;

/**
 * A cursor that reads a journal's records. Only one thread may use it at a time.
 */
typedef struct untorn_records untorn_records;

/**
 * Reports how far a call is.
 */
typedef struct untorn_report untorn_report;

/**
 * A rewrite of a journal. No other process changes the journal until this is
 * committed or freed. It may be handed to another thread, but only one thread
 * may use it at a time. It is independent of the journal's handle.
 */
typedef struct untorn_rewrite untorn_rewrite;

/**
 * The rotated files of a journal. The strings that untorn_rotated_path() returns belong
 * to it.
 */
typedef struct untorn_rotated untorn_rotated;

/**
 * The result of a salvage, or its plan.
 */
typedef struct untorn_salvage untorn_salvage;

/**
 * The report of a self-test of a directory, or of a database.
 */
typedef struct untorn_selftest_report untorn_selftest_report;

/**
 * A session: a journal, a state document, other files and a lease. It is a
 * directory, or rows of a database.
 */
typedef struct untorn_session untorn_session;

/**
 * The files of a directory as they were at one instant. A snapshot keeps them
 * open and holds no lock: other processes continue to work.
 */
typedef struct untorn_snapshot untorn_snapshot;

/**
 * A store: the sessions of a directory or of a schema of a database, found by their
 * keys. In a database the verbs that only files have are UNTORN_UNSUPPORTED.
 */
typedef struct untorn_store untorn_store;

/**
 * The bytes that repairs have cut off a journal. The strings that untorn_torn_entry() writes
 * belong to it.
 */
typedef struct untorn_torn untorn_torn;

/**
 * A transaction: several documents and journals of one directory, or of one session
 * in a database, change together or not at all, whichever process dies. Nothing is
 * written before untorn_transaction_commit(). Only one thread may use it at a time.
 */
typedef struct untorn_transaction untorn_transaction;

/**
 * An update of a document. It may be handed to another thread, but only one
 * thread may use it at a time. It is independent of the document's handle.
 */
typedef struct untorn_update untorn_update;

/**
 * The processes that wait for a lock.
 */
typedef struct untorn_waiters untorn_waiters;

/* ------------------------------------------------------------------------
 * Codes: what a call returns
 * ------------------------------------------------------------------------ */

/**
 * It succeeded.
 */
#define UNTORN_OK 0

/**
 * The lock was not free within the timeout. The error names the holder if it
 * is known.
 */
#define UNTORN_LOCK_TIMEOUT 1

/**
 * The lock is held, and the call tries only once.
 */
#define UNTORN_LOCKED 2

/**
 * The caller already holds the lock that it would wait for. A caller is a
 * thread.
 */
#define UNTORN_DEADLOCK 3

/**
 * The file system does not support locks.
 */
#define UNTORN_LOCK_UNSUPPORTED 4

/**
 * The file is not in the state that the caller expects.
 */
#define UNTORN_CONFLICT 5

/**
 * The file exists already.
 */
#define UNTORN_ALREADY_EXISTS 6

/**
 * The file or its directory does not exist.
 */
#define UNTORN_NOT_FOUND 7

/**
 * The value or the bytes can't be a record of this journal, or a document.
 */
#define UNTORN_INVALID_RECORD 8

/**
 * The file holds what untorn never writes.
 */
#define UNTORN_CORRUPT 9

/**
 * A limit is exceeded: the caller's, or a default one.
 */
#define UNTORN_LIMIT_EXCEEDED 10

/**
 * The disk, the quota or the allowed file size is used up.
 */
#define UNTORN_STORAGE_FULL 11

/**
 * The system does not permit the operation.
 */
#define UNTORN_PERMISSION_DENIED 12

/**
 * The change is in the file, but the sync that makes it durable failed.
 */
#define UNTORN_NOT_DURABLE 13

/**
 * An earlier sync on this handle failed: open the file again.
 */
#define UNTORN_POISONED 14

/**
 * The caller cancelled the call. See untorn_cancel.
 */
#define UNTORN_CANCELLED 15

/**
 * An argument has a value or a type that the call can't take. Nothing was
 * changed. A NULL pointer is one.
 */
#define UNTORN_INVALID_ARGUMENT 16

/**
 * Another error of the operating system. untorn_error_os_code() returns its
 * number.
 */
#define UNTORN_IO 17

/**
 * A bug in untorn.
 */
#define UNTORN_INTERNAL 18

/**
 * Another process claimed the session, or the lease was released. Nothing was
 * changed.
 */
#define UNTORN_LEASE_LOST 19

/**
 * This store has no such verb. Nothing was changed.
 */
#define UNTORN_UNSUPPORTED 20

/**
 * The result of a call: UNTORN_OK, or the reason of a failure. A new version may
 * add codes. A number is never used again for another meaning.
 */
typedef int32_t untorn_code;

/**
 * Returns the name of a code, for example "UNTORN_LOCK_TIMEOUT", or NULL for
 * another number. The string is static.
 */
UNTORN_API const char *untorn_code_name(untorn_code code);

/* ------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------ */

/**
 * The version of a document's bytes: 32 hexadecimal digits (XXH3, 128 bits) and
 * a NUL. The same bytes always have the same version; strcmp() compares. It
 * protects against accidents, not against an adversary.
 */
typedef struct {
  /**
   * The digits.
   */
  char text[33];
} untorn_document_version;

/**
 * A place in a journal at the end of a record. You can store and compare it. A
 * position from before the journal was replaced never matches the new file. Both
 * numbers stay below 2^53.
 */
typedef struct {
  /**
   * Which of the files that had this name. 0: no file existed.
   */
  uint64_t generation;
  /**
   * Bytes from the start of the file.
   */
  uint64_t offset;
} untorn_position;

/**
 * Bytes of the caller, for example one record of an append of many.
 */
typedef struct {
  /**
   * The first byte. May be NULL if len is 0.
   */
  const void *data;
  /**
   * The number of bytes.
   */
  size_t len;
} untorn_bytes;

/**
 * Computes the version that a document with these bytes has.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_version_of(const void *data,
                                       size_t len,
                                       untorn_document_version *version_out,
                                       untorn_error **error_out);

/**
 * Frees bytes that this library handed over, for example from untorn_load(). NULL is
 * allowed and does nothing.
 */
UNTORN_API
void untorn_buffer_free(void *data);

/**
 * Frees a string that a function handed over through a pointer to char *. NULL
 * is allowed and does nothing.
 */
UNTORN_API void untorn_string_free(char *string);

/* ------------------------------------------------------------------------
 * Errors
 * ------------------------------------------------------------------------ */

/**
 * Returns the code that the call returned. UNTORN_OK for NULL.
 */
UNTORN_API untorn_code untorn_error_code(const untorn_error *error);

/**
 * Returns everything that is known in one line of UTF-8, for people.
 */
UNTORN_API const char *untorn_error_message(const untorn_error *error);

/**
 * Returns the operation that failed: "append", "save", "lock", ...
 */
UNTORN_API const char *untorn_error_operation(const untorn_error *error);

/**
 * Returns the path of the file, in the encoding of file names; "" if no path was
 * known.
 */
UNTORN_API
const char *untorn_error_path(const untorn_error *error);

/**
 * Returns the operating system's error number (errno), or 0 if it reported none.
 */
UNTORN_API
int32_t untorn_error_os_code(const untorn_error *error);

/**
 * Returns the holder of the lock, for UNTORN_LOCK_TIMEOUT and UNTORN_LOCKED if
 * it is known; else NULL. The holder belongs to the error: do not free it.
 */
UNTORN_API const untorn_holder *untorn_error_holder(const untorn_error *error);

/**
 * Writes the position of the error: the journal's actual end for
 * UNTORN_CONFLICT, the place reached for UNTORN_LIMIT_EXCEEDED. Returns false
 * and writes nothing if the error has none.
 */
UNTORN_API
bool untorn_error_position(const untorn_error *error,
                           untorn_position *position_out);

/**
 * Frees an error. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_error_free(untorn_error *error);

/* ------------------------------------------------------------------------
 * One call, no handle
 * ------------------------------------------------------------------------ */

/**
 * Replaces the whole file at path, so that it survives a power cut. Creates
 * missing parent directories. version_out may be NULL.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_save(const char *path,
                        const void *data,
                        size_t len,
                        untorn_document_version *version_out,
                        untorn_error **error_out);

/**
 * Reads the document at path. See untorn_document_load().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_load(const char *path,
                        uint8_t **data_out,
                        size_t *len_out,
                        untorn_document_version *version_out,
                        untorn_error **error_out);

/**
 * Appends one JSON record to the journal at path, so that it survives a power
 * cut. Creates missing parent directories. position_out may be NULL. For more
 * than a few records, keep a journal open.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_append(const char *path,
                          const void *record,
                          size_t len,
                          untorn_position *position_out,
                          untorn_error **error_out);

/* ------------------------------------------------------------------------
 * How a call waits
 * ------------------------------------------------------------------------ */

/**
 * Learns how many bytes of a long call are done. After all the work it is called
 * once more, with done equal to total. It must return: it must not end its thread,
 * jump out or throw. To end the work, it triggers the token of the call. A call that
 * replaces a journal holds the lock meanwhile.
 */
typedef void (*untorn_progress)(uint64_t done, uint64_t total, void *user);

/**
 * Returns whether the wait must end, with UNTORN_CANCELLED: for a program without a
 * second thread, whose signal handler has set a flag. A signal alone ends no wait. It
 * must return, and must not call this library.
 */
typedef bool (*untorn_interrupt)(void *user);

/**
 * How one call waits for the lock, and under which lock it works. Initialise it
 * with UNTORN_CALL_OPTIONS_INIT. NULL means the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_call_options).
   */
  size_t size;
  /**
   * The timeout of the whole call in milliseconds. -1 waits without a limit, 0
   * tries once, UNTORN_TIMEOUT_OF_HANDLE uses the handle's timeout.
   */
  int64_t timeout_ms;
  /**
   * A token with which another thread can end the wait. May be NULL.
   */
  const untorn_cancel *cancel;
  /**
   * A lock on the same path that the caller holds. The call works under it and
   * does not wait. NULL: the call takes the lock itself.
   */
  const untorn_lock *lock;
  /**
   * Called on the calling thread, about every 50 ms, by a call that checks, repairs,
   * replaces or searches. May be NULL. See untorn_progress.
   */
  untorn_progress progress;
  /**
   * Passed to progress.
   */
  void *progress_user;
  /**
   * Called on the calling thread, about every 50 ms while it waits. May be NULL. See
   * untorn_interrupt.
   */
  untorn_interrupt interrupt;
  /**
   * Passed to interrupt.
   */
  void *interrupt_user;
} untorn_call_options;

/**
 * Writes what UNTORN_CALL_OPTIONS_INIT holds, for languages without C's macros. size is
 * the size of the struct as the caller has it. NULL is allowed and does nothing.
 */
UNTORN_API
void untorn_call_options_init(untorn_call_options *call,
                              size_t size);

/**
 * Makes a token that is not cancelled. Free it with untorn_cancel_free() after
 * the calls that use it have returned.
 */
UNTORN_API UNTORN_MUST_USE untorn_cancel *untorn_cancel_new(void);

/**
 * Ends the waits that use this token now, and those that begin later. Their
 * calls return UNTORN_CANCELLED. Any thread may call this, but not a signal
 * handler.
 */
UNTORN_API void untorn_cancel_trigger(const untorn_cancel *cancel);

/**
 * Returns whether untorn_cancel_trigger() was called.
 */
UNTORN_API bool untorn_cancel_is_triggered(const untorn_cancel *cancel);

/**
 * Frees a token. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_cancel_free(untorn_cancel *cancel);

/* ------------------------------------------------------------------------
 * Options that journals, documents and locks share
 * ------------------------------------------------------------------------ */

/**
 * The failure that a finished call survives. power: The machine loses power.
 * The bytes are durable on disk before the call returns (fdatasync or fsync,
 * F_FULLFSYNC on Apple systems). So is the directory if a name was created or
 * changed. The default.
 */
#define UNTORN_DURABILITY_POWER 0

/**
 * This process, or any other, dies at any instruction: the bytes are in the
 * kernel. A power cut may lose them.
 */
#define UNTORN_DURABILITY_PROCESS 1

/**
 * Which file carries the lock of a path P. All programs that share P must use
 * the same scheme. sidecar: An OS lock on the file P.lock. Use this one,
 * unless other programs already have their own scheme. The default.
 */
#define UNTORN_SCHEME_SIDECAR 0

/**
 * An OS lock on P itself, like that of programs that flock their data file. P
 * keeps its inode: a document is saved in place. An empty file is a document
 * that does not exist.
 */
#define UNTORN_SCHEME_IN_PLACE 1

/**
 * The lock is held while the file P.lock exists, which contains the holder's
 * pid. A holder that is stopped for longer than the option stale can lose the
 * lock.
 */
#define UNTORN_SCHEME_PID_FILE 2

/**
 * The reaction to a file system that reports that it does not lock files.
 * fail: Fail with UNTORN_LOCK_UNSUPPORTED: a call never continues without a
 * lock. The default.
 */
#define UNTORN_ON_UNSUPPORTED_FAIL 0

/**
 * Use the scheme pid-file there.
 */
#define UNTORN_ON_UNSUPPORTED_PID_FILE 1

/* ------------------------------------------------------------------------
 * Journals
 * ------------------------------------------------------------------------ */

/**
 * The format of a journal's records. json: A record is one JSON value. The
 * default.
 */
#define UNTORN_FORMAT_JSON 0

/**
 * A record is any bytes without a newline or NUL.
 */
#define UNTORN_FORMAT_LINES 1

/**
 * How a journal is opened. Initialise it with UNTORN_JOURNAL_OPTIONS_INIT.
 * NULL means the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_journal_options).
   */
  size_t size;
  /**
   * How long a call waits for the lock. In milliseconds. -1 (the default) waits
   * without a limit, 0 tries once.
   */
  int64_t timeout_ms;
  /**
   * How many bytes a record may have, without its newline. Longer lines are
   * damage to a reader. Default: 64 MiB.
   */
  uint64_t max_record;
  /**
   * Permission bits of a new file. A file that exists keeps its own. Default: 0,
   * which is 0666 less the umask.
   */
  uint32_t mode;
  /**
   * The failure that a finished call survives: a power cut (power), or the end
   * of any process (process). UNTORN_DURABILITY_POWER (the default) or
   * UNTORN_DURABILITY_PROCESS.
   */
  int32_t durability;
  /**
   * The format of the records. UNTORN_FORMAT_JSON (the default) or
   * UNTORN_FORMAT_LINES.
   */
  int32_t format;
  /**
   * Whether an append creates the file if it is missing, also after it was
   * deleted. If not, the append fails with UNTORN_NOT_FOUND. Not 0 means yes.
   * Default: 1.
   */
  int32_t create;
  /**
   * Whether missing parent directories are created when the handle is opened.
   * Not 0 means yes. Default: 0.
   */
  int32_t parents;
  /**
   * Whether an append, a rewrite or a repair may change a file that is plainly
   * not a journal, and cut its end off. Such a file is UTF-16, a JSON document
   * over several lines, or binary. If not, it fails with UNTORN_CORRUPT. Format
   * json only. Not 0 means yes. Default: 0.
   */
  int32_t cut_foreign_tail;
  /**
   * Which file carries the lock. All programs that share the file must use the
   * same scheme. UNTORN_SCHEME_SIDECAR (the default), UNTORN_SCHEME_IN_PLACE or
   * UNTORN_SCHEME_PID_FILE.
   */
  int32_t scheme;
  /**
   * The reaction to a file system that reports that it does not lock files.
   * UNTORN_ON_UNSUPPORTED_FAIL (the default) or UNTORN_ON_UNSUPPORTED_PID_FILE.
   */
  int32_t on_unsupported;
  /**
   * Scheme pid-file only: the age at which a lock file without a refresh is
   * taken over. At least 2 s. In milliseconds; default: 0, which is 10,000.
   */
  int64_t stale_ms;
  /**
   * An append that finds the journal larger than this many bytes rotates it
   * first. So the journal is never larger than this and one append. If the
   * rotation fails, so does the append. Default: UNTORN_NO_LIMIT.
   */
  uint64_t max_bytes;
  /**
   * How many rotated files a rotation by max_bytes leaves, including those of
   * rewind and rotate. It removes older ones. It neither counts nor removes a
   * file that only has such a name, or that another program copied, replaced or
   * appended to. Default: UNTORN_NO_LIMIT.
   */
  uint64_t keep;
  /**
   * The journal may have a header: its first line, if that begins with these
   * bytes. The header is not a record. All handles on a journal must have the
   * same prefix. A handle without it sees the header as a record. Default: no
   * bytes, and no header.
   */
  untorn_bytes header_prefix;
  /**
   * How many bytes a new header takes, including its newline. It is padded with
   * spaces, so that later ones fit in its place. A longer header takes as much
   * as it needs. Default: 512.
   */
  size_t header_reserve;
  /**
   * How an existing header is changed: in its place if it fits (stamp), or
   * always with a new file (rename). UNTORN_HEADER_STAMP (the default) or
   * UNTORN_HEADER_RENAME.
   */
  int32_t header_mode;
  /**
   * Whether a checksum follows each record (35 bytes per record). JSON readers
   * take it for white space. It detects bit rot and spliced lines. It also makes
   * an append of many records all or nothing across a power cut. Format json
   * only. Not 0 means yes. Default: 0.
   */
  int32_t sealed;
} untorn_journal_options;

/**
 * Writes what UNTORN_JOURNAL_OPTIONS_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_journal_options_init(untorn_journal_options *options,
                                 size_t size);

/**
 * Opens the journal at path. This resolves symbolic links; the first append
 * creates the file. Close it with untorn_journal_close().
 *
 * UNTORN_NOT_FOUND if the directory is missing (or the file, if create is 0).
 * UNTORN_INVALID_ARGUMENT if the path names something other than a regular file.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_open(const char *path,
                                const untorn_journal_options *options,
                                untorn_journal **journal_out,
                                untorn_error **error_out);

/**
 * Returns the path of the file, with every symbolic link resolved, in the
 * encoding of file names; for a journal in a database its name: schema, key and
 * file. The string belongs to the journal.
 */
UNTORN_API const char *untorn_journal_path(const untorn_journal *journal);

/**
 * Appends one record, without a newline. Writes the position just after it to
 * position_out (may be NULL).
 *
 * UNTORN_INVALID_RECORD: the record is not one JSON value in UTF-8, or contains
 * a newline. UNTORN_LIMIT_EXCEEDED: it is longer than max_record. After these,
 * UNTORN_LOCK_TIMEOUT, UNTORN_STORAGE_FULL and other failures the journal is
 * unchanged. UNTORN_NOT_DURABLE: the record is in the file, but a power cut may
 * lose it. From then on calls return UNTORN_POISONED.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_append(const untorn_journal *journal,
                                  const void *record,
                                  size_t len,
                                  const untorn_call_options *call,
                                  untorn_position *position_out,
                                  untorn_error **error_out);

/**
 * Appends count records next to each other. If a process dies, all of them are
 * in the file or none. (After a power cut a part of them may be.) Writes the
 * position just after the last. With count 0 it takes the lock and appends
 * nothing.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_append_all(const untorn_journal *journal,
                                      const untorn_bytes *records,
                                      size_t count,
                                      const untorn_call_options *call,
                                      untorn_position *position_out,
                                      untorn_error **error_out);

/**
 * Appends count records as untorn_journal_append_all() does, but only if the
 * journal ends at expected (compare-and-swap). Else UNTORN_CONFLICT, and
 * untorn_error_position() has the actual end.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_append_at(const untorn_journal *journal,
                                     untorn_position expected,
                                     const untorn_bytes *records,
                                     size_t count,
                                     const untorn_call_options *call,
                                     untorn_position *position_out,
                                     untorn_error **error_out);

/**
 * Finds out where the last whole record ends. Takes no lock: an append that is
 * running may be counted or not.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_end(const untorn_journal *journal,
                               untorn_position *position_out,
                               untorn_error **error_out);

/**
 * Makes everything that the file contains now survive a power cut, including
 * what other processes wrote.
 *
 * UNTORN_NOT_DURABLE: it may not survive. From then on calls return
 * UNTORN_POISONED.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_sync(const untorn_journal *journal,
                                untorn_error **error_out);

/**
 * Closes a journal and frees the handle. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_journal_close(untorn_journal *journal);

/**
 * Lists the rotated files of this journal that exist, oldest first: those that rotate,
 * rewind and max_bytes made. A file that another program copied, replaced or appended
 * to since is not among them. Takes no lock. Free the list with untorn_rotated_free().
 * In a database they are files of the session.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_rotated(const untorn_journal *journal,
                                   untorn_rotated **rotated_out,
                                   untorn_error **error_out);

/* ------------------------------------------------------------------------
 * Journals: reading
 * ------------------------------------------------------------------------ */

/**
 * Which part of a journal is read. Initialise it with
 * UNTORN_RECORDS_OPTIONS_INIT. NULL means the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_records_options).
   */
  size_t size;
  /**
   * The position to begin at. Default: all zero, the beginning of the file.
   */
  untorn_position start;
  /**
   * The most records that are read; one more is UNTORN_LIMIT_EXCEEDED.
   * Default: UNTORN_NO_LIMIT.
   */
  uint64_t max_records;
  /**
   * The most bytes of records that are read; one more is
   * UNTORN_LIMIT_EXCEEDED. Default: UNTORN_NO_LIMIT.
   */
  uint64_t max_bytes;
} untorn_records_options;

/**
 * Writes what UNTORN_RECORDS_OPTIONS_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_records_options_init(untorn_records_options *options,
                                 size_t size);

/**
 * Begins to read the records in file order. Takes no lock. Uses constant memory:
 * a few hundred KiB and one record. The cursor is independent of the handle.
 * Free it with untorn_records_free().
 *
 * UNTORN_CONFLICT if the option start is not a position of this file.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_records(const untorn_journal *journal,
                                   const untorn_records_options *options,
                                   untorn_records **records_out,
                                   untorn_error **error_out);

/**
 * Reads the last count records, oldest first. It reads backwards from the end,
 * so the cost does not depend on the journal's length. The records are read now,
 * and kept in memory until untorn_records_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_tail(const untorn_journal *journal,
                                size_t count,
                                untorn_records **records_out,
                                untorn_error **error_out);

/**
 * Reads the next record: *data_out and *len_out are its bytes without the
 * newline. They belong to the cursor and stay valid until its next use. After
 * the last record *data_out is NULL, and the call succeeds. Blank lines are not
 * records. Damaged stretches are skipped, and listed by untorn_records_damage().
 *
 * start_out and end_out (each may be NULL) receive where the record begins, and
 * where reading continues after it. After the last record they are not written.
 *
 * UNTORN_LIMIT_EXCEEDED: untorn_error_position() is where to continue reading.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_records_next(untorn_records *records,
                                const uint8_t **data_out,
                                size_t *len_out,
                                untorn_position *start_out,
                                untorn_position *end_out,
                                untorn_error **error_out);

/**
 * Returns where reading continues: the end of the last line that was read. All
 * zero for NULL.
 */
UNTORN_API
untorn_position untorn_records_position(const untorn_records *records);

/**
 * Returns how many damaged stretches were skipped so far. A cursor from
 * untorn_journal_tail() counts none.
 */
UNTORN_API uint64_t untorn_records_damage_count(const untorn_records *records);

/**
 * Writes the damaged stretch number index, from 0 and in file order: its kind (a
 * UNTORN_DAMAGE_ number), where it begins and how long it is, in bytes. Each
 * output may be NULL. Returns false and writes nothing if the list is shorter.
 * Only the first 1,024 stretches are listed.
 */
UNTORN_API
bool untorn_records_damage(const untorn_records *records,
                           size_t index,
                           int32_t *kind_out,
                           uint64_t *offset_out,
                           uint64_t *length_out);

/**
 * Frees a cursor. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_records_free(untorn_records *records);

/* ------------------------------------------------------------------------
 * Journals: checking and repairing
 * ------------------------------------------------------------------------ */

/**
 * The kind of damage of a stretch of a journal. torn_tail: Bytes after the
 * last newline, or an incomplete append of many. A crash cut it off, or it is
 * being appended now.
 */
#define UNTORN_DAMAGE_TORN_TAIL 1

/**
 * A line with NULs, which a power cut can leave.
 */
#define UNTORN_DAMAGE_NUL_RUN 2

/**
 * A line longer than max_record.
 */
#define UNTORN_DAMAGE_TOO_LONG 3

/**
 * Two or more values on one line: a newline was lost.
 */
#define UNTORN_DAMAGE_GLUED 4

/**
 * A line that is not JSON.
 */
#define UNTORN_DAMAGE_NOT_JSON 5

/**
 * A line that is not UTF-8.
 */
#define UNTORN_DAMAGE_NOT_UTF8 6

/**
 * In a sealed journal: a line whose seal does not match. With length 0: a
 * place where the rest of an append is missing.
 */
#define UNTORN_DAMAGE_BAD_SEAL 7

/**
 * A whole record at the end of the file, without its newline. The next append
 * adds it. Only a check reports this kind; a reader reports a torn tail.
 */
#define UNTORN_DAMAGE_MISSING_NEWLINE 8

/**
 * No damage, only a note of a check: a byte order mark is before the first
 * line. Readers skip it.
 */
#define UNTORN_DAMAGE_BYTE_ORDER_MARK 9

/**
 * No damage, only a note of a check: a line ends with a carriage return and a
 * newline. Readers skip it.
 */
#define UNTORN_DAMAGE_CARRIAGE_RETURN 10

/**
 * No damage, only a note of a check: a record has an escape that is half a
 * character. Many programs refuse such text.
 */
#define UNTORN_DAMAGE_LONE_SURROGATE 11

/**
 * Checks every record. Takes no lock and changes nothing. A torn tail may be an
 * append that is running. Free the report with untorn_report_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_verify(const untorn_journal *journal,
                                  const untorn_call_options *call,
                                  untorn_report **report_out,
                                  untorn_error **error_out);

/**
 * Repairs the tail as the next append would, then checks every record. It
 * reports damage before the tail, but never cuts it. report_out may be NULL.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_repair(const untorn_journal *journal,
                                  const untorn_call_options *call,
                                  untorn_report **report_out,
                                  untorn_error **error_out);

/**
 * Returns the number of good records.
 */
UNTORN_API uint64_t untorn_report_records(const untorn_report *report);

/**
 * Returns whether the journal has a header, which is not a record.
 */
UNTORN_API bool untorn_report_has_header(const untorn_report *report);

/**
 * Returns the number of good records without a seal, in a sealed journal.
 */
UNTORN_API uint64_t untorn_report_unsealed(const untorn_report *report);

/**
 * Returns the number of bytes that were checked: the length of the file.
 */
UNTORN_API uint64_t untorn_report_bytes(const untorn_report *report);

/**
 * Returns where the last whole line ends.
 */
UNTORN_API untorn_position untorn_report_end(const untorn_report *report);

/**
 * Returns the number of damaged stretches.
 */
UNTORN_API uint64_t untorn_report_damage_count(const untorn_report *report);

/**
 * Writes the damaged stretch number index. See untorn_records_damage().
 */
UNTORN_API
bool untorn_report_damage(const untorn_report *report,
                          size_t index,
                          int32_t *kind_out,
                          uint64_t *offset_out,
                          uint64_t *length_out);

/**
 * Returns the line of the damaged stretch number index, from 1, or 0 if the report
 * has no such stretch.
 */
UNTORN_API
uint64_t untorn_report_damage_line(const untorn_report *report,
                                   size_t index);

/**
 * Returns whether the next append, or untorn_journal_repair(), mends the damaged
 * stretch number index: it is at the end of the file.
 */
UNTORN_API
bool untorn_report_damage_is_repairable(const untorn_report *report,
                                        size_t index);

/**
 * Writes the note number index: a sound stretch that other programs stumble over, such
 * as a byte order mark. A report has the first place of each kind. *line_out counts
 * from 1. See untorn_records_damage() for the rest.
 */
UNTORN_API
bool untorn_report_note(const untorn_report *report,
                        size_t index,
                        int32_t *kind_out,
                        uint64_t *offset_out,
                        uint64_t *length_out,
                        uint64_t *line_out);

/**
 * Writes what untorn_journal_repair() did: where the torn tail began, and how many
 * bytes were cut and kept in path.torn. *newline_added_out is whether the tail was
 * a whole record that lacked only its newline. Each output may be NULL. Returns
 * false and writes nothing if no repair was needed.
 */
UNTORN_API
bool untorn_report_repaired(const untorn_report *report,
                            uint64_t *offset_out,
                            uint64_t *cut_out,
                            bool *newline_added_out);

/**
 * Frees a report. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_report_free(untorn_report *report);

/**
 * Returns the name of a kind of damage, for example "torn_tail", or NULL for
 * another number. The name is the same in every language. The string is static.
 */
UNTORN_API const char *untorn_damage_name(int32_t kind);

/**
 * Returns what is wrong with a line that should be one JSON value: a
 * UNTORN_DAMAGE_ number, or 0 if nothing is. A decoder that could not read a
 * record uses it to report the reason.
 */
UNTORN_API int32_t untorn_inspect(const void *data, size_t len);

/**
 * Finds out what untorn_journal_salvage() would do. Takes no lock and changes nothing.
 * Free the result with untorn_salvage_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_salvage_plan(const untorn_journal *journal,
                                        untorn_salvage **salvage_out,
                                        untorn_error **error_out);

/**
 * Mends damage before the end of the journal, and throws nothing away. Records that
 * were glued together become a line each, and NULs are removed. Bytes that can't be
 * read go to path.torn, with their place. The torn tail is repaired too. If anything
 * but the tail is mended, the journal is a new file from then on, and earlier
 * positions are refused. salvage_out may be NULL.
 *
 * UNTORN_CORRUPT: the file is plainly not a journal.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_salvage(const untorn_journal *journal,
                                   const untorn_call_options *call,
                                   untorn_salvage **salvage_out,
                                   untorn_error **error_out);

/**
 * Writes how many damaged lines are mended, how many whole records they had, and how
 * many bytes go to path.torn (without those of the torn tail). Also writes how many NULs
 * go, and how many lines stay damaged since they are longer than max_record. Each output
 * may be NULL. Writes zeros for NULL.
 */
UNTORN_API
void untorn_salvage_count(const untorn_salvage *salvage,
                          uint64_t *lines_out,
                          uint64_t *records_out,
                          uint64_t *kept_out,
                          uint64_t *nuls_out,
                          uint64_t *left_out);

/**
 * Writes the mended line number index, from 0 and in file order (the first 1,024). Its
 * kind of damage is a UNTORN_DAMAGE_ number. Its start and length in bytes, and its
 * number from 1, are those in the file as it was. Also writes how many whole records it
 * had, how many of its bytes go to path.torn, and how many NULs go. Each output may be
 * NULL. Returns false and writes nothing if the list is shorter.
 */
UNTORN_API
bool untorn_salvage_line(const untorn_salvage *salvage,
                         size_t index,
                         int32_t *kind_out,
                         uint64_t *offset_out,
                         uint64_t *length_out,
                         uint64_t *line_out,
                         uint64_t *records_out,
                         uint64_t *kept_out,
                         uint64_t *nuls_out);

/**
 * Writes how the torn tail is repaired. See untorn_report_repaired().
 */
UNTORN_API
bool untorn_salvage_tail(const untorn_salvage *salvage,
                         uint64_t *offset_out,
                         uint64_t *cut_out,
                         bool *newline_added_out);

/**
 * Frees the result of a salvage. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_salvage_free(untorn_salvage *salvage);

/**
 * Lists what repairs and salvages have cut off this journal, oldest first. Free the
 * list with untorn_torn_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_torn(const untorn_journal *journal,
                                untorn_torn **torn_out,
                                untorn_error **error_out);

/**
 * Writes the entry number index of a list, from 0: its number (from 1) for
 * untorn_journal_torn_bytes(), and when it was cut (RFC 3339 in UTC). Also writes where
 * its bytes were in the journal as it was, how many are kept, and how many NULs followed.
 * The reason is a kind of damage, another reason, or NULL for a torn tail. Each output
 * may be NULL. Returns false and writes nothing if the list is shorter.
 */
UNTORN_API
bool untorn_torn_entry(const untorn_torn *torn,
                       size_t index,
                       uint64_t *number_out,
                       const char **time_out,
                       uint64_t *offset_out,
                       uint64_t *length_out,
                       uint64_t *nuls_out,
                       const char **why_out);

/**
 * Frees a list of what was cut off. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_torn_free(untorn_torn *torn);

/**
 * Reads the bytes of one entry. Free them with untorn_buffer_free().
 *
 * UNTORN_NOT_FOUND: no entry has this number.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_torn_bytes(const untorn_journal *journal,
                                      uint64_t number,
                                      uint8_t **data_out,
                                      size_t *len_out,
                                      untorn_error **error_out);

/**
 * Gives the bytes of one entry back: appends each line of them as a record, all or
 * none. The entry stays, so a second call appends them again. *end_out (may be NULL) is
 * the position after the last record.
 *
 * UNTORN_INVALID_RECORD: a line of it is no record; most entries are half a record.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_restore_torn(const untorn_journal *journal,
                                        uint64_t number,
                                        const untorn_call_options *call,
                                        untorn_position *end_out,
                                        untorn_error **error_out);

/**
 * Forgets entries older than this many milliseconds. *count_out (may be NULL) is how
 * many they were.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_prune_torn(const untorn_journal *journal,
                                      uint64_t older_than_ms,
                                      const untorn_call_options *call,
                                      uint64_t *count_out,
                                      untorn_error **error_out);

/* ------------------------------------------------------------------------
 * Journals: following
 * ------------------------------------------------------------------------ */

/**
 * No record came within the call's timeout, or the journal was closed.
 */
#define UNTORN_FOLLOW_NOTHING 0

/**
 * A record.
 */
#define UNTORN_FOLLOW_RECORD 1

/**
 * The journal was rewound, rewritten or replaced. The file no longer contains
 * what it had from *start_out to *end_out.
 */
#define UNTORN_FOLLOW_REWOUND 2

/**
 * Follows the journal from start on (NULL: from its end on). Returns the records
 * that exist after start, and then those that any process appends, through
 * rotation and rewind. Takes no lock. Free it with untorn_follow_free().
 *
 * UNTORN_CONFLICT if start is in the middle of a record or after the end.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_follow(const untorn_journal *journal,
                                  const untorn_position *start,
                                  untorn_follow **follow_out,
                                  untorn_error **error_out);

/**
 * Waits for the next record: *kind_out is a UNTORN_FOLLOW_ number. For a record,
 * *data_out and *len_out are its bytes without the newline. They belong to the
 * cursor and stay valid until its next use. start_out and end_out (each may be
 * NULL) receive where the record begins, and where reading continues after it.
 * The timeout of call limits the wait: 0 takes only what exists now, and -1 and
 * UNTORN_TIMEOUT_OF_HANDLE wait without a limit.
 *
 * UNTORN_CANCELLED ends the wait. The next call continues at the same place.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_follow_next(untorn_follow *follow,
                               const untorn_call_options *call,
                               int32_t *kind_out,
                               const uint8_t **data_out,
                               size_t *len_out,
                               untorn_position *start_out,
                               untorn_position *end_out,
                               untorn_error **error_out);

/**
 * Returns the position after the last record that was returned, which you can
 * store. untorn_journal_follow() continues from there. All zero for NULL.
 */
UNTORN_API untorn_position untorn_follow_position(const untorn_follow *follow);

/**
 * Returns whether the journal's handle was closed, which ends the cursor.
 */
UNTORN_API bool untorn_follow_is_closed(const untorn_follow *follow);

/**
 * Writes the damaged stretch number index, from 0, of those that the last
 * untorn_follow_next() skipped. See untorn_records_damage().
 */
UNTORN_API
bool untorn_follow_damage(const untorn_follow *follow,
                          size_t index,
                          int32_t *kind_out,
                          uint64_t *offset_out,
                          uint64_t *length_out);

/**
 * Frees a cursor. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_follow_free(untorn_follow *follow);

/* ------------------------------------------------------------------------
 * Journals: a state that follows the records
 * ------------------------------------------------------------------------ */

/**
 * The state is up to date.
 */
#define UNTORN_FOLD_CURRENT 0

/**
 * Apply this record to the state.
 */
#define UNTORN_FOLD_RECORD 1

/**
 * Start again with an empty state. The records follow from the first one on.
 */
#define UNTORN_FOLD_RESTART 2

/**
 * Begins a fold at the journal's start. The caller keeps the state and changes
 * it only within a turn, so that the state and the file stay in step. Free it
 * with untorn_fold_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_fold(const untorn_journal *journal,
                                untorn_fold **fold_out,
                                untorn_error **error_out);

/**
 * Takes the journal's lock for a turn. Apply every record that
 * untorn_fold_turn_next() returns, until UNTORN_FOLD_CURRENT. You may then call
 * untorn_fold_turn_append(), and apply those records in the same way. End with
 * untorn_fold_turn_finish(), and call untorn_fold_turn_free() in any case.
 *
 * UNTORN_DEADLOCK if this thread already holds the lock.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_fold_begin(const untorn_fold *fold,
                              const untorn_call_options *call,
                              untorn_fold_turn **turn_out,
                              untorn_error **error_out);

/**
 * Checks whether the state is already up to date, as far as that is known
 * without the lock. If so, you can skip the turn.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_fold_is_current(const untorn_fold *fold,
                                   bool *current_out,
                                   untorn_error **error_out);

/**
 * Writes the position up to which the state has been folded. Returns false and
 * writes nothing while no state exists or a turn is using it.
 */
UNTORN_API
bool untorn_fold_position(const untorn_fold *fold,
                          untorn_position *position_out);

/**
 * Frees a fold, after its turns. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_fold_free(untorn_fold *fold);

/**
 * Returns the next step for the state: *kind_out is a UNTORN_FOLD_ number. For a
 * record, *data_out and *len_out are its bytes without the newline. They belong
 * to the turn and stay valid until its next use. For another kind *data_out is
 * NULL. start_out and end_out (each may be NULL) receive where the record
 * begins, and where the next line begins.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_fold_turn_next(untorn_fold_turn *turn,
                                  int32_t *kind_out,
                                  const uint8_t **data_out,
                                  size_t *len_out,
                                  untorn_position *start_out,
                                  untorn_position *end_out,
                                  untorn_error **error_out);

/**
 * Writes the damaged stretch number index, from 0, of those that the last
 * untorn_fold_turn_next() skipped. See untorn_records_damage().
 */
UNTORN_API
bool untorn_fold_turn_damage(const untorn_fold_turn *turn,
                             size_t index,
                             int32_t *kind_out,
                             uint64_t *offset_out,
                             uint64_t *length_out);

/**
 * Appends count records under the turn's lock: all of them or none. Then
 * untorn_fold_turn_next() returns the earlier records of other processes, and
 * after them these. Writes the position just after the last to position_out (may
 * be NULL).
 *
 * UNTORN_CONFLICT, only in a database: the journal goes on after the records that
 * the state has. Apply them, decide again, and append again.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_fold_turn_append(untorn_fold_turn *turn,
                                    const untorn_bytes *records,
                                    size_t count,
                                    untorn_position *position_out,
                                    untorn_error **error_out);

/**
 * Ends the turn: remembers that the state has all records that were returned,
 * releases the lock, and makes the appended records as durable as the journal's
 * options demand. Writes the position up to which the state is folded
 * (position_out may be NULL).
 *
 * UNTORN_NOT_DURABLE: the state is right, but a power cut may lose the records.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_fold_turn_finish(untorn_fold_turn *turn,
                                    untorn_position *position_out,
                                    untorn_error **error_out);

/**
 * Frees a turn. If it was not finished, the next turn begins with
 * UNTORN_FOLD_RESTART, because the state may be wrong. NULL is allowed and does
 * nothing.
 */
UNTORN_API void untorn_fold_turn_free(untorn_fold_turn *turn);

/* ------------------------------------------------------------------------
 * Journals: the header
 * ------------------------------------------------------------------------ */

/**
 * How an existing header is changed. stamp: In place, if it fits: the cost
 * does not depend on the journal's length. The default.
 */
#define UNTORN_HEADER_STAMP 0

/**
 * Always with a new file. Programs that read without this library then never
 * see half a header.
 */
#define UNTORN_HEADER_RENAME 1

/**
 * Reads the header, without its padding. *data_out is NULL if the journal has
 * none; else free it with untorn_buffer_free(*data_out). Takes no
 * lock, and never sees half a stamp.
 *
 * UNTORN_INVALID_ARGUMENT if the journal was opened without header_prefix.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_header(const untorn_journal *journal,
                                  uint8_t **data_out,
                                  size_t *len_out,
                                  untorn_error **error_out);

/**
 * Changes the header, or adds one. A header that fits in the place of the old
 * one is written there; else the whole journal is rewritten.
 *
 * UNTORN_INVALID_RECORD if the header does not begin with header_prefix, ends in
 * a space, or could not be a record. After a failure the header is unchanged.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_set_header(const untorn_journal *journal,
                                      const void *header,
                                      size_t len,
                                      const untorn_call_options *call,
                                      untorn_error **error_out);

/**
 * Changes the header and appends count records in one step. If a process dies,
 * both have happened or neither. Writes the position just after the last record
 * (position_out may be NULL).
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_append_with_header(const untorn_journal *journal,
                                              const void *header,
                                              size_t len,
                                              const untorn_bytes *records,
                                              size_t count,
                                              const untorn_call_options *call,
                                              untorn_position *position_out,
                                              untorn_error **error_out);

/* ------------------------------------------------------------------------
 * Journals: rewinding, rotating and rewriting
 * ------------------------------------------------------------------------ */

/**
 * Rewinds the journal to a position: removes every record after it. A rotated
 * file keeps the whole journal as it was. *path_out (may be NULL) is its path,
 * which you free with untorn_string_free(), or NULL if no record follows the
 * position. In a database it is the name of a file of the session. The header stays.
 * From then on the journal is a new file, which refuses older positions.
 *
 * UNTORN_CONFLICT if the position is not one of this file's;
 * untorn_error_position() is where the journal ends. After other failures the
 * journal is unchanged.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_rewind(const untorn_journal *journal,
                                  untorn_position position,
                                  const untorn_call_options *call,
                                  char **path_out,
                                  untorn_error **error_out);

/**
 * Rotates the journal: the records move to a rotated file, and a new, empty
 * journal begins, with the same header if it has one. Rotated files are named
 * name_1.ext, name_2.ext, ...; numbers only grow. *path_out (may be NULL) is the
 * file's path, which you free with untorn_string_free(), or NULL if the journal
 * had no records. In a database it is the name of a file of the session.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_rotate(const untorn_journal *journal,
                                  const untorn_call_options *call,
                                  char **path_out,
                                  untorn_error **error_out);

/**
 * Empties the journal: neither records nor a header stay. A rotated file keeps
 * the whole journal as it was. *path_out (may be NULL) is the file's path, which
 * you free with untorn_string_free(), or NULL if the journal was empty or
 * missing. untorn_journal_rotate() does the same, but the header stays.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_clear(const untorn_journal *journal,
                                 const untorn_call_options *call,
                                 char **path_out,
                                 untorn_error **error_out);

/**
 * Returns the path number index of a list, from 0; NULL if the list is shorter. The
 * string belongs to the list.
 */
UNTORN_API
const char *untorn_rotated_path(const untorn_rotated *rotated,
                                size_t index);

/**
 * Frees a list of rotated files. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_rotated_free(untorn_rotated *rotated);

/**
 * Removes rotated files, oldest first: all but the newest keep, and of these only files
 * last written to longer ago than this many milliseconds (0: any). Their records are
 * gone. A reader or follower that has not read them yet reports a rewind.
 * *count_out (may be NULL) is how many were removed.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_prune_rotated(const untorn_journal *journal,
                                         uint64_t keep,
                                         uint64_t older_than_ms,
                                         const untorn_call_options *call,
                                         uint64_t *count_out,
                                         untorn_error **error_out);

/**
 * Replaces all records by count others: all of them or none. The header stays.
 * Writes the position just after the last (position_out may be NULL). The old
 * records are deleted; untorn_journal_rotate() keeps them.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_replace(const untorn_journal *journal,
                                   const untorn_bytes *records,
                                   size_t count,
                                   const untorn_call_options *call,
                                   untorn_position *position_out,
                                   untorn_error **error_out);

/**
 * Takes the lock, to rewrite the journal whole or not at all. Read
 * untorn_rewrite_records(), pass each new record to untorn_rewrite_push(), then
 * call untorn_rewrite_commit(), and untorn_rewrite_free() in any case. Appends
 * of other processes wait, and then go into the new file. In a database nothing is
 * locked: they come after the new records, and the commit is UNTORN_CONFLICT if another
 * process rewrote the journal.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_journal_begin_rewrite(const untorn_journal *journal,
                                         const untorn_call_options *call,
                                         untorn_rewrite **rewrite_out,
                                         untorn_error **error_out);

/**
 * Returns how many bytes the journal has that is rewritten; 0 for NULL. With the end
 * of the record at hand, it tells how far the work is.
 */
UNTORN_API
uint64_t untorn_rewrite_old_bytes(const untorn_rewrite *rewrite);

/**
 * Begins to read the records as they are before the commit. Free the cursor with
 * untorn_records_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_rewrite_records(const untorn_rewrite *rewrite,
                                   untorn_records **records_out,
                                   untorn_error **error_out);

/**
 * Adds a record. After UNTORN_INVALID_RECORD or UNTORN_LIMIT_EXCEEDED the record
 * is not added, and you can continue the rewrite.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_rewrite_push(untorn_rewrite *rewrite,
                                const void *record,
                                size_t len,
                                untorn_error **error_out);

/**
 * Puts the pushed records in the journal's place, and writes the position just
 * after the last (position_out may be NULL). Releases the lock, also when it
 * fails. Call it only once; you must still call untorn_rewrite_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_rewrite_commit(untorn_rewrite *rewrite,
                                  untorn_position *position_out,
                                  untorn_error **error_out);

/**
 * Ends a rewrite and frees it. Without an untorn_rewrite_commit() the journal is
 * unchanged. NULL is allowed and does nothing.
 */
UNTORN_API
void untorn_rewrite_free(untorn_rewrite *rewrite);

/* ------------------------------------------------------------------------
 * Documents
 * ------------------------------------------------------------------------ */

/**
 * How a document is opened. Initialise it with UNTORN_DOCUMENT_OPTIONS_INIT.
 * NULL means the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_document_options).
   */
  size_t size;
  /**
   * How long a call waits for the lock. In milliseconds. -1 (the default) waits
   * without a limit, 0 tries once.
   */
  int64_t timeout_ms;
  /**
   * Permission bits of a new file. A file that exists keeps its own. Default: 0,
   * which is 0666 less the umask.
   */
  uint32_t mode;
  /**
   * The failure that a finished call survives: a power cut (power), or the end
   * of any process (process). UNTORN_DURABILITY_POWER (the default) or
   * UNTORN_DURABILITY_PROCESS.
   */
  int32_t durability;
  /**
   * Whether missing parent directories are created when the handle is opened.
   * Not 0 means yes. Default: 0.
   */
  int32_t parents;
  /**
   * 0.
   */
  int32_t reserved;
  /**
   * Which file carries the lock. All programs that share the file must use the
   * same scheme. UNTORN_SCHEME_SIDECAR (the default), UNTORN_SCHEME_IN_PLACE or
   * UNTORN_SCHEME_PID_FILE.
   */
  int32_t scheme;
  /**
   * The reaction to a file system that reports that it does not lock files.
   * UNTORN_ON_UNSUPPORTED_FAIL (the default) or UNTORN_ON_UNSUPPORTED_PID_FILE.
   */
  int32_t on_unsupported;
  /**
   * Scheme pid-file only: the age at which a lock file without a refresh is
   * taken over. At least 2 s. In milliseconds; default: 0, which is 10,000.
   */
  int64_t stale_ms;
} untorn_document_options;

/**
 * Writes what UNTORN_DOCUMENT_OPTIONS_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_document_options_init(untorn_document_options *options,
                                  size_t size);

/**
 * Opens the document at path, which need not exist yet. This resolves symbolic
 * links and removes what killed saves have left. Close it with
 * untorn_document_close().
 *
 * UNTORN_NOT_FOUND if the directory is missing. UNTORN_INVALID_ARGUMENT if the
 * path names something other than a regular file.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_open(const char *path,
                                 const untorn_document_options *options,
                                 untorn_document **document_out,
                                 untorn_error **error_out);

/**
 * Returns the path of the file, with every symbolic link resolved, in the
 * encoding of file names; for a document in a database its name: schema, key and
 * file. The string belongs to the document.
 */
UNTORN_API
const char *untorn_document_path(const untorn_document *document);

/**
 * Reads the document and its version (version_out may be NULL). Takes no lock.
 * Free the bytes with untorn_buffer_free(*data_out). A NUL that is not
 * counted follows them.
 *
 * UNTORN_NOT_FOUND if the document does not exist.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_load(const untorn_document *document,
                                 uint8_t **data_out,
                                 size_t *len_out,
                                 untorn_document_version *version_out,
                                 untorn_error **error_out);

/**
 * Checks that the bytes of a document are one JSON value, and finds its text in
 * them: the bytes without a byte order mark. The message names the path. All
 * languages agree on what JSON is: NaN is not JSON. Half of a surrogate pair as an
 * escape is JSON, and so are numbers of any size and nesting of any depth.
 *
 * UNTORN_CORRUPT says what the bytes are instead: empty or NULs, as power cuts
 * leave a file; UTF-16 or UTF-32; not UTF-8; not JSON, and where.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_json(const char *path,
                                 const void *data,
                                 size_t len,
                                 const uint8_t **json_out,
                                 size_t *json_len_out,
                                 untorn_error **error_out);

/**
 * Replaces the whole document, whatever it holds now. Writes the new version to
 * version_out (may be NULL).
 *
 * After UNTORN_STORAGE_FULL, UNTORN_PERMISSION_DENIED, UNTORN_LOCK_TIMEOUT and
 * other failures the file is unchanged. After UNTORN_NOT_DURABLE the new bytes
 * are in place, but a power cut may bring the old ones back.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_save(const untorn_document *document,
                                 const void *data,
                                 size_t len,
                                 const untorn_call_options *call,
                                 untorn_document_version *version_out,
                                 untorn_error **error_out);

/**
 * Replaces the whole document if its version is still the expected one; else
 * UNTORN_CONFLICT. With NULL the document must not exist; else
 * UNTORN_ALREADY_EXISTS.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_save_if(const untorn_document *document,
                                    const untorn_document_version *expected,
                                    const void *data,
                                    size_t len,
                                    const untorn_call_options *call,
                                    untorn_document_version *version_out,
                                    untorn_error **error_out);

/**
 * Saves a document that does not exist yet; else UNTORN_ALREADY_EXISTS.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_create(const untorn_document *document,
                                   const void *data,
                                   size_t len,
                                   const untorn_call_options *call,
                                   untorn_document_version *version_out,
                                   untorn_error **error_out);

/**
 * Removes the document. *removed_out (may be NULL) is whether it existed.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_remove(const untorn_document *document,
                                   const untorn_call_options *call,
                                   bool *removed_out,
                                   untorn_error **error_out);

/**
 * Removes the document if its version is still the expected one; else
 * UNTORN_CONFLICT.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_remove_if(const untorn_document *document,
                                      const untorn_document_version *expected,
                                      const untorn_call_options *call,
                                      untorn_error **error_out);

/**
 * Takes the lock and reads the document, to change it without losing another
 * process's update. Read untorn_update_value(), pass the new bytes to
 * untorn_update_save(), and call untorn_update_finish() in any case. No other
 * process changes the document until then. In a database nothing is locked:
 * untorn_update_save() is UNTORN_CONFLICT or UNTORN_ALREADY_EXISTS if another
 * process has saved. Then begin again.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_document_begin_update(const untorn_document *document,
                                         const untorn_call_options *call,
                                         untorn_update **update_out,
                                         untorn_error **error_out);

/**
 * Closes a document and frees the handle. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_document_close(untorn_document *document);

/**
 * Returns the bytes as they were when the lock was taken. *data_out is NULL if
 * the document did not exist. The bytes belong to the update.
 */
UNTORN_API
void untorn_update_value(const untorn_update *update,
                         const uint8_t **data_out,
                         size_t *len_out);

/**
 * Writes the version of those bytes. Returns false and writes nothing if the
 * document did not exist.
 */
UNTORN_API
bool untorn_update_version(const untorn_update *update,
                           untorn_document_version *version_out);

/**
 * Saves as untorn_document_save() does, and releases the lock, also when it
 * fails. Call it only once; you must still call untorn_update_finish().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_update_save(untorn_update *update,
                               const void *data,
                               size_t len,
                               untorn_document_version *version_out,
                               untorn_error **error_out);

/**
 * Ends an update and frees it. Without an untorn_update_save() nothing changes.
 * NULL is allowed and does nothing.
 */
UNTORN_API void untorn_update_finish(untorn_update *update);

/* ------------------------------------------------------------------------
 * Locks
 * ------------------------------------------------------------------------ */

/**
 * How a lock is taken. Initialise it with UNTORN_LOCK_OPTIONS_INIT. NULL means
 * the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_lock_options).
   */
  size_t size;
  /**
   * The timeout in milliseconds. -1 (the default) waits without a limit, 0 tries
   * once.
   */
  int64_t timeout_ms;
  /**
   * Not 0: share the lock with others that share it. Default: 0.
   */
  int32_t shared;
  /**
   * Must be 0.
   */
  int32_t reserved;
  /**
   * The name of the holder that other processes see, in UTF-8. May be NULL.
   */
  const char *label;
  /**
   * A token with which another thread can end the wait. May be NULL.
   */
  const untorn_cancel *cancel;
  /**
   * UNTORN_SCHEME_SIDECAR (the default), UNTORN_SCHEME_IN_PLACE or
   * UNTORN_SCHEME_PID_FILE. All programs that share the file must use the same.
   */
  int32_t scheme;
  /**
   * UNTORN_ON_UNSUPPORTED_FAIL (the default) or
   * UNTORN_ON_UNSUPPORTED_PID_FILE.
   */
  int32_t on_unsupported;
  /**
   * UNTORN_SCHEME_PID_FILE only: the age in milliseconds at which a lock file
   * without a refresh is taken over. At least 2,000; default: 0, which is 10,000.
   */
  int64_t stale_ms;
} untorn_lock_options;

/**
 * Writes what UNTORN_LOCK_OPTIONS_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_lock_options_init(untorn_lock_options *options,
                              size_t size);

/**
 * Takes the lock of the file at path, which need not exist. The lock is an OS
 * lock on the file path.lock, the same that journals and documents take for that
 * path. Release it with untorn_lock_release(); any thread may.
 *
 * UNTORN_LOCK_TIMEOUT and UNTORN_LOCKED name the holder if it is known.
 * UNTORN_DEADLOCK if this thread already holds the lock. UNTORN_INVALID_ARGUMENT
 * for a path that ends in ".lock": see untorn_lock_acquire_at().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_lock_acquire(const char *path,
                                const untorn_lock_options *options,
                                untorn_lock **lock_out,
                                untorn_error **error_out);

/**
 * Locks exactly the file lock_path, and creates it if it is missing.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_lock_acquire_at(const char *lock_path,
                                   const untorn_lock_options *options,
                                   untorn_lock **lock_out,
                                   untorn_error **error_out);

/**
 * Releases the lock and frees the object. In a child of fork() it only frees the
 * object: the parent still holds the lock. NULL is allowed and does nothing.
 */
UNTORN_API
void untorn_lock_release(untorn_lock *lock);

/**
 * Returns the path of the lock file, in the encoding of file names. The string
 * belongs to the lock.
 */
UNTORN_API const char *untorn_lock_path(const untorn_lock *lock);

/**
 * Returns whether other holders may share it.
 */
UNTORN_API bool untorn_lock_is_shared(const untorn_lock *lock);

/**
 * Returns whether this process holds it: false in a child of fork().
 */
UNTORN_API bool untorn_lock_is_held(const untorn_lock *lock);

/**
 * Hands the lock over to another process of this machine, its successor. The
 * successor acquires it as always. No other process gets the lock until the
 * successor has taken it or has ended: their errors name the successor as the
 * holder. From now on this object holds nothing, but you must still release it.
 *
 * UNTORN_INVALID_ARGUMENT: the lock is shared, or the process has ended or can't
 * be seen from here. After any error this object still holds the lock.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_lock_transfer(const untorn_lock *lock,
                                 const untorn_process *to,
                                 untorn_error **error_out);

/**
 * Finds out which process holds the lock of the file at path now. *holder_out is
 * NULL if no process does, or if the holder is not known; else free it with
 * untorn_holder_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_lock_holder(const char *path,
                               untorn_holder **holder_out,
                               untorn_error **error_out);

/**
 * Returns the pid of the process; 0 for NULL.
 */
UNTORN_API uint32_t untorn_holder_pid(const untorn_holder *holder);

/**
 * Returns when the process started, in the system's own unit (clock ticks since
 * boot on Linux); 0 if it is not known. Together with pid, boot and host this
 * identifies one process, which no later process can have.
 */
UNTORN_API uint64_t untorn_holder_start(const untorn_holder *holder);

/**
 * Returns the label that the holder chose, or NULL if it chose none.
 */
UNTORN_API const char *untorn_holder_label(const untorn_holder *holder);

/**
 * Returns since when it holds the lock, as RFC 3339 in UTC; NULL if unknown.
 */
UNTORN_API const char *untorn_holder_since(const untorn_holder *holder);

/**
 * Returns the host of the process; NULL if unknown.
 */
UNTORN_API const char *untorn_holder_host(const untorn_holder *holder);

/**
 * Returns the id of the machine's boot in which it runs; NULL if unknown.
 */
UNTORN_API const char *untorn_holder_boot(const untorn_holder *holder);

/**
 * Checks whether the process lives now: UNTORN_ALIVE, UNTORN_DEAD or
 * UNTORN_ALIVE_UNKNOWN. It compares the start, not only the pid.
 */
UNTORN_API int32_t untorn_holder_alive(const untorn_holder *holder);

/**
 * Frees a holder from untorn_lock_holder(). NULL is allowed and does nothing.
 */
UNTORN_API void untorn_holder_free(untorn_holder *holder);

/**
 * Finds out which processes wait for the lock of the file at path now. Only Linux
 * reports them. Processes that wait in the scheme pid-file are not known. Free the list
 * with untorn_waiters_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_lock_waiters(const char *path,
                                untorn_waiters **waiters_out,
                                untorn_error **error_out);

/**
 * Returns the pid of the waiter number index, from 0; 0 if the list is shorter.
 */
UNTORN_API
uint32_t untorn_waiters_pid(const untorn_waiters *waiters,
                            size_t index);

/**
 * Frees a list of waiters. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_waiters_free(untorn_waiters *waiters);

/**
 * Finds all locks below the directory dir that a process holds, in order of path.
 * Elsewhere than on Linux, only those whose holder left its name are known. Free the
 * list with untorn_held_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_held_below(const char *dir,
                              untorn_held **held_out,
                              untorn_error **error_out);

/**
 * Returns the path of the lock number index, from 0: the file whose lock it is. NULL if
 * the list is shorter. The string belongs to the list.
 */
UNTORN_API
const char *untorn_held_path(const untorn_held *held,
                             size_t index);

/**
 * Returns the holder of the lock number index; NULL if the list is shorter. It belongs
 * to the list.
 */
UNTORN_API
const untorn_holder *untorn_held_holder(const untorn_held *held,
                                        size_t index);

/**
 * Returns the pid of the process that waits for the lock number index, as number waiter
 * from 0; 0 if fewer wait.
 */
UNTORN_API
uint32_t untorn_held_waiter(const untorn_held *held,
                            size_t index,
                            size_t waiter);

/**
 * Frees a list of held locks. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_held_free(untorn_held *held);

/* ------------------------------------------------------------------------
 * Transactions: several files at once
 * ------------------------------------------------------------------------ */

/**
 * How a transaction is begun. Initialise it with
 * UNTORN_TRANSACTION_OPTIONS_INIT. NULL means the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_transaction_options).
   */
  size_t size;
  /**
   * How long a call waits for locks, in milliseconds. -1 (the default) waits without
   * a limit, 0 tries once.
   */
  int64_t timeout_ms;
  /**
   * Permission bits of new files. Default: 0, which is 0666 less the umask.
   */
  uint32_t mode;
  /**
   * UNTORN_DURABILITY_POWER (the default) or UNTORN_DURABILITY_PROCESS.
   */
  int32_t durability;
  /**
   * How other users open the journals of this directory. NULL: the defaults. Its
   * timeout, mode and durability are ignored.
   */
  const untorn_journal_options *journals;
  /**
   * Not 0: create the directory and its missing parent directories. They stay
   * after a rollback. Default: 0.
   */
  int32_t parents;
  /**
   * Must be 0.
   */
  int32_t reserved;
} untorn_transaction_options;

/**
 * Writes what UNTORN_TRANSACTION_OPTIONS_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_transaction_options_init(untorn_transaction_options *options,
                                     size_t size);

/**
 * Begins a transaction in the directory dir. It takes the directory's lock, and
 * finishes or undoes an earlier transaction that a dead process left. Free it
 * with untorn_transaction_free(). untorn_session_transaction() begins one for the
 * files of a session.
 *
 * UNTORN_NOT_FOUND if the directory is missing and parents is 0. UNTORN_DEADLOCK
 * if this thread already has a transaction there.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_begin(const char *dir,
                                     const untorn_transaction_options *options,
                                     const untorn_call_options *call,
                                     untorn_transaction **transaction_out,
                                     untorn_error **error_out);

/**
 * Reads a file as the transaction leaves it, and its version (version_out may be
 * NULL). *data_out is NULL if the file does not exist; else free it with
 * untorn_buffer_free(*data_out). The file stays locked until the end
 * of the transaction, so that a save can depend on what was read. In a database
 * nothing is locked, and the commit compares.
 *
 * UNTORN_INVALID_ARGUMENT if name is not the name of a file in the directory.
 * After a failure you can continue the transaction.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_load(untorn_transaction *transaction,
                                    const char *name,
                                    const untorn_call_options *call,
                                    uint8_t **data_out,
                                    size_t *len_out,
                                    untorn_document_version *version_out,
                                    untorn_error **error_out);

/**
 * Replaces the whole file at the commit, whatever it holds now.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_save(untorn_transaction *transaction,
                                    const char *name,
                                    const void *data,
                                    size_t len,
                                    untorn_error **error_out);

/**
 * Creates the file with these bytes at the commit. If the file exists now, this
 * call returns UNTORN_ALREADY_EXISTS, and you can continue the transaction. If
 * another program creates it before the commit, the commit returns
 * UNTORN_ALREADY_EXISTS and changes nothing.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_create(untorn_transaction *transaction,
                                      const char *name,
                                      const void *data,
                                      size_t len,
                                      untorn_error **error_out);

/**
 * Appends count records to a journal at the commit, and creates it if it is
 * missing.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_append(untorn_transaction *transaction,
                                      const char *name,
                                      const untorn_bytes *records,
                                      size_t count,
                                      untorn_error **error_out);

/**
 * Gives the journal this header at the commit, in the place of its own or before its
 * first record. The options of journals set the prefix. The journal is rewritten: the
 * cost grows with its length, and positions in it end. The file stays locked until the
 * end of the transaction.
 *
 * UNTORN_INVALID_RECORD and UNTORN_INVALID_ARGUMENT as untorn_journal_set_header(). The
 * transaction goes on.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_set_header(untorn_transaction *transaction,
                                          const char *name,
                                          const void *header,
                                          size_t len,
                                          const untorn_call_options *call,
                                          untorn_error **error_out);

/**
 * Deletes the file at the commit. *removed_out (may be NULL) is whether it
 * exists now. The file stays locked until the end of the transaction.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_remove(untorn_transaction *transaction,
                                      const char *name,
                                      const untorn_call_options *call,
                                      bool *removed_out,
                                      untorn_error **error_out);

/**
 * Makes all the changes, or none. The transaction is over in any case; you must
 * still free it.
 *
 * After UNTORN_ALREADY_EXISTS, UNTORN_LOCK_TIMEOUT, UNTORN_STORAGE_FULL and
 * other failures all files are unchanged. After UNTORN_NOT_DURABLE all the
 * changes are made, but a power cut may undo some. UNTORN_CONFLICT, only in a
 * database: a file that was loaded has changed.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_transaction_commit(untorn_transaction *transaction,
                                      const untorn_call_options *call,
                                      untorn_error **error_out);

/**
 * Ends a transaction and frees it. Without a commit nothing changes. NULL is
 * allowed and does nothing.
 */
UNTORN_API void untorn_transaction_free(untorn_transaction *transaction);

/* ------------------------------------------------------------------------
 * Snapshots: several files as they are at one instant
 * ------------------------------------------------------------------------ */

/**
 * Takes all files of dir as they are at one instant. It holds the directory's
 * lock and, for a moment, the locks of all its files. Free the snapshot with
 * untorn_snapshot_free().
 *
 * UNTORN_DEADLOCK if this thread holds the lock of one of the files.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_snapshot_take(const char *dir,
                                 const untorn_call_options *call,
                                 untorn_snapshot **snapshot_out,
                                 untorn_error **error_out);

/**
 * Returns the name of the file number index, from 0 in sorted order; NULL if the
 * snapshot has fewer. The string belongs to the snapshot.
 */
UNTORN_API
const char *untorn_snapshot_name(const untorn_snapshot *snapshot,
                                 size_t index);

/**
 * Reads the bytes that a file had, and their version (version_out may be NULL).
 * *data_out is NULL if the file did not exist; else free it with
 * untorn_buffer_free(*data_out).
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_snapshot_load(const untorn_snapshot *snapshot,
                                 const char *file_name,
                                 uint8_t **data_out,
                                 size_t *len_out,
                                 untorn_document_version *version_out,
                                 untorn_error **error_out);

/**
 * Begins to read the records that a journal had. options (NULL: the defaults)
 * says how the journal is opened. The cursor is independent of the snapshot.
 * Free it with untorn_records_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_snapshot_records(const untorn_snapshot *snapshot,
                                    const char *file_name,
                                    const untorn_journal_options *journal,
                                    untorn_records **records_out,
                                    untorn_error **error_out);

/**
 * Frees a snapshot. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_snapshot_free(untorn_snapshot *snapshot);

/* ------------------------------------------------------------------------
 * Stores and sessions
 * ------------------------------------------------------------------------ */

/**
 * How a store is opened. Initialise it with UNTORN_STORE_OPTIONS_INIT. NULL
 * means the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_store_options).
   */
  size_t size;
  /**
   * How long a call waits for a lock, in milliseconds. -1 (the default) waits without
   * a limit, 0 tries once.
   */
  int64_t timeout_ms;
  /**
   * The name of the journal in a session's directory. NULL (the default):
   * journal.jsonl.
   */
  const char *journal_name;
  /**
   * The name of the state document in a session's directory. NULL (the default):
   * state.json.
   */
  const char *state_name;
  /**
   * How the sessions' journals are opened. NULL: the defaults. Its timeout and
   * durability are ignored.
   */
  const untorn_journal_options *journal;
  /**
   * UNTORN_DURABILITY_POWER (the default) or UNTORN_DURABILITY_PROCESS.
   */
  int32_t durability;
  /**
   * Not 0 (the default): the directory is created if it is missing. 0: opening
   * returns UNTORN_NOT_FOUND then.
   */
  int32_t create;
} untorn_store_options;

/**
 * Writes what UNTORN_STORE_OPTIONS_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_store_options_init(untorn_store_options *options,
                               size_t size);

/**
 * Opens the store at dir. Close it with untorn_store_close().
 * untorn_store_open_postgres() opens one in a database.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_store_open(const char *dir,
                              const untorn_store_options *options,
                              untorn_store **store_out,
                              untorn_error **error_out);

/**
 * Returns the directory, with every symbolic link resolved; for a store in a
 * database its schema. The string belongs to the store.
 */
UNTORN_API const char *untorn_store_path(const untorn_store *store);

/**
 * Returns the session with this key, which may be any text. The session need not
 * exist yet, and this call creates nothing. The object is independent of the
 * store's handle. Free it with untorn_session_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_store_session(const untorn_store *store,
                                 const char *key,
                                 untorn_session **session_out,
                                 untorn_error **error_out);

/**
 * Lists the keys of all sessions, sorted. Free the list with untorn_keys_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_store_keys(const untorn_store *store,
                              untorn_keys **keys_out,
                              untorn_error **error_out);

/**
 * Removes a session with all its files, at one instant. *removed_out (may be
 * NULL) is whether it existed. With call NULL it tries once; else it waits as
 * long as call says for the owner to release the session.
 *
 * UNTORN_LOCKED and UNTORN_LOCK_TIMEOUT name the owner.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_store_remove(const untorn_store *store,
                                const char *key,
                                const untorn_call_options *call,
                                bool *removed_out,
                                untorn_error **error_out);

/**
 * Closes a store. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_store_close(untorn_store *store);

/**
 * Returns the key number index, from 0; NULL if the list is shorter. The string
 * belongs to the list.
 */
UNTORN_API const char *untorn_keys_get(const untorn_keys *keys, size_t index);

/**
 * Frees a list of keys. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_keys_free(untorn_keys *keys);

/**
 * Returns the key. The string belongs to the session.
 */
UNTORN_API const char *untorn_session_key(const untorn_session *session);

/**
 * Returns the session's directory; in a database its name: schema and key. The
 * string belongs to the session.
 */
UNTORN_API const char *untorn_session_path(const untorn_session *session);

/**
 * Checks whether the session exists.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_exists(const untorn_session *session,
                                  bool *exists_out,
                                  untorn_error **error_out);

/**
 * Opens the session's journal. The first change creates the session. Close it
 * with untorn_journal_close().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_journal(const untorn_session *session,
                                   untorn_journal **journal_out,
                                   untorn_error **error_out);

/**
 * Opens the session's state document. The first change creates the session.
 * Close it with untorn_document_close().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_state(const untorn_session *session,
                                 untorn_document **document_out,
                                 untorn_error **error_out);

/**
 * Opens another document in the session's directory. Close it with
 * untorn_document_close().
 *
 * UNTORN_INVALID_ARGUMENT for a name that contains a path, or that this library
 * uses itself.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_document(const untorn_session *session,
                                    const char *file_name,
                                    untorn_document **document_out,
                                    untorn_error **error_out);

/**
 * Begins a transaction on the session's files: journal, state and other documents
 * change together or not at all. Free it with untorn_transaction_free().
 *
 * For files as untorn_transaction_begin(). In a database nothing is sent or locked
 * before the commit.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_transaction(const untorn_session *session,
                                       const untorn_call_options *call,
                                       untorn_transaction **transaction_out,
                                       untorn_error **error_out);

/**
 * Returns the path for the media file of this name: always the same for one
 * name, and never the same for two, whatever the names are. Free *path_out with
 * untorn_string_free(). This call creates the directory; the caller writes the
 * file.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_media(const untorn_session *session,
                                 const char *media_name,
                                 char **path_out,
                                 untorn_error **error_out);

/**
 * Finds out which process owns the session. Takes no lock. *holder_out is NULL
 * if no process does; else free it with untorn_holder_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_holder(const untorn_session *session,
                                  untorn_holder **holder_out,
                                  untorn_error **error_out);

/**
 * Makes this process the session's owner. label (may be NULL) is what other
 * processes see. With call NULL it tries once; else it waits as long as call
 * says (UNTORN_TIMEOUT_OF_HANDLE: the store's timeout). Release the lease with
 * untorn_lease_release().
 *
 * UNTORN_LOCKED and UNTORN_LOCK_TIMEOUT name the owner.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_claim(const untorn_session *session,
                                 const char *label,
                                 const untorn_call_options *call,
                                 untorn_lease **lease_out,
                                 untorn_error **error_out);

/**
 * Frees a session. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_session_free(untorn_session *session);

/**
 * Returns this process as others see it. It belongs to the lease.
 */
UNTORN_API const untorn_holder *untorn_lease_holder(const untorn_lease *lease);

/**
 * Returns the previous owner if it died without releasing the session; else
 * NULL. It belongs to the lease.
 */
UNTORN_API
const untorn_holder *untorn_lease_previous(const untorn_lease *lease);

/**
 * Returns a token that is cancelled once this process learns that the lease is
 * lost. untorn_call_options.cancel takes it, to end a wait then. Only leases in a
 * database can be lost: else it is NULL. It belongs to the lease.
 */
UNTORN_API
const untorn_cancel *untorn_lease_lost(const untorn_lease *lease);

/**
 * Returns the number that fences the owner's changes, for statements of your own; 0
 * for files.
 */
UNTORN_API
int64_t untorn_lease_token(const untorn_lease *lease);

/**
 * Returns whether this process holds it: false in a child of fork().
 */
UNTORN_API bool untorn_lease_is_held(const untorn_lease *lease);

/**
 * Hands the session over to another process of this machine (in a database: of any
 * machine), its successor,
 * which takes it with untorn_session_claim(). No other process gets the session
 * until the successor has taken it or has ended. From now on this lease holds
 * nothing, but you must still release it.
 *
 * UNTORN_INVALID_ARGUMENT: the process has ended, or can't be seen from here.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_lease_transfer(const untorn_lease *lease,
                                  const untorn_process *to,
                                  untorn_error **error_out);

/**
 * Releases the session and frees the lease, even if releasing fails. In a child
 * of fork() it only frees the lease. *released_out (may be NULL) is false if the
 * release could not be recorded. The session then counts as owned until this
 * process ends; in a database until its time to live ends, or it was lost before.
 */
UNTORN_API
void untorn_lease_release(untorn_lease *lease,
                          bool *released_out);

/* ------------------------------------------------------------------------
 * Sessions: cleanup after an owner that died
 * ------------------------------------------------------------------------ */

/**
 * Nothing to do: the session was never owned, or its last owner released it, or
 * it is already reconciled.
 */
#define UNTORN_RECONCILED_NO_CHANGE 0

/**
 * Another process is reconciling, claiming or removing it just now.
 */
#define UNTORN_RECONCILED_BUSY 1

/**
 * The owner lives.
 */
#define UNTORN_RECONCILED_ALIVE 2

/**
 * The last owner is dead, and this call reconciles the session.
 */
#define UNTORN_RECONCILED_TURN 3

/**
 * Returns whether a session lives in another way than by its owner's process:
 * not 0 if it does. context is the pointer that was passed with this function.
 */
typedef int32_t (*untorn_also_alive)(void *context);

/**
 * Checks whether the session's last owner died without releasing it. Never waits
 * for an owner. *found_out is a UNTORN_RECONCILED_ number.
 *
 * UNTORN_RECONCILED_TURN: change the files within
 * untorn_reconcile_transaction(*reconcile_out), then call
 * untorn_reconcile_commit(), and untorn_reconcile_free() in any case. Without
 * the commit nothing changes, and another call can reconcile. For any other
 * number *reconcile_out is NULL.
 *
 * UNTORN_RECONCILED_ALIVE: *holder_out (may be NULL) is the owner; free it with
 * untorn_holder_free(). For any other number it is NULL.
 *
 * also_alive (may be NULL) is called with context if the owner's process is
 * dead. If it reports that the session lives in another way, the result is
 * UNTORN_RECONCILED_ALIVE. It must return, and must not call this library on the
 * same session.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_session_reconcile(const untorn_session *session,
                                     untorn_also_alive also_alive,
                                     void *context,
                                     const untorn_call_options *call,
                                     int32_t *found_out,
                                     untorn_reconcile **reconcile_out,
                                     untorn_holder **holder_out,
                                     untorn_error **error_out);

/**
 * Returns the dead owner; NULL if a power cut destroyed that information. It
 * belongs to the reconciliation.
 */
UNTORN_API
const untorn_holder *untorn_reconcile_owner(const untorn_reconcile *reconcile);

/**
 * Returns the transaction that changes the session's files. It belongs to the
 * reconciliation: neither commit nor free it by itself. NULL if the
 * reconciliation is over.
 */
UNTORN_API
untorn_transaction *untorn_reconcile_transaction(untorn_reconcile *reconcile);

/**
 * Makes all the changes or none, and marks the owner as reconciled with them.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_reconcile_commit(untorn_reconcile *reconcile,
                                    const untorn_call_options *call,
                                    untorn_error **error_out);

/**
 * Ends a reconciliation and frees it. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_reconcile_free(untorn_reconcile *reconcile);

/* ------------------------------------------------------------------------
 * Sessions: searching
 * ------------------------------------------------------------------------ */

/**
 * Searches the journals of all sessions for a text in UTF-8, ignoring case.
 * Returns at most max_hits (0: 100) hits, in the order of the keys, and within a
 * journal in the order of the records. In format json it searches the whole
 * record with its escapes decoded. Takes no lock. Free the list with
 * untorn_hits_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_store_search(const untorn_store *store,
                                const char *text,
                                size_t max_hits,
                                const untorn_call_options *call,
                                untorn_hits **hits_out,
                                untorn_error **error_out);

/**
 * Writes the hit number index, from 0: the session's key, where the record
 * begins, and the text around the match, in UTF-8. The match is the bytes start
 * to end of that text. Each output may be NULL; the strings belong to the list.
 * Returns false and writes nothing if the list is shorter.
 */
UNTORN_API
bool untorn_hits_get(const untorn_hits *hits,
                     size_t index,
                     const char **key_out,
                     untorn_position *position_out,
                     const char **snippet_out,
                     size_t *start_out,
                     size_t *end_out);

/**
 * Frees a list of hits. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_hits_free(untorn_hits *hits);

/* ------------------------------------------------------------------------
 * Stores in a PostgreSQL database
 * ------------------------------------------------------------------------ */

/**
 * The statement was carried out, and its rows were given.
 */
#define UNTORN_POSTGRES_ANSWERED 0

/**
 * The server answered with an error, which was given.
 */
#define UNTORN_POSTGRES_REFUSED 1

/**
 * No connection could be had: nothing was sent.
 */
#define UNTORN_POSTGRES_NO_CONNECTION 2

/**
 * The connection broke before the answer came: the statement was carried out, or it was
 * not.
 */
#define UNTORN_POSTGRES_NO_ANSWER 3

/**
 * How a store in a database is opened. Initialise it with
 * UNTORN_POSTGRES_OPTIONS_INIT. NULL means the same as that.
 */
typedef struct {
  /**
   * sizeof(untorn_postgres_options).
   */
  size_t size;
  /**
   * How long a claim that waits does so, in milliseconds. -1 (the default) waits
   * without a limit, 0 tries once.
   */
  int64_t timeout_ms;
  /**
   * The name of a session's journal. NULL (the default): journal.jsonl.
   */
  const char *journal_name;
  /**
   * The name of a session's state document. NULL (the default): state.json.
   */
  const char *state_name;
  /**
   * How the sessions' journals are opened: format, max_record and sealed. NULL: the
   * defaults. UNTORN_INVALID_ARGUMENT, when a journal is opened, for a scheme of
   * locks.
   */
  const untorn_journal_options *journal;
  /**
   * UNTORN_DURABILITY_POWER (the default): the server's medium has each change, and
   * each synchronous standby. UNTORN_DURABILITY_PROCESS: a crash of the server may
   * lose the last moments.
   */
  int32_t durability;
  /**
   * Not 0: a lease also ends with a connection of its own, so that a dead owner's
   * session is free at once. It needs the driver's connect, and no pooler in
   * transaction mode. Default: 0.
   */
  int32_t connected;
  /**
   * The time to live of a lease, in milliseconds. A thread of this library renews it
   * three times within it. Default: 15,000.
   */
  int64_t ttl_ms;
  /**
   * How long a statement is sent again after its connection broke, in milliseconds.
   * A failover should fit in it. Default: 10,000.
   */
  int64_t patience_ms;
} untorn_postgres_options;

/**
 * One statement with its parameters, as PQexecParams() takes them. It and all that it
 * points to belong to the library, and are valid until the callback returns.
 */
typedef struct {
  /**
   * The SQL, NUL-terminated.
   */
  const char *sql;
  /**
   * The number of parameters, and of the elements of each array below. The arrays
   * may be NULL if it is 0.
   */
  int32_t count;
  /**
   * The type of each parameter, as PostgreSQL's OID.
   */
  const uint32_t *types;
  /**
   * The bytes of each parameter in PostgreSQL's binary format, without a NUL at
   * the end. NULL is null.
   */
  const char *const *values;
  /**
   * The number of those bytes.
   */
  const int32_t *lengths;
  /**
   * 1 for each parameter: binary.
   */
  const int32_t *formats;
} untorn_postgres_statement;

/**
 * Runs one statement on a connection that is in no transaction, so that the statement
 * is one (autocommit). connection is one of untorn_postgres_connect; NULL means any
 * connection that no other thread uses. Give the rows to
 * untorn_postgres_answer_row() and untorn_postgres_answer_value(), in PostgreSQL's
 * binary format. Send the statement once: the library sends it again if that is
 * right.
 *
 * Returns UNTORN_POSTGRES_ANSWERED; or UNTORN_POSTGRES_REFUSED after
 * untorn_postgres_answer_refused(); or UNTORN_POSTGRES_NO_CONNECTION or
 * UNTORN_POSTGRES_NO_ANSWER, best after untorn_postgres_answer_failed().
 *
 * Many threads call it at once, among them threads of this library. It must return:
 * it must not end its thread, jump out or throw. It must call no function of this
 * library but those of the answer, and keep neither statement nor answer.
 */
typedef int32_t (*untorn_postgres_query)(void *context,
                                         void *connection,
                                         const untorn_postgres_statement *statement,
                                         untorn_postgres_answer *answer);

/**
 * Frees what the driver needs. Any thread may call it, and only after the last call of
 * the others has returned.
 */
typedef void (*untorn_postgres_release)(void *context);

/**
 * Opens a connection to the server itself, not through a pooler in transaction mode.
 * *connection_out stands for it until untorn_postgres_disconnect. It returns as
 * untorn_postgres_query does, and the same is demanded of it.
 */
typedef int32_t (*untorn_postgres_connect)(void *context,
                                           void **connection_out,
                                           untorn_postgres_answer *answer);

/**
 * Closes a connection of untorn_postgres_connect.
 */
typedef void (*untorn_postgres_disconnect)(void *connection);

/**
 * Waits until the server notifies this connection, for timeout_ms milliseconds at
 * most. Gives each channel to untorn_postgres_answer_notified(). Returns
 * UNTORN_POSTGRES_ANSWERED, also if none came; or UNTORN_POSTGRES_NO_ANSWER if the
 * connection broke. The same is demanded of it as of untorn_postgres_query.
 */
typedef int32_t (*untorn_postgres_wait)(void *connection,
                                        int64_t timeout_ms,
                                        untorn_postgres_answer *answer);

/**
 * A driver: the program's own connections, for example of libpq. Initialise it with
 * UNTORN_POSTGRES_DRIVER_INIT. Only query is needed. With connect, disconnect and
 * wait the followers of a store are woken by the server, and a lease can end with
 * its owner's connection. One connection is used by one thread at a time.
 * examples/c-postgres has a driver for libpq to copy.
 */
typedef struct {
  /**
   * sizeof(untorn_postgres_driver).
   */
  size_t size;
  /**
   * Passed to query, connect and release.
   */
  void *context;
  /**
   * Runs one statement.
   */
  untorn_postgres_query query;
  /**
   * Frees context after the last use. May be NULL. See
   * untorn_store_open_postgres().
   */
  untorn_postgres_release release;
  /**
   * Opens a connection that its user keeps. May be NULL, as the two below then.
   */
  untorn_postgres_connect connect;
  /**
   * Closes it.
   */
  untorn_postgres_disconnect disconnect;
  /**
   * Waits on it for notifications.
   */
  untorn_postgres_wait wait;
} untorn_postgres_driver;

/**
 * Writes what UNTORN_POSTGRES_OPTIONS_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_postgres_options_init(untorn_postgres_options *options,
                                  size_t size);

/**
 * Writes what UNTORN_POSTGRES_DRIVER_INIT holds. See untorn_call_options_init().
 */
UNTORN_API
void untorn_postgres_driver_init(untorn_postgres_driver *driver,
                                 size_t size);

/**
 * Makes the schema (NULL: untorn), or brings it up to date. *applied_out (may be
 * NULL) is how many migrations were applied: 0 if nothing was missing. Each is one
 * statement and one transaction; of several callers at once one applies it. The
 * role must be allowed to make the schema. The library calls driver->query during
 * the call only, and never driver->release.
 *
 * UNTORN_CONFLICT if a newer version made the schema. UNTORN_PERMISSION_DENIED.
 * UNTORN_IO if no answer came: call it again.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_postgres_migrate(const untorn_postgres_driver *driver,
                                    const char *schema,
                                    size_t *applied_out,
                                    untorn_error **error_out);

/**
 * Returns the migration number index, from 0, as an SQL script for psql or a tool of
 * your own. It is a transaction. schema NULL is untorn. Free the string with
 * untorn_string_free(). NULL if the library has fewer.
 */
UNTORN_API
char *untorn_postgres_migration(size_t index,
                                const char *schema);

/**
 * Opens the store in the schema (NULL: untorn) of a PostgreSQL database. The functions
 * for stores, sessions and what belongs to them work on it as on files. The verbs that
 * only files have are UNTORN_UNSUPPORTED. Close it with untorn_store_close().
 *
 * The struct driver is copied. If the call succeeds, the library calls
 * driver->release once, after its last use of the driver: when the store and all
 * that was made of it are freed, and its threads have ended. If it fails, the
 * library does not call it.
 *
 * In a child of fork() open another store with other connections: what was opened
 * before belongs to the parent, and may only be used there.
 *
 * UNTORN_NOT_FOUND if the schema is missing, UNTORN_CONFLICT if its migrations are
 * older or newer than this library's: see untorn_postgres_migrate().
 * UNTORN_PERMISSION_DENIED. UNTORN_IO if no connection could be had.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_store_open_postgres(const untorn_postgres_driver *driver,
                                       const char *schema,
                                       const untorn_postgres_options *options,
                                       untorn_store **store_out,
                                       untorn_error **error_out);

/**
 * Tests whether the server keeps the promises of the store in the schema (NULL:
 * untorn): its settings, statements outside of transactions, and on connections of
 * driver->connect advisory locks and notifications, which a pooler in transaction
 * mode does not pass on. It changes nothing that stays. A check that needs connect is
 * UNTORN_CHECK_SKIPPED without it. Free the report with untorn_selftest_free().
 *
 * UNTORN_NOT_FOUND if the schema is missing. UNTORN_IO if no connection could be had.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_postgres_selftest(const untorn_postgres_driver *driver,
                                     const char *schema,
                                     untorn_selftest_report **selftest_out,
                                     untorn_error **error_out);

/**
 * Begins the next row.
 */
UNTORN_API void untorn_postgres_answer_row(untorn_postgres_answer *answer);

/**
 * Adds the next column of the row: the OID of its type, and its len bytes in
 * PostgreSQL's binary format. data NULL is null.
 */
UNTORN_API
void untorn_postgres_answer_value(untorn_postgres_answer *answer,
                                  uint32_t oid,
                                  const void *data,
                                  size_t len);

/**
 * Reports an error of the server, in its own fields: sqlstate has five characters
 * ("40001"). message, detail and hint may be NULL. The callback then returns
 * UNTORN_POSTGRES_REFUSED.
 */
UNTORN_API
void untorn_postgres_answer_refused(untorn_postgres_answer *answer,
                                    const char *sqlstate,
                                    const char *message,
                                    const char *detail,
                                    const char *hint);

/**
 * Says why no connection or no answer could be had. It becomes a part of the error's
 * message: it must have no password in it.
 */
UNTORN_API
void untorn_postgres_answer_failed(untorn_postgres_answer *answer,
                                   const char *message);

/**
 * Adds the channel of a notification. For untorn_postgres_wait only.
 */
UNTORN_API
void untorn_postgres_answer_notified(untorn_postgres_answer *answer,
                                     const char *channel);

/* ------------------------------------------------------------------------
 * Processes
 * ------------------------------------------------------------------------ */

/**
 * Unknown: the process is on another host or in another container, or hidden
 * from this one.
 */
#define UNTORN_ALIVE_UNKNOWN 0

/**
 * This process lives.
 */
#define UNTORN_ALIVE 1

/**
 * It has ended. Another process may have its pid now.
 */
#define UNTORN_DEAD 2

/**
 * Returns this process. Free it with untorn_process_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_process_current(untorn_process **process_out,
                                   untorn_error **error_out);

/**
 * Finds the process that has this pid now. If no process has it, *process_out is
 * a dead process whose start is 0. Free it with untorn_process_free().
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_process_of(uint32_t pid,
                              untorn_process **process_out,
                              untorn_error **error_out);

/**
 * Reads a process that untorn_process_json() wrote, here or in another process,
 * now or earlier. Free it with untorn_process_free().
 *
 * UNTORN_INVALID_ARGUMENT for any other text.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_process_from_json(const char *json,
                                     untorn_process **process_out,
                                     untorn_error **error_out);

/**
 * Returns its pid; 0 for NULL.
 */
UNTORN_API uint32_t untorn_process_pid(const untorn_process *process);

/**
 * Returns when it started, in the system's own unit (clock ticks since boot on
 * Linux); 0 if no such process existed or could be seen.
 */
UNTORN_API uint64_t untorn_process_start(const untorn_process *process);

/**
 * Returns the id of the machine's boot; NULL if unknown.
 */
UNTORN_API const char *untorn_process_boot(const untorn_process *process);

/**
 * Returns the host; NULL if unknown.
 */
UNTORN_API const char *untorn_process_host(const untorn_process *process);

/**
 * Returns the identity as one line of JSON, to store or to send to another
 * process.
 */
UNTORN_API const char *untorn_process_json(const untorn_process *process);

/**
 * Checks whether it lives now: UNTORN_ALIVE, UNTORN_DEAD or
 * UNTORN_ALIVE_UNKNOWN. A zombie is dead, and so is a process whose pid another
 * one has now.
 */
UNTORN_API int32_t untorn_process_alive(const untorn_process *process);

/**
 * Frees a process. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_process_free(untorn_process *process);

/* ------------------------------------------------------------------------
 * Events: what happens without a call asking for it
 * ------------------------------------------------------------------------ */

/**
 * The kind of an event: of something that happened without a call asking for
 * it. waiting: A call has waited for a lock longer than the threshold (2
 * seconds by default), and waits on. holder names the process that holds it,
 * waited says how long. It is reported again after 4, 16, 64 times the
 * threshold, and so on. Its severity is a warning, or info if the call has a
 * timeout.
 */
#define UNTORN_EVENT_WAITING 1

/**
 * A wait that was reported is over: the call got the lock, or gave up.
 */
#define UNTORN_EVENT_WAITED 2

/**
 * A torn tail of a journal was repaired. offset is its start, bytes the number
 * of bytes that were cut, kept the file that has them. With 0 bytes, only a
 * newline was added.
 */
#define UNTORN_EVENT_REPAIRED 3

/**
 * An append of many records, whose process died, was taken back. offset is its
 * start, bytes the number of bytes, kept the file that has them.
 */
#define UNTORN_EVENT_UNDONE 4

/**
 * A change that a dead process left half done was finished or taken back. The
 * change is a transaction, a rewrite, a save in place or a header stamp. path
 * is the file, or the directory of the transaction.
 */
#define UNTORN_EVENT_RECOVERED 5

/**
 * Temporary files of dead processes were removed from the directory path.
 * count is their number.
 */
#define UNTORN_EVENT_SWEPT 6

/**
 * A reader skipped damage. damage is its kind, offset and bytes its place.
 * Each read reports only its first damage. A torn tail is not reported, since
 * an append in progress looks the same.
 */
#define UNTORN_EVENT_SKIPPED_DAMAGE 7

/**
 * A journal was rotated. kept is the rotated file.
 */
#define UNTORN_EVENT_ROTATED 8

/**
 * A sync failed. Bytes that were written may not be durable, and the handle
 * refuses further work: open it again.
 */
#define UNTORN_EVENT_POISONED 9

/**
 * Events came faster than the receiver took them. count is the number of those
 * that it did not get.
 */
#define UNTORN_EVENT_DROPPED 10

/**
 * This process learned that it lost the lease of a session in a database. path
 * names the session. Its later changes of that session are refused.
 */
#define UNTORN_EVENT_LEASE_LOST 11

/**
 * A file was opened, and a file next to it shows that programs lock it in
 * another scheme. They do not exclude each other. The message names that file
 * and the scheme. Each file and scheme is reported once in a process.
 */
#define UNTORN_EVENT_OTHER_SCHEME 12

/**
 * How much an event matters. info: It is good to know.
 */
#define UNTORN_SEVERITY_INFO 1

/**
 * A process died, waits for long, or finds damage. Nothing was lost without a
 * copy.
 */
#define UNTORN_SEVERITY_WARNING 2

/**
 * Bytes may be lost.
 */
#define UNTORN_SEVERITY_ERROR 3

/**
 * An event. It begins with its size, and may grow at its end: read a field that a
 * later version added only if size covers it. It lives as long as the call of the
 * callback.
 */
typedef struct {
  /**
   * The size of this struct, as the library has it.
   */
  size_t size;
  /**
   * The kind of event: a UNTORN_EVENT_ number.
   */
  int32_t kind;
  /**
   * How much it matters: a UNTORN_SEVERITY_ number.
   */
  int32_t severity;
  /**
   * The kind as a word, for example "waiting". It is the same in every language.
   */
  const char *name;
  /**
   * The operation in which it happened, for example "append".
   */
  const char *operation;
  /**
   * The file, or the directory of a transaction or a sweep.
   */
  const char *path;
  /**
   * All of it in one line, for people.
   */
  const char *message;
  /**
   * The process that holds the lock, or NULL.
   */
  const untorn_holder *holder;
  /**
   * The file that keeps what was cut off or rotated, or NULL.
   */
  const char *kept;
  /**
   * How long the call has waited.
   */
  uint64_t waited_ms;
  /**
   * The place in the file.
   */
  uint64_t offset;
  /**
   * How many bytes it concerns.
   */
  uint64_t bytes;
  /**
   * How many files or events it concerns.
   */
  uint64_t count;
  /**
   * The kind of damage: a UNTORN_DAMAGE_ number, or 0.
   */
  int32_t damage;
  /**
   * Always 0.
   */
  int32_t reserved;
} untorn_event;

/**
 * Receives events. See untorn_set_event_callback().
 */
typedef void (*untorn_event_callback)(const untorn_event *event, void *user);

/**
 * Reports the events of this process to callback, in place of an earlier one; NULL
 * reports no more. Without a callback nothing is reported. The library calls it on
 * a thread of its own, with one event at a time, in their order. That thread holds
 * no lock. The callback may take its time, wait for any lock and call any function.
 * It never delays the call that an event is about. It must return: it must not end
 * its thread, jump out or throw. When this function returns, an earlier callback is
 * no longer running, unless the earlier callback is the caller. So its user can be
 * freed. A forked child reports its own events to the same callback.
 */
UNTORN_API
void untorn_set_event_callback(untorn_event_callback callback,
                               void *user);

/**
 * Waits until the callback has had the events so far, at most for timeout_ms; -1
 * waits without a limit. Returns whether it has. A program calls it before it ends.
 * It must not hold what its callback waits for.
 */
UNTORN_API
bool untorn_flush_events(int64_t timeout_ms);

/**
 * Sets after how many milliseconds a wait for a lock is reported as
 * UNTORN_EVENT_WAITING, for the whole process. The default is 2000. Waits that have
 * begun keep the threshold that they began with.
 */
UNTORN_API
void untorn_set_wait_threshold(uint64_t threshold_ms);

/**
 * Returns the name of a kind of event, for example "waiting", or NULL for another
 * number. The name is the same in every language. The string is static.
 */
UNTORN_API
const char *untorn_event_name(int32_t kind);

/**
 * Returns the name of a severity, for example "warning", or NULL for another
 * number. The string is static.
 */
UNTORN_API const char *untorn_severity_name(int32_t severity);

/* ------------------------------------------------------------------------
 * The self-test, and the library's version
 * ------------------------------------------------------------------------ */

/**
 * The check passed.
 */
#define UNTORN_CHECK_PASSED 0

/**
 * The check failed.
 */
#define UNTORN_CHECK_FAILED 1

/**
 * The check was not made; the detail says why.
 */
#define UNTORN_CHECK_SKIPPED 2

/**
 * Tests the directory dir with a second process and temporary files. It checks
 * whether locks of this scheme (a UNTORN_SCHEME_ number) exclude, whether a
 * process that dies releases them, and whether files can be renamed, linked and
 * synced. Some systems report success for locks that do not lock: this test
 * detects that. Free the report with untorn_selftest_free().
 *
 * UNTORN_NOT_FOUND, UNTORN_PERMISSION_DENIED: the test could not run.
 */
UNTORN_API
UNTORN_MUST_USE
untorn_code untorn_selftest(const char *dir,
                            int32_t scheme,
                            untorn_selftest_report **selftest_out,
                            untorn_error **error_out);

/**
 * Returns whether no check failed. False for NULL.
 */
UNTORN_API bool untorn_selftest_passed(const untorn_selftest_report *selftest);

/**
 * Returns the name of the file system, for example "ext4"; "PostgreSQL" for a
 * database. The string belongs to the report.
 */
UNTORN_API
const char *untorn_selftest_file_system(const untorn_selftest_report *selftest);

/**
 * Writes the check number index, from 0: its name ("exclusion"), its result (a
 * UNTORN_CHECK_ number), and what was observed, for people. Each output may be
 * NULL; the strings belong to the report. Returns false and writes nothing if
 * the list is shorter.
 */
UNTORN_API
bool untorn_selftest_check(const untorn_selftest_report *selftest,
                           size_t index,
                           const char **name_out,
                           int32_t *outcome_out,
                           const char **detail_out);

/**
 * Frees a report. NULL is allowed and does nothing.
 */
UNTORN_API void untorn_selftest_free(untorn_selftest_report *selftest);

/**
 * Returns this library's version at run time, for example "0.1.0".
 * UNTORN_VERSION is the header's. The string is static.
 */
UNTORN_API const char *untorn_version(void);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* UNTORN_H */
