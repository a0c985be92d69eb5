// The options that most calls take.

import type { FileLock } from './lock.js'
import type { Durability, Format, HeaderMode, OnUnsupported, Scheme } from './words.js'

/** Which lock is taken. */
export interface SchemeOptions {
  // begin generated scheme options (spec/options.toml, cargo xtask generate)
  /**
   * Which file carries the lock. All programs that share the file must use the same scheme.
   * Default: `'sidecar'`.
   */
  scheme?: Scheme | undefined
  /**
   * The reaction to a file system that reports that it does not lock files. Default: `'fail'`.
   */
  onUnsupported?: OnUnsupported | undefined
  /**
   * Scheme `pid-file` only: the age at which a lock file without a refresh is taken over. At least
   * 2 s. In milliseconds; default: 10,000.
   */
  stale?: number | undefined
  // end generated scheme options
}

/** How a blocking call within a transaction waits. */
export interface WaitSyncOptions {
  /** The timeout in milliseconds. 0 tries once, `Infinity` waits without a limit. */
  timeout?: number | undefined
}

/** How a call within a transaction waits. */
export interface WaitOptions extends WaitSyncOptions {
  /** Ends the wait: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** How a blocking call waits. */
export interface SyncCallOptions {
  /** The timeout in milliseconds. 0 tries once, `Infinity` waits without a limit. */
  timeout?: number | undefined
  /** A lock that you hold already: the call works under it. */
  lock?: FileLock | undefined
}

/** How an asynchronous call waits. */
export interface CallOptions extends SyncCallOptions {
  /** Ends the wait: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** How far a long call is. */
export interface Progress {
  /** The number of bytes that are done. */
  readonly done: number
  /** The number of all bytes. It can grow, since other processes append meanwhile. */
  readonly total: number
}

/** How the progress of a long call is reported. */
export interface ProgressOptions {
  /**
   * Called about every 50 ms, and once more with `done` equal to `total` when all is done. If it
   * throws, the error is uncaught, and the call goes on.
   */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** How a journal is opened. */
export interface JournalOptions extends SchemeOptions {
  // begin generated journal options (spec/options.toml, cargo xtask generate)
  /**
   * How long a call waits for the lock. In milliseconds; 0 tries once. Default: without a limit;
   * blocking calls 5,000.
   */
  timeout?: number | undefined
  /**
   * How many bytes a record may have, without its newline. Longer lines are damage to a reader.
   * Default: 64 MiB.
   */
  maxRecord?: number | undefined
  /**
   * Permission bits of a new file. A file that exists keeps its own. Default: 0666 less the umask.
   */
  mode?: number | undefined
  /**
   * The failure that a finished call survives: a power cut (`power`), or the end of any process
   * (`process`). Default: `'power'`.
   */
  durability?: Durability | undefined
  /**
   * The format of the records. With `'lines'` you pass a string or bytes, and receive a Buffer.
   * Default: `'json'`.
   */
  format?: Format | undefined
  /**
   * Whether an append creates the file if it is missing, also after it was deleted. If not, the
   * append fails with `NotFoundError`. Default: yes.
   */
  create?: boolean | undefined
  /**
   * Whether missing parent directories are created when the handle is opened. Default: no.
   */
  parents?: boolean | undefined
  /**
   * Whether an append, a rewrite or a repair may change a file that is plainly not a journal, and
   * cut its end off. Such a file is UTF-16, a JSON document over several lines, or binary. If not,
   * it fails with `CorruptError`. Format `json` only. Default: no.
   */
  cutForeignTail?: boolean | undefined
  /**
   * An append that finds the journal larger than this many bytes rotates it first. So the journal
   * is never larger than this and one append. If the rotation fails, so does the append. Default:
   * no limit (`Infinity`).
   */
  maxBytes?: number | undefined
  /**
   * How many rotated files a rotation by `maxBytes` leaves, including those of `rewind` and
   * `rotate`. It removes older ones. It neither counts nor removes a file that only has such a
   * name, or that another program copied, replaced or appended to. Default: no limit (`Infinity`).
   */
  keep?: number | undefined
  /**
   * The journal may have a header: its first line, if that begins with these bytes. The header is
   * not a record. All handles on a journal must have the same prefix. A handle without it sees the
   * header as a record. Default: none.
   */
  headerPrefix?: string | Uint8Array | undefined
  /**
   * How many bytes a new header takes, including its newline. It is padded with spaces, so that
   * later ones fit in its place. A longer header takes as much as it needs. Default: 512.
   */
  headerReserve?: number | undefined
  /**
   * How an existing header is changed: in its place if it fits (`stamp`), or always with a new file
   * (`rename`). Default: `'stamp'`.
   */
  headerMode?: HeaderMode | undefined
  /**
   * Whether a checksum follows each record (35 bytes per record). JSON readers take it for white
   * space. It detects bit rot and spliced lines. It also makes an append of many records all or
   * nothing across a power cut. Format `json` only. Default: no.
   */
  sealed?: boolean | undefined
  // end generated journal options
  /** Encodes a record, instead of `JSON.stringify`. Its result is checked before it is written. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** Decodes a record, instead of `JSON.parse`. */
  parse?: ((record: any) => any) | undefined
}

/** How a document is opened. */
export interface DocumentOptions extends SchemeOptions {
  // begin generated document options (spec/options.toml, cargo xtask generate)
  /**
   * How long a call waits for the lock. In milliseconds; 0 tries once. Default: without a limit;
   * blocking calls 5,000.
   */
  timeout?: number | undefined
  /**
   * Permission bits of a new file. A file that exists keeps its own. Default: 0666 less the umask.
   */
  mode?: number | undefined
  /**
   * The failure that a finished call survives: a power cut (`power`), or the end of any process
   * (`process`). Default: `'power'`.
   */
  durability?: Durability | undefined
  /**
   * Whether missing parent directories are created when the handle is opened. Default: no.
   */
  parents?: boolean | undefined
  // end generated document options
  /** Encodes a value, instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** Decodes a value, instead of `JSON.parse`. */
  parse?: ((text: string) => any) | undefined
}
