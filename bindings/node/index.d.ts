// Symbol.dispose and Symbol.asyncDispose.
/// <reference lib="esnext.disposable" />
/// <reference types="node" />

/**
 * Appends records to JSONL files and saves JSON files safely from several processes: a lock for
 * each change, and no half-written file after a crash. The files stay plain files.
 *
 * Every asynchronous method has a `...Sync` twin, which blocks. Times are milliseconds.
 * Asynchronous calls never block the event loop. They wait without a limit, unless you set a
 * timeout. Blocking calls wait 5,000 ms at most by default.
 *
 * Every error is an `UntornError`, also an error about an argument. Two errors are not: one that
 * your own function throws, and the `reason` of an aborted signal. An option with an unknown name
 * is refused.
 */

/** The version of this package. */
export const version: string

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

/** A place in a journal, at the end of a record. You can store and compare it. */
export interface Position {
  /** Which of the files that had this name. */
  readonly generation: number
  /** Bytes from the start of the file. */
  readonly offset: number
}

/** A hash of a document's bytes: 32 hexadecimal digits. */
export type Version = string

/** The process that holds a lock, as far as it is known. */
export interface Holder {
  /** The pid of the process. */
  readonly pid: number
  /** When the process started, in the system's own unit. */
  readonly start: number | null
  /** The id of the machine's boot in which it runs. */
  readonly boot: string | null
  /** The namespace of its pid: each container has its own. */
  readonly namespace: string | null
  /** The machine's name. */
  readonly host: string | null
  /** The label that it chose. */
  readonly label: string | null
  /** Since when it holds the lock, as RFC 3339 in UTC. */
  readonly since: string | null
  /** Whether the process lives, as far as this process can see. */
  readonly alive: 'alive' | 'dead' | 'unknown'
}

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
   * Whether an append or a repair may cut the end off a file that is plainly not a journal: UTF-16,
   * a JSON document over several lines, a binary file. If not, it fails with `CorruptError`. Format
   * `json` only. Default: no.
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

/**
 * What is wrong with a stretch of a journal. `'unreadable'`: nothing, but JavaScript can't
 * take the record (it is longer than a string can be); `bytes` has it.
 */
export type DamageKind =
  | 'torn_tail'
  | 'nul_run'
  | 'too_long'
  | 'glued'
  | 'not_json'
  | 'not_utf8'
  | 'bad_seal'
  | 'missing_newline'
  | 'byte_order_mark'
  | 'carriage_return'
  | 'lone_surrogate'
  | 'unreadable'

/** A stretch of a journal that was skipped. */
export interface Damage {
  /** The kind of damage. */
  readonly kind: DamageKind
  /** Bytes from the start of the file. */
  readonly offset: number
  /** The number of bytes. */
  readonly length: number
  /** The number of the line, from 1. Undefined if reading began within the file. */
  readonly line?: number
  /** Whether the next append, or `repair`, mends it: it is at the end of the file. */
  readonly repairable?: boolean
  /** The record, if it is `'unreadable'`. */
  readonly bytes?: Buffer
  /** The reason, if the record is `'unreadable'`. */
  readonly cause?: unknown
}

/** How damage is reported. */
export interface DamageOptions {
  /**
   * Called for each damaged stretch, in file order with the records. Without it, `process` emits
   * one `UntornWarning` per read, which names the place of the first.
   */
  onDamage?: ((damage: Damage) => void) | undefined
}

/** Which part of a journal is read. */
export interface ReadOptions extends DamageOptions {
  /** Reads from this position on, instead of from the beginning. */
  start?: Position | undefined
  /**
   * The most records. One more throws a `LimitExceededError`; continue reading at its `position`.
   */
  maxRecords?: number | undefined
  /** The most bytes of records, without their newlines. One more throws a `LimitExceededError`. */
  maxBytes?: number | undefined
}

/** A record and its place. */
export interface Entry<T> {
  /** The record. */
  readonly value: T
  /** The position where the record begins. */
  readonly start: Position
  /** The position just after the record: reading from here yields what follows. */
  readonly end: Position
}

/** The result of checking a journal. */
export interface Report {
  /** The number of good records. */
  readonly records: number
  /** Whether the journal has a header, which is not a record. */
  readonly header: boolean
  /** The number of good records without a seal, in a sealed journal. */
  readonly unsealed: number
  /** The size of the file. */
  readonly bytes: number
  /** The position where the last whole line ends. */
  readonly end: Position
  /** The first 1,024 damaged stretches, in file order. */
  readonly damage: readonly Damage[]
  /** The number of all damaged stretches. */
  readonly damageCount: number
  /** Whether nothing is damaged. */
  readonly ok: boolean
  /**
   * Sound stretches that other programs stumble over: a byte order mark, carriage returns, half a
   * character as an escape. The first place of each kind.
   */
  readonly notes: readonly Damage[]
  /** The repair that was made. Null if none was needed, and always from `verify`. */
  readonly repaired: { readonly offset: number; readonly cut: number; readonly newlineAdded: boolean } | null
}

/** `SyncCallOptions`, and what else happens in the same step. */
export interface AppendAllSyncOptions extends SyncCallOptions {
  /**
   * Appends only if the journal ends here; otherwise throws a `ConflictError`. Never undefined:
   * that would be no check.
   */
  at?: Position
  /** Sets the header in the same step: both happen or neither. */
  header?: unknown | undefined
}

/** `CallOptions`, and what else happens in the same step. */
export interface AppendAllOptions extends AppendAllSyncOptions {
  /** Ends the wait: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** The records that a rewritten journal will have, all at once or one after the other. */
export type Kept<T> = Iterable<T> | AsyncIterable<T>

/**
 * An append-only file of one-line records. Any number of processes and threads append to it.
 *
 * Appends on one handle keep the order of their calls. Appends that queue up during a write are
 * committed together. `rewind`, `rotate`, `replace` and `compact` keep their order among
 * themselves, but not with appends: if an append must come before one of them, await it first.
 */
export class Journal<T = unknown> implements AsyncIterable<T>, Iterable<T>, Disposable, AsyncDisposable {
  private constructor()
  /** Opens the journal at `path`. The file need not exist yet: the first append creates it. */
  static open<T = unknown>(path: string | URL, options?: JournalOptions): Promise<Journal<T>>
  static openSync<T = unknown>(path: string | URL, options?: JournalOptions): Journal<T>

  /** The path of the file, with every symbolic link resolved. */
  readonly path: string

  /** Appends one record. Returns the position just after it. */
  append(value: T, options?: CallOptions): Promise<Position>
  appendSync(value: T, options?: SyncCallOptions): Position

  /**
   * Appends many records next to each other: all of them or none. Values that come later (an async
   * generator, a stream) are first awaited to their end. Only then does the append take its place
   * in the order. A value that is not a list of records is refused.
   */
  appendAll(values: Iterable<T> | AsyncIterable<T>, options?: AppendAllOptions): Promise<Position>
  appendAllSync(values: Iterable<T>, options?: AppendAllSyncOptions): Position

  /** Appends a record that is already encoded, after checking it. */
  appendRaw(record: string | Uint8Array, options?: CallOptions): Promise<Position>
  appendRawSync(record: string | Uint8Array, options?: SyncCallOptions): Position

  /** Reads the header; null if the journal has none. Takes no lock, and never sees half a stamp. */
  header(): Promise<any>
  headerSync(): any

  /**
   * Changes the header, or adds one. It is encoded as records are, and its text must begin with
   * `headerPrefix`. To change it together with an append, see `appendAll`.
   */
  setHeader(value: unknown, options?: CallOptions): Promise<void>
  setHeaderSync(value: unknown, options?: SyncCallOptions): void

  /**
   * Rewinds the journal to a position: removes every record after it. A rotated file keeps the
   * whole journal as it was. Returns the path of that file, or null if no record follows the
   * position. The header stays. Positions taken before this call are refused from then on.
   */
  rewind(position: Position, options?: CallOptions): Promise<string | null>
  rewindSync(position: Position, options?: SyncCallOptions): string | null

  /**
   * Moves the records to a rotated file, and begins a new, empty journal, with the same header if
   * it has one. Rotated files are named `name_1.ext`, `name_2.ext`, ...; numbers only grow. Returns
   * the path of the rotated file, or null if the journal had no records.
   */
  rotate(options?: CallOptions): Promise<string | null>
  rotateSync(options?: SyncCallOptions): string | null

  /** Replaces all records by these: all of them or none. */
  replace(values: Iterable<T> | AsyncIterable<T>, options?: CallOptions): Promise<Position>
  replaceSync(values: Iterable<T>, options?: SyncCallOptions): Position

  /**
   * Rewrites the journal under its lock, whole or not at all. `keep` receives the present records
   * and returns the records of the new journal:
   *
   *     await journal.compact(async function* (records) {
   *       for await (const record of records) if (!record.deleted) yield record
   *     })
   *
   * Appends of other processes wait, and then go into the new file. If `keep` throws, or the signal
   * is aborted, nothing changes.
   *
   * A record that `keep` yields unchanged is written byte for byte, also where JavaScript has no
   * such number (ids of 20 digits, `1e999`). `JSON.stringify` encodes a record that was changed,
   * with the numbers that JavaScript has. A record that JavaScript can't take stays, at the place
   * where `keep` passed it. A damaged stretch is left out.
   */
  compact(
    keep: (records: AsyncGenerator<T, void, undefined>) => Kept<T> | PromiseLike<Kept<T>>,
    options?: CallOptions & DamageOptions,
  ): Promise<Position>
  compactSync(
    keep: (records: Generator<T, void, undefined>) => Iterable<T>,
    options?: SyncCallOptions & DamageOptions,
  ): Position

  /** Returns where the last whole record ends. */
  end(): Promise<Position>
  endSync(): Position

  /** Reads the records. Takes no lock, and skips damage. */
  records(options?: ReadOptions): AsyncGenerator<T, void, undefined>
  /**
   * Reads the records. If you stop half-way without `break`, the file stays open until the reader
   * is garbage collected.
   */
  recordsSync(options?: ReadOptions): Generator<T, void, undefined>

  /** Reads the records, each with its place. */
  entries(options?: ReadOptions): AsyncGenerator<Entry<T>, void, undefined>
  entriesSync(options?: ReadOptions): Generator<Entry<T>, void, undefined>

  /** Reads all records into one array. */
  read(options?: ReadOptions): Promise<T[]>
  readSync(options?: ReadOptions): T[]

  /** Reads the last `n` records, oldest first. Returns fewer if some of them are damaged. */
  tail(n: number, options?: DamageOptions): Promise<T[]>
  tailSync(n: number, options?: DamageOptions): T[]
  /** Reads the last `n` records, each with its place. */
  tailEntries(n: number, options?: DamageOptions): Promise<Entry<T>[]>
  tailEntriesSync(n: number, options?: DamageOptions): Entry<T>[]

  /**
   * Yields the records that any process appends, from `start` on, or from now on.
   *
   *     for await (const record of journal.follow()) console.log(record)
   *
   * It yields each record once and in file order, and misses none, through every change of the
   * file. It takes no lock. It ends when you leave the loop or close the journal.
   */
  follow(options?: FollowOptions): Follow<T>

  /**
   * Keeps a state from the records. `apply` is called once for each record, whichever process
   * appended it. It returns the next state, or nothing if it changed the state in place. See
   * `Fold`.
   *
   *     const tokens = await journal.fold(() => 0, (sum, record) => sum + record.tokens)
   */
  fold<S>(initial: () => S, apply: (state: S, value: T) => S | void, options?: CallOptions & DamageOptions): Promise<Fold<S, T>>
  foldSync<S>(initial: () => S, apply: (state: S, value: T) => S | void, options?: SyncCallOptions & DamageOptions): Fold<S, T>

  /** Checks every record. Changes nothing. */
  verify(): Promise<Report>
  verifySync(): Report

  /** Repairs the tail, as the next append would, then checks every record. */
  repair(options?: CallOptions): Promise<Report>
  repairSync(options?: SyncCallOptions): Report

  /** Makes everything that the file contains now survive a power cut. */
  sync(): Promise<void>
  syncSync(): void

  /**
   * Closes the handle and the files that it has open. Appends that were begun are finished. Later
   * changes are refused, but you can still read. A second call does nothing.
   */
  close(): Promise<void>
  closeSync(): void

  /** The same as `records()`. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined>
  /** The same as `recordsSync()`. */
  [Symbol.iterator](): Generator<T, void, undefined>
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The records between `to` and `from` are no longer in the journal. */
export interface Rewound {
  /** How far the old file had been read. */
  readonly from: Position
  /**
   * Up to where the new file is the same as the old one. Offset 0: nothing is, or it is not known.
   */
  readonly to: Position
}

/** The start, and the functions that are called. */
export interface FollowOptions extends DamageOptions {
  /** Begins after this position instead of at the end. */
  start?: Position | undefined
  /** Ends the iteration: the wait for the next record rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * Called when records that were yielded are removed from the journal (it was rewound, rewritten
   * or replaced), before the records that follow after `to`.
   */
  onRewind?: ((rewound: Rewound) => void) | undefined
}

/** An iterator over a journal's records as they are appended. */
export interface Follow<T> extends AsyncIterableIterator<T>, AsyncDisposable {
  /** Resolves when it follows: records that are appended from then on will be yielded. */
  ready(): Promise<void>
  /**
   * The position just after the last record that was yielded: `follow({ start })` continues from
   * there. You can store it. Undefined until it is ready.
   */
  readonly position: Position | undefined
  /** Returns the next record when one is appended. */
  next(): Promise<IteratorResult<T, undefined>>
  /** Ends the iteration, and a wait that is running. */
  return(value?: any): Promise<IteratorResult<T, any>>
  /** Lets the process exit while this waits. */
  unref(): this
  /** Keeps the process alive while this waits, which is the default. */
  ref(): this
  /** Returns itself. */
  [Symbol.asyncIterator](): this
}

/**
 * A state that follows the records of a journal.
 *
 * The state changes only under the journal's lock, and after the file did. It is always what the file
 * contains up to `position`, even if many promises and processes run at once. After the journal was
 * rewound, rewritten, rotated or replaced, the state is computed again from `initial`.
 *
 * The next `refresh`, `append` or `update` applies the records that were appended otherwise. If
 * `apply` throws, so does the call; what was appended stays in the journal. The next call then
 * computes the state again.
 */
export interface Fold<S, T = unknown> extends Disposable, AsyncDisposable {
  /**
   * The state. While a turn applies many records, it is the state of a first part of the journal.
   * Throws if no state exists because `apply` threw.
   */
  readonly state: S
  /** How far the state was folded. Null while it changes, and if no state exists. */
  readonly position: Position | null
  /** Applies the records that were appended since. Waits for the lock if any were. */
  refresh(options?: CallOptions): Promise<Position>
  refreshSync(options?: SyncCallOptions): Position
  /** Appends a record and applies it, after the records that other processes appended before. */
  append(value: T, options?: CallOptions): Promise<Position>
  appendSync(value: T, options?: SyncCallOptions): Position
  /** Appends many records and applies them: all of them or none. */
  appendAll(values: Iterable<T> | AsyncIterable<T>, options?: CallOptions): Promise<Position>
  appendAllSync(values: Iterable<T>, options?: SyncCallOptions): Position
  /**
   * Lets `decide` choose from the state what to append, and appends it, under one lock. The state
   * that `decide` sees is that of the whole journal, and no other process appends in between.
   * `decide` must not change the state. If it awaits another change of the journal, that is a
   * `DeadlockError`. If it throws, nothing is appended.
   */
  update(
    decide: (state: S) => Kept<T> | null | void | PromiseLike<Kept<T> | null | void>,
    options?: CallOptions,
  ): Promise<Position>
  updateSync(decide: (state: S) => Iterable<T> | null | void, options?: SyncCallOptions): Position
  /** Closes the file that it reads. The state stays; calls that would change it are refused. */
  close(): Promise<void>
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
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

/** The version that the document must have, for the call to change it. */
export interface Expect {
  /**
   * Changes the document only if it has this version; otherwise throws a `ConflictError`. Null:
   * only if it does not exist. Never undefined, which `document.version` is before the first call:
   * that would be no check.
   */
  expect?: Version | null
}

/**
 * One value in one file, always replaced whole. At every instant the file holds its old value or
 * its new one.
 */
export class Document<T = unknown> implements Disposable, AsyncDisposable {
  private constructor()
  /** Opens the document at `path`, which need not exist yet. */
  static open<T = unknown>(path: string | URL, options?: DocumentOptions): Promise<Document<T>>
  static openSync<T = unknown>(path: string | URL, options?: DocumentOptions): Document<T>

  /** The path of the file, with every symbolic link resolved. */
  readonly path: string

  /**
   * The version that this handle last loaded or saved. Null if the document did not exist;
   * undefined before the first call.
   */
  readonly version: Version | null | undefined

  /**
   * Returns the value. If the document does not exist, returns `default`, or throws a
   * `NotFoundError` without it.
   */
  load(): Promise<T>
  load<D>(options: { default: D }): Promise<T | D>
  loadSync(): T
  loadSync<D>(options: { default: D }): T | D

  /** Returns the bytes, without decoding them. */
  loadRaw(): Promise<Buffer>
  loadRawSync(): Buffer

  /** Replaces the whole value. Returns the new version. */
  save(value: T, options?: CallOptions & Expect): Promise<Version>
  saveSync(value: T, options?: SyncCallOptions & Expect): Version

  /** Saves a document that does not exist yet; otherwise throws an `AlreadyExistsError`. */
  create(value: T, options?: CallOptions): Promise<Version>
  createSync(value: T, options?: SyncCallOptions): Version

  /**
   * Reads, changes and saves under one lock.
   *
   * `change` receives the value (undefined if the document does not exist) and returns the one to
   * save. The call holds the lock until then. If `change` throws, nothing changes. If it awaits
   * another change of the same file, that is a `DeadlockError`: change the value instead.
   *
   * A value that is returned as it was read keeps its spelling. Otherwise `JSON.stringify` encodes
   * the whole, with the numbers that JavaScript has: for ids of 20 digits pass `parse` and
   * `stringify` functions that keep them.
   */
  update(change: (value: T | undefined) => T | PromiseLike<T>, options?: CallOptions): Promise<Version>
  updateSync(change: (value: T | undefined) => T, options?: SyncCallOptions): Version

  /** Removes the document. Returns false if it did not exist. */
  remove(options?: CallOptions & Expect): Promise<boolean>
  removeSync(options?: SyncCallOptions & Expect): boolean

  /**
   * Closes the handle: later changes are refused, but you can still read. A second call does
   * nothing.
   */
  close(): Promise<void>
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How a lock is taken by a blocking call. */
export interface AcquireSyncOptions extends SchemeOptions {
  /** The timeout in milliseconds. 0 tries once, `Infinity` waits without a limit. */
  timeout?: number | undefined
  /** Whether the lock is held together with others that share it. */
  shared?: boolean | undefined
  /** The name of the holder that other processes see. */
  label?: string | undefined
}

/** How a lock is taken. */
export interface AcquireOptions extends AcquireSyncOptions {
  /** Ends the wait: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/**
 * A lock across processes and threads. The kernel releases it when its holder dies.
 *
 * The lock of `path` is an OS lock on `path.lock`, the same that `Journal` and `Document` take. It
 * is held until you release it, or until the process or the worker ends.
 */
export class FileLock implements Disposable, AsyncDisposable {
  private constructor()
  /** Takes the lock of `path`, which itself need not exist. */
  static acquire(path: string | URL, options?: AcquireOptions): Promise<FileLock>
  static acquireSync(path: string | URL, options?: AcquireSyncOptions): FileLock
  /** Locks exactly this file. */
  static at(lockPath: string | URL, options?: AcquireOptions): Promise<FileLock>
  static atSync(lockPath: string | URL, options?: AcquireSyncOptions): FileLock
  /**
   * Returns the process that holds the lock of `path` now; null if none does, or it is not known.
   */
  static holder(path: string | URL): Promise<Holder | null>
  static holderSync(path: string | URL): Holder | null

  /** The path that was passed, made absolute. */
  readonly path: string
  /** The path of the lock file. */
  readonly lockPath: string
  /** Whether other holders may share it. */
  readonly shared: boolean
  /** Whether it is still held. */
  readonly held: boolean

  /**
   * Hands the lock over to another process of this machine, its successor, and releases it. The
   * successor acquires it as always. No other process gets it until the successor has taken it or
   * has ended. If this call fails, the lock is held as before.
   */
  transfer(process: ProcessLike): Promise<void>
  transferSync(process: ProcessLike): void

  /** Releases the lock. A second call does nothing. */
  release(): Promise<void>
  releaseSync(): void
  /** The same as `release`. */
  close(): Promise<void>
  closeSync(): void
  /** The same as `releaseSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `release()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `Document` and of `JSON.stringify`. */
export interface SaveJsonSyncOptions extends Expect {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Permission bits of a new file, 0o777 at most. Default: 0o666 less the umask. */
  mode?: number | undefined
  /** Whether missing parent directories are created. Default: true. */
  parents?: boolean | undefined
  /** The timeout in milliseconds. 0 tries once, `Infinity` waits without a limit. */
  timeout?: number | undefined
  /** The replacer of `JSON.stringify`. */
  replacer?: ((this: any, key: string, value: any) => any) | (number | string)[] | null | undefined
  /** The indentation of `JSON.stringify`. */
  space?: string | number | undefined
  /** Encodes the value, instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
}

/** The same for the asynchronous call. */
export interface SaveJsonOptions extends SaveJsonSyncOptions {
  /** Ends the wait: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** How a file is decoded. */
export interface LoadJsonOptions {
  /** Decodes the text, instead of `JSON.parse`. */
  parse?: ((text: string) => any) | undefined
}

/** Options of `Journal`. */
export interface AppendJsonSyncOptions {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Permission bits of a new file, 0o777 at most. Default: 0o666 less the umask. */
  mode?: number | undefined
  /** Whether missing parent directories are created. Default: true. */
  parents?: boolean | undefined
  /** The most bytes of a record. Default: 64 MiB. */
  maxRecord?: number | undefined
  /** The timeout in milliseconds. 0 tries once, `Infinity` waits without a limit. */
  timeout?: number | undefined
  /** Encodes the value, instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
}

/** The same for the asynchronous call. */
export interface AppendJsonOptions extends AppendJsonSyncOptions {
  /** Ends the wait: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** Replaces the whole file under its lock. */
export function saveJson(path: string | URL, value: unknown, options?: SaveJsonOptions): Promise<Version>
export function saveJsonSync(path: string | URL, value: unknown, options?: SaveJsonSyncOptions): Version

/**
 * Returns the value of a file. Takes no lock. If the file does not exist, returns `default`, or
 * throws a `NotFoundError` without it.
 */
export function loadJson<T = unknown>(path: string | URL, options?: LoadJsonOptions): Promise<T>
export function loadJson<T = unknown, D = T>(path: string | URL, options: LoadJsonOptions & { default: D }): Promise<T | D>
export function loadJsonSync<T = unknown>(path: string | URL, options?: LoadJsonOptions): T
export function loadJsonSync<T = unknown, D = T>(path: string | URL, options: LoadJsonOptions & { default: D }): T | D

/** Appends one record. For more than a few, keep a `Journal` open. */
export function appendJson(path: string | URL, value: unknown, options?: AppendJsonOptions): Promise<Position>
export function appendJsonSync(path: string | URL, value: unknown, options?: AppendJsonSyncOptions): Position

/**
 * The identity of a process: its pid, its start, the machine's boot, the container and the host.
 * Together they never repeat, but a pid does. You can store its fields as JSON; `Process.from`
 * reads them back.
 */
export class Process {
  private constructor()
  /** Returns this process. */
  static current(): Process
  /** Returns the process that has this pid now. If no process has it, the result is dead. */
  static of(pid: number): Process
  /** Makes a process from what `JSON.stringify` made of one, from its JSON, or from a `Holder`. */
  static from(value: ProcessLike | string): Process
  /** Its pid. Another process may get the same one after it has ended. */
  readonly pid: number
  /** When it started, in the system's own unit. Null if no such process existed. */
  readonly start: number | null
  /** The id of the machine's boot in which it runs. */
  readonly boot: string | null
  /** The namespace of its pid: each container has its own. */
  readonly namespace: string | null
  /** The machine's name. */
  readonly host: string | null
  /**
   * Whether it lives now. A zombie is dead, and so is a process whose pid another one has now.
   * Unknown if this process can't see it.
   */
  readonly alive: 'alive' | 'dead' | 'unknown'
}

/** The fields that identify a process: a `Process`, a `Holder`, or what JSON made of one. */
export interface ProcessLike {
  /** Its pid. */
  readonly pid: number
  /** When it started, in the system's own unit. */
  readonly start?: number | null | undefined
  /** The id of the machine's boot in which it runs. */
  readonly boot?: string | null | undefined
  /** The namespace of its pid: each container has its own. */
  readonly namespace?: string | null | undefined
  /** The machine's name. */
  readonly host?: string | null | undefined
}

/** How a transaction is begun by a blocking call. */
export interface TransactionSyncOptions {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Permission bits of new files. */
  mode?: number | undefined
  /** The timeout of each call, in milliseconds. */
  timeout?: number | undefined
  /** How other users open the journals of the directory. */
  journals?: JournalOptions | undefined
  /** Encodes a value, instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** Decodes a value, instead of `JSON.parse`. */
  parse?: ((text: any) => any) | undefined
}

/** How a transaction is begun. */
export interface TransactionOptions extends TransactionSyncOptions {
  /** Ends a wait: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
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

/**
 * Several documents and journals of one directory that change together or not at all, whichever
 * process dies. Nothing is written before the commit.
 */
export class Transaction implements Disposable, AsyncDisposable {
  private constructor()
  /** Begins a transaction. `transaction(dir, work)` also ends it. */
  static begin(dir: string | URL, options?: TransactionOptions): Promise<Transaction>
  static beginSync(dir: string | URL, options?: TransactionSyncOptions): Transaction
  /** The directory, with every symbolic link resolved. */
  readonly dir: string
  /**
   * Returns the value of a file as the transaction leaves it. If the file does not exist, returns
   * `default`, or undefined. The file stays locked until the end of the transaction, so that a save
   * can depend on what was read.
   */
  load<T = unknown>(name: string, options?: WaitOptions & { default?: T | undefined }): Promise<T | undefined>
  loadSync<T = unknown>(name: string, options?: WaitSyncOptions & { default?: T | undefined }): T | undefined
  /** Returns the bytes of a file as the transaction leaves it; undefined if it does not exist. */
  loadRaw(name: string, options?: WaitOptions): Promise<Buffer | undefined>
  loadRawSync(name: string, options?: WaitSyncOptions): Buffer | undefined
  /** Replaces the whole file at the commit, whatever it holds now. */
  save(name: string, value: unknown): Promise<Version>
  saveSync(name: string, value: unknown): Version
  /** Creates the file at the commit. It must not exist, neither now nor at the commit. */
  create(name: string, value: unknown): Promise<Version>
  createSync(name: string, value: unknown): Version
  /** Appends a record to a journal of the directory. */
  append(name: string, record: unknown): Promise<void>
  appendSync(name: string, record: unknown): void
  /** Appends many records to a journal of the directory. */
  appendAll(name: string, records: Iterable<unknown> | AsyncIterable<unknown>): Promise<void>
  appendAllSync(name: string, records: Iterable<unknown>): void
  /**
   * Sets the header of a journal, which rewrites it. The option `journals` says how a header
   * begins.
   */
  setHeader(name: string, header: unknown, options?: WaitOptions): Promise<void>
  setHeaderSync(name: string, header: unknown, options?: WaitSyncOptions): void
  /** Deletes the file at the commit. Returns whether it exists now. */
  remove(name: string, options?: WaitOptions): Promise<boolean>
  removeSync(name: string, options?: WaitSyncOptions): boolean
  /** Makes all the changes, or none. The transaction is over in any case. */
  commit(options?: WaitOptions): Promise<void>
  commitSync(options?: WaitSyncOptions): void
  /** Ends the transaction without a change. After a commit it does nothing. */
  rollback(): Promise<void>
  rollbackSync(): void
  /** The same as `rollbackSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `rollback()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Runs `work` in a transaction. Commits when it returns, and rolls back if it throws. If `work`
 * awaits another change of a file that the transaction has loaded, that is a `DeadlockError`.
 */
export function transaction<T>(
  dir: string | URL,
  work: (tx: Transaction) => T | Promise<T>,
  options?: TransactionOptions,
): Promise<T>
export function transactionSync<T>(
  dir: string | URL,
  work: (tx: Transaction) => T,
  options?: TransactionSyncOptions,
): T

/** How a journal of a snapshot is read. */
export interface SnapshotRecordsOptions extends DamageOptions {
  /** How other users open the journal. */
  journal?: JournalOptions | undefined
}

/** The files of a directory as they were at one instant. Other processes continue to work. */
export interface Snapshot extends Disposable, AsyncDisposable {
  /** The names of the files that existed, sorted. */
  readonly names: string[]
  /** Returns the value that a file had. If it did not exist, returns `default`, or undefined. */
  load<T = unknown>(name: string, options?: { default?: T | undefined }): Promise<T | undefined>
  loadSync<T = unknown>(name: string, options?: { default?: T | undefined }): T | undefined
  /** Returns the bytes that a file had; undefined if it did not exist. */
  loadRaw(name: string): Promise<Buffer | undefined>
  loadRawSync(name: string): Buffer | undefined
  /** Reads the records that a journal had. */
  records<T = unknown>(name: string, options?: SnapshotRecordsOptions): AsyncGenerator<T, void, undefined>
  recordsSync<T = unknown>(name: string, options?: SnapshotRecordsOptions): Generator<T, void, undefined>
  /** Reads the records that a journal had, each with its place. */
  entries<T = unknown>(name: string, options?: SnapshotRecordsOptions): AsyncGenerator<Entry<T>, void, undefined>
  entriesSync<T = unknown>(name: string, options?: SnapshotRecordsOptions): Generator<Entry<T>, void, undefined>
  /** Closes its files, which are all open until then. A second call does nothing. */
  close(): Promise<void>
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Takes all files of a directory as they are at one instant. Close the snapshot: it keeps them all
 * open.
 */
export function snapshot(dir: string | URL, options?: WaitOptions & { parse?: ((text: any) => any) | undefined }): Promise<Snapshot>
export function snapshotSync(dir: string | URL, options?: WaitSyncOptions & { parse?: ((text: any) => any) | undefined }): Snapshot

/** How a store is opened. */
export interface StoreOptions {
  /** The name of the journal in a session's directory. Default: `journal.jsonl`. */
  journalName?: string | undefined
  /** The name of the state document in a session's directory. Default: `state.json`. */
  stateName?: string | undefined
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Whether the directory is created if it is missing. Default: true. */
  create?: boolean | undefined
  /** The timeout of each call, in milliseconds. */
  timeout?: number | undefined
  /** How the sessions' journals are opened. */
  journal?: JournalOptions | undefined
  /** Encodes the values of documents, instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** Decodes the values of documents, instead of `JSON.parse`. */
  parse?: ((text: any) => any) | undefined
}

/** A record in which a text was found. */
export interface Hit {
  /** The key of the session. */
  readonly key: string
  /** The position where the record begins. */
  readonly position: Position
  /** The text around the match. */
  readonly snippet: string
  /** The place of the match: `snippet.slice(...range)` is the match. */
  readonly range: readonly [number, number]
}

/** A directory of sessions, found by their keys, which may be any strings. */
export class Store {
  private constructor()
  /** Opens the store in this directory. */
  static open(dir: string | URL, options?: StoreOptions): Promise<Store>
  static openSync(dir: string | URL, options?: StoreOptions): Store
  /** The directory, with every symbolic link resolved. */
  readonly path: string
  /** Returns the session with this key, which need not exist yet. Creates nothing. */
  session(key: string): Session
  /** Returns the keys of all sessions, sorted. */
  keys(options?: { signal?: AbortSignal | undefined }): Promise<string[]>
  keysSync(): string[]
  /** Removes a session with all its files. Tries once, unless you set a timeout. */
  remove(key: string, options?: WaitOptions): Promise<boolean>
  removeSync(key: string, options?: WaitSyncOptions): boolean
  /** Finds records of all sessions that contain this text, ignoring case. Default: at most 100. */
  search(text: string, options?: { maxHits?: number | undefined; signal?: AbortSignal | undefined }): Promise<Hit[]>
  searchSync(text: string, options?: { maxHits?: number | undefined }): Hit[]
}

/** How a blocking reconciliation waits and checks. */
export interface ReconcileSyncOptions extends WaitSyncOptions {
  /** Returns whether the session lives in another way. Called if its owner is dead. */
  alsoAlive?: (() => boolean) | undefined
}

/** How a reconciliation waits and checks. */
export interface ReconcileOptions extends WaitOptions {
  /** Returns whether the session lives in another way. Called if its owner is dead. */
  alsoAlive?: (() => boolean | Promise<boolean>) | undefined
}

/** The result of a reconciliation. */
export interface Reconciled {
  /**
   * `'done'`: the changes are made. `'no_change'`: the session was never owned, was released, or
   * needed no change. `'busy'`: another process is reconciling it. `'alive'`: the owner lives.
   */
  readonly outcome: 'done' | 'no_change' | 'busy' | 'alive'
  /** The owner, dead or alive, if one is known. */
  readonly holder: Holder | null
}

/** A directory with a journal, a state, media files and at most one owner. */
export interface Session {
  /** The key, which may be any string. */
  readonly key: string
  /** The session's directory. */
  readonly path: string
  /** Returns whether the session exists: whether any part of it was created. */
  exists(): Promise<boolean>
  existsSync(): boolean
  /** Opens its journal, with the store's options. */
  journal<T = unknown>(): Promise<Journal<T>>
  journalSync<T = unknown>(): Journal<T>
  /** Opens its state document. */
  state<T = unknown>(): Promise<Document<T>>
  stateSync<T = unknown>(): Document<T>
  /** Opens another document in its directory. */
  document<T = unknown>(name: string, options?: Pick<StoreOptions, 'stringify' | 'parse'>): Promise<Document<T>>
  documentSync<T = unknown>(name: string, options?: Pick<StoreOptions, 'stringify' | 'parse'>): Document<T>
  /**
   * Returns the path for the media file of this name. Creates the directory. Waits while another
   * process locks the store's names.
   */
  media(name: string, options?: WaitOptions): Promise<string>
  mediaSync(name: string, options?: WaitSyncOptions): string
  /** Returns the process that owns the session; null if none does. */
  holder(): Promise<Holder | null>
  holderSync(): Holder | null
  /** Makes this process the owner. Tries once, unless you set a timeout. */
  claim(label?: string, options?: WaitOptions): Promise<Lease>
  claimSync(label?: string, options?: WaitSyncOptions): Lease
  /**
   * Cleans up if the last owner died without releasing the session: runs `change` in a transaction
   * on the session's files, in one process at a time. `change` returns `false` if no change was
   * needed.
   */
  reconcile(
    change: (tx: Transaction) => boolean | void | Promise<boolean | void>,
    options?: ReconcileOptions,
  ): Promise<Reconciled>
  reconcileSync(change: (tx: Transaction) => boolean | void, options?: ReconcileSyncOptions): Reconciled
}

/**
 * A session's lease. No other process owns the session until it is released or its process ends.
 */
export interface Lease extends Disposable, AsyncDisposable {
  /** This process, as others see it. */
  readonly holder: Holder
  /** The previous owner, if it died without releasing the session. */
  readonly previous: Holder | null
  /** Whether it is still held. */
  readonly held: boolean
  /** Releases the session. A second call does nothing. */
  release(): Promise<void>
  releaseSync(): void
  /** Hands the session over to another process of this machine, which then claims it. */
  transfer(to: ProcessLike | string): Promise<void>
  transferSync(to: ProcessLike | string): void
  /** The same as `release`. */
  close(): Promise<void>
  closeSync(): void
  /** The same as `releaseSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `release()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** One check of a self-test. */
export interface Check {
  /**
   * `'exclusion'`, `'exclusion_threads'`, `'sharing'`, `'waiting'`, `'release_on_death'`,
   * `'scheme'`, `'rename'`, `'link'`, `'sync'`, `'sync_directory'`. Later versions may add more.
   */
  readonly name: string
  /** The result. */
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** A text for people that says what was observed. */
  readonly detail: string
}

/** The report of a self-test. */
export interface SelfTest {
  /** The directory that was tested. */
  readonly dir: string
  /** The name of the file system, as `mount` shows it; empty if unknown. */
  readonly fileSystem: string
  /** The scheme of the locks that were tested. */
  readonly scheme: Scheme
  /** Whether no check failed. */
  readonly passed: boolean
  /** All checks. */
  readonly checks: readonly Check[]
}

/**
 * Tests in this directory whether locks exclude between two processes, and whether a file can be
 * replaced and synced. The report has every check and its result.
 */
export function selftest(dir: string | URL, options?: { scheme?: Scheme | undefined }): Promise<SelfTest>
export function selftestSync(dir: string | URL, options?: { scheme?: Scheme | undefined }): SelfTest

// begin generated error codes (spec/errors.toml, cargo xtask generate)
/** The codes of errors, the same in every language. */
export type ErrorCode =
  | 'UNTORN_LOCK_TIMEOUT'
  | 'UNTORN_LOCKED'
  | 'UNTORN_DEADLOCK'
  | 'UNTORN_LOCK_UNSUPPORTED'
  | 'UNTORN_CONFLICT'
  | 'UNTORN_ALREADY_EXISTS'
  | 'UNTORN_NOT_FOUND'
  | 'UNTORN_INVALID_RECORD'
  | 'UNTORN_CORRUPT'
  | 'UNTORN_LIMIT_EXCEEDED'
  | 'UNTORN_STORAGE_FULL'
  | 'UNTORN_PERMISSION_DENIED'
  | 'UNTORN_NOT_DURABLE'
  | 'UNTORN_POISONED'
  | 'UNTORN_CANCELLED'
  | 'UNTORN_INVALID_ARGUMENT'
  | 'UNTORN_IO'
  | 'UNTORN_INTERNAL'
// end generated error codes

/** The base of every error of this library. */
export class UntornError extends Error {
  protected constructor()
  /** The kind of error: every class has one. */
  readonly code: ErrorCode
  /** The operation that failed: `'append'`, `'save'`, `'lock'`, ... */
  readonly operation?: string
  /** The path of the file. */
  readonly path?: string
  /** The system's error number, negative, if the system reported one. */
  readonly errno?: number
  /** The process that holds the lock, if it is known. */
  readonly holder?: Holder
  /** The journal's actual end, or the place reached. */
  readonly position?: Position
  /**
   * Returns all of this and the message, for logs: `JSON.stringify` leaves out the message of an
   * error.
   */
  toJSON(): {
    name: string
    code: ErrorCode
    message: string
    operation?: string
    path?: string
    errno?: number
    holder?: Holder
    position?: Position
  }
}

// begin generated errors (spec/errors.toml, cargo xtask generate)
/** The lock was not free within the timeout. */
export class LockTimeoutError extends UntornError {}
/** The lock is held, and the call tries only once. */
export class LockedError extends UntornError {}
/** The caller already holds the lock that it would wait for. A caller is this event loop, or the function that makes the call. */
export class DeadlockError extends UntornError {}
/** The file system does not support locks. */
export class LockUnsupportedError extends UntornError {}
/** The file is not in the state that the caller expects. */
export class ConflictError extends UntornError {}
/** The file exists already. */
export class AlreadyExistsError extends UntornError {}
/** The file or its directory does not exist. */
export class NotFoundError extends UntornError {}
/** The value or the bytes can't be a record of this journal, or a document. */
export class InvalidRecordError extends UntornError {}
/** The file holds what untorn never writes. */
export class CorruptError extends UntornError {}
/** A limit is exceeded: the caller's, or a default one. */
export class LimitExceededError extends UntornError {}
/** The disk, the quota or the allowed file size is used up. */
export class StorageFullError extends UntornError {}
/** The system does not permit the operation. */
export class PermissionDeniedError extends UntornError {}
/** The change is in the file, but the sync that makes it durable failed. */
export class NotDurableError extends UntornError {}
/** An earlier sync on this handle failed: open the file again. */
export class PoisonedError extends UntornError {}
/** The caller cancelled the call. */
export class CancelledError extends UntornError {}
/** An argument has a value or a type that the call can't take. Nothing was changed. */
export class InvalidArgumentError extends UntornError {}
/** Another error of the operating system. */
export class IoError extends UntornError {}
/** A bug in untorn. */
export class InternalError extends UntornError {}
// end generated errors
