// The words that options take.

// begin generated words (spec/constants.toml, cargo xtask generate)
/**
 * The failure that a finished call survives.
 *
 * - `'process'`: This process, or any other, dies at any instruction: the bytes are in the kernel.
 *   A power cut may lose them.
 * - `'power'`: The machine loses power. The bytes are durable on disk before the call returns
 *   (`fdatasync` or `fsync`, `F_FULLFSYNC` on Apple systems). So is the directory if a name was
 *   created or changed.
 */
export type Durability = 'process' | 'power'

/**
 * The format of a journal's records.
 *
 * - `'json'`: A record is one JSON value.
 * - `'lines'`: A record is any bytes without a newline or NUL.
 */
export type Format = 'json' | 'lines'

/**
 * Which file carries the lock of a path `P`. All programs that share `P` must use the same scheme.
 *
 * - `'sidecar'`: An OS lock on the file `P.lock`. Use this one, unless other programs already have
 *   their own scheme.
 * - `'in-place'`: An OS lock on `P` itself, like that of programs that `flock` their data file. `P`
 *   keeps its inode: a document is saved in place. An empty file is a document that does not exist.
 * - `'pid-file'`: The lock is held while the file `P.lock` exists, which contains the holder's pid.
 *   A holder that is stopped for longer than the option `stale` can lose the lock.
 */
export type Scheme = 'sidecar' | 'in-place' | 'pid-file'

/**
 * The reaction to a file system that reports that it does not lock files.
 *
 * - `'fail'`: Fail with `LockUnsupportedError`: a call never continues without a lock.
 * - `'pid-file'`: Use the scheme `pid-file` there.
 */
export type OnUnsupported = 'fail' | 'pid-file'

/**
 * How an existing header is changed.
 *
 * - `'stamp'`: In place, if it fits: the cost does not depend on the journal's length.
 * - `'rename'`: Always with a new file. Programs that read without this library then never see half
 *   a header.
 */
export type HeaderMode = 'stamp' | 'rename'

/**
 * The kind of an event: of something that happened without a call asking for it.
 *
 * - `'waiting'`: A call has waited for a lock longer than the threshold (2 seconds by default), and
 *   waits on. `holder` names the process that holds it, `waited` says how long. It is reported
 *   again after 4, 16, 64 times the threshold, and so on. Its severity is a warning, or info if the
 *   call has a timeout.
 * - `'waited'`: A wait that was reported is over: the call got the lock, or gave up.
 * - `'repaired'`: A torn tail of a journal was repaired. `offset` is its start, `bytes` the number
 *   of bytes that were cut, `kept` the file that has them. With 0 bytes, only a newline was added.
 * - `'undone'`: An append of many records, whose process died, was taken back. `offset` is its
 *   start, `bytes` the number of bytes, `kept` the file that has them.
 * - `'recovered'`: A change that a dead process left half done was finished or taken back. The
 *   change is a transaction, a rewrite, a save in place or a header stamp. `path` is the file, or
 *   the directory of the transaction.
 * - `'swept'`: Temporary files of dead processes were removed from the directory `path`. `count` is
 *   their number.
 * - `'skipped_damage'`: A reader skipped damage. `damage` is its kind, `offset` and `bytes` its
 *   place. Each read reports only its first damage. A torn tail is not reported, since an append in
 *   progress looks the same.
 * - `'rotated'`: A journal was rotated. `kept` is the rotated file.
 * - `'poisoned'`: A sync failed. Bytes that were written may not be durable, and the handle refuses
 *   further work: open it again.
 * - `'dropped'`: Events came faster than the receiver took them. `count` is the number of those
 *   that it did not get.
 * - `'lease_lost'`: This process learned that it lost the lease of a session in a database. `path`
 *   names the session. Its later changes of that session are refused.
 * - `'other_scheme'`: A file was opened, and a file next to it shows that programs lock it in
 *   another scheme. They do not exclude each other. The message names that file and the scheme.
 *   Each file and scheme is reported once in a process.
 */
export type EventKind = 'waiting' | 'waited' | 'repaired' | 'undone' | 'recovered' | 'swept' | 'skipped_damage' | 'rotated' | 'poisoned' | 'dropped' | 'lease_lost' | 'other_scheme'

/**
 * How much an event matters.
 *
 * - `'info'`: It is good to know.
 * - `'warning'`: A process died, waits for long, or finds damage. Nothing was lost without a copy.
 * - `'error'`: Bytes may be lost.
 */
export type Severity = 'info' | 'warning' | 'error'

// end generated words
