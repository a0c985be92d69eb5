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

// end generated words
