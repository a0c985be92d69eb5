// Symbol.dispose and Symbol.asyncDispose.
/// <reference lib="esnext.disposable" />
/// <reference types="node" />

/**
 * Locked journal appends and atomic session saves for plain files that several
 * processes share.
 *
 * Every method has a `...Sync` twin, which blocks. Times are milliseconds. Asynchronous
 * calls never block the event loop and wait for ever unless told otherwise; blocking
 * ones wait 5,000 ms at most.
 *
 * Every error is an `UntornError`, also one about an argument, except what a function of
 * the caller's throws and the `reason` of an aborted signal. An option of a name that is
 * not there is refused.
 */

/** Of this package. */
export const version: string

/** Which failure a finished call survives: that of a process, or of the power. */
export type Durability = 'process' | 'power'

/** A place in a journal, at the end of a record. It can be stored and compared. */
export interface Position {
  /** Which of the files that had this name. */
  readonly generation: number
  /** Bytes from the start of the file. */
  readonly offset: number
}

/** A hash of a document's bytes: 32 hexadecimal digits. */
export type Version = string

/** Who holds a lock, as far as it can be known. */
export interface Holder {
  /** Of the process. */
  readonly pid: number
  /** When the process started, in the system's own unit. */
  readonly start: number | null
  /** The start of the machine that it runs on. */
  readonly boot: string | null
  /** Within which pids are counted: one a container. */
  readonly namespace: string | null
  /** The machine's name. */
  readonly host: string | null
  /** What it said of itself. */
  readonly label: string | null
  /** Since when, RFC 3339 in UTC. */
  readonly since: string | null
  /** Whether the process lives, as far as can be seen from here. */
  readonly alive: 'alive' | 'dead' | 'unknown'
}

/**
 * Which file carries the lock of `P`; all that share `P` must use the same.
 * `'sidecar'`: an OS lock on `P.lock`. `'in-place'`: an OS lock on `P` itself, as
 * programs take it that flock their data file; `P` keeps its inode.
 * `'pid-file'`: that the file `P.lock` exists, with its holder's pid in it.
 */
export type Scheme = 'sidecar' | 'in-place' | 'pid-file'

/** Which lock is taken. */
export interface SchemeOptions {
  /** Default: `'sidecar'`. */
  scheme?: Scheme | undefined
  /** What to do where the file system does not lock. Default: `'fail'`, with a `LockUnsupportedError`. */
  onUnsupported?: 'fail' | 'pid-file' | undefined
  /**
   * `'pid-file'` only: at which age a lock file that is not refreshed is taken
   * over, in milliseconds. Default: 10,000; at least 2,000.
   */
  stale?: number | undefined
}

/** How a blocking call waits. */
export interface SyncCallOptions {
  /** Milliseconds; 0 tries once, `Infinity` waits for ever. */
  timeout?: number | undefined
  /** Work under this lock, which is held already. */
  lock?: FileLock | undefined
}

/** How an asynchronous call waits. */
export interface CallOptions extends SyncCallOptions {
  /** Ends the wait; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** How a journal is opened. */
export interface JournalOptions extends SchemeOptions {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Whether an append makes the file where it is missing. Default: true. */
  create?: boolean | undefined
  /** Bytes. Default: 64 MiB. */
  maxRecord?: number | undefined
  /**
   * `'json'` (default): a record is one JSON value. `'lines'`: any bytes without
   * a newline or NUL; values are strings or bytes going in, and Buffers coming
   * out.
   */
  format?: 'json' | 'lines' | undefined
  /** Permission bits of a new file. Default: 0o666 less the umask. */
  mode?: number | undefined
  /** Of every call of this handle, in milliseconds. */
  timeout?: number | undefined
  /** Whether missing parent directories are made. Default: false. */
  parents?: boolean | undefined
  /**
   * The journal may have a header: its first line, where that begins with
   * this. It is no record. All handles on a journal must say the same. Default:
   * no header.
   */
  headerPrefix?: string | Uint8Array | undefined
  /**
   * How many bytes a new header takes, padded with spaces, so that later ones
   * fit in its place. Default: 512.
   */
  headerReserve?: number | undefined
  /**
   * `'stamp'` (default): a header that fits is changed in place. `'rename'`: by a
   * new file, always, for programs that read without this library.
   */
  headerMode?: 'stamp' | 'rename' | undefined
  /**
   * Whether each record is followed by a checksum, which readers of JSON take
   * for white space (35 bytes a record). Format `'json'` only. Default: false.
   */
  sealed?: boolean | undefined
  /**
   * Whether an append or a repair may cut the end off a file that is plainly no
   * journal: UTF-16, a JSON document over several lines, a binary file. Default:
   * false, that is a `CorruptError`.
   */
  cutForeignTail?: boolean | undefined
  /** An append to a journal larger than this rotates it first. Bytes. Default: never. */
  maxBytes?: number | undefined
  /** How many rotated files a rotation by `maxBytes` leaves. Default: all. */
  keep?: number | undefined
  /** Instead of `JSON.stringify`. What it gives is checked before it is written. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** Instead of `JSON.parse`. */
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
  | 'unreadable'

/** A stretch of a journal that was skipped. */
export interface Damage {
  /** What is wrong. */
  readonly kind: DamageKind
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
  /** Of an `'unreadable'` record: the record. */
  readonly bytes?: Buffer
  /** Of an `'unreadable'` record: why. */
  readonly cause?: unknown
}

/** What becomes of damage. */
export interface DamageOptions {
  /**
   * Told of each damaged stretch, in file order with the records. Without it
   * `process` emits one `UntornWarning` a read, with the place of the first.
   */
  onDamage?: ((damage: Damage) => void) | undefined
}

/** What is read. */
export interface ReadOptions extends DamageOptions {
  /** Reads from here on instead of from the beginning. */
  start?: Position | undefined
  /** More is a `LimitExceededError`, whose `position` is where to read on. */
  maxRecords?: number | undefined
  /** Of records, without their newlines. */
  maxBytes?: number | undefined
}

/** A record and its place. */
export interface Entry<T> {
  /** The record. */
  readonly value: T
  /** Where it begins. */
  readonly start: Position
  /** Reading on from here yields what follows. */
  readonly end: Position
}

/** What a check of a journal found. */
export interface Report {
  /** How many good records. */
  readonly records: number
  /** Whether the journal has a header, which is no record. */
  readonly header: boolean
  /** In a sealed journal: how many good records have no seal. */
  readonly unsealed: number
  /** The size of the file. */
  readonly bytes: number
  /** Where the last whole line ends. */
  readonly end: Position
  /** The first 1,024 damaged stretches, in file order. */
  readonly damage: readonly Damage[]
  /** How many there are in all. */
  readonly damageCount: number
  /** What `repair` did; null where nothing was to do, and from `verify`. */
  readonly repaired: { readonly offset: number; readonly cut: number; readonly newlineAdded: boolean } | null
}

/** As `SyncCallOptions`, and what else happens in the same step. */
export interface AppendAllSyncOptions extends SyncCallOptions {
  /** Append only if the journal ends here; otherwise a `ConflictError`. Never undefined: that would be no check. */
  at?: Position
  /** Sets the header in the same step: both or neither. */
  header?: unknown | undefined
}

/** As `CallOptions`, and what else happens in the same step. */
export interface AppendAllOptions extends AppendAllSyncOptions {
  /** Ends the wait; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** What is to be in a journal, at once or as it comes. */
export type Kept<T> = Iterable<T> | AsyncIterable<T>

/**
 * An append-only file of one-line records that any number of processes and
 * threads append to. Appends on one handle keep the order of their calls, and what
 * queues up while one is being written is committed together. `rewind`,
 * `rotate`, `replace` and `compact` keep their order among themselves: await an
 * append that is to come before one of them.
 */
export class Journal<T = unknown> implements AsyncIterable<T>, Iterable<T>, Disposable, AsyncDisposable {
  private constructor()
  /** Opens the journal at `path`, which need not be there yet: the first append makes it. */
  static open<T = unknown>(path: string | URL, options?: JournalOptions): Promise<Journal<T>>
  static openSync<T = unknown>(path: string | URL, options?: JournalOptions): Journal<T>

  /** The file, with every symbolic link resolved. */
  readonly path: string

  /** Appends one record and gives the position behind it. */
  append(value: T, options?: CallOptions): Promise<Position>
  appendSync(value: T, options?: SyncCallOptions): Position

  /**
   * Appends many records next to each other: all of them or none. What comes later (an
   * async generator, a stream) is awaited to its end first, and takes its place in the
   * order of the appends only then. What is no list of records is refused.
   */
  appendAll(values: Iterable<T> | AsyncIterable<T>, options?: AppendAllOptions): Promise<Position>
  appendAllSync(values: Iterable<T>, options?: AppendAllSyncOptions): Position

  /** Appends a record that is encoded already. It is checked. */
  appendRaw(record: string | Uint8Array, options?: CallOptions): Promise<Position>
  appendRawSync(record: string | Uint8Array, options?: SyncCallOptions): Position

  /** The header; null if there is none. Takes no lock, and never sees half a stamp. */
  header(): Promise<any>
  headerSync(): any

  /**
   * Changes the header, or gives the journal one, encoded as records are: its
   * text must begin with `headerPrefix`. To change it together with an append,
   * see `appendAll`.
   */
  setHeader(value: unknown, options?: CallOptions): Promise<void>
  setHeaderSync(value: unknown, options?: SyncCallOptions): void

  /**
   * Goes back to a position of this journal. The whole journal as it was is kept
   * in a rotated file, whose path this gives; null if nothing was behind the
   * position. The header stays. Positions of before are refused from then on.
   */
  rewind(position: Position, options?: CallOptions): Promise<string | null>
  rewindSync(position: Position, options?: SyncCallOptions): string | null

  /**
   * Begins the journal anew, with its header if it has one. The records are kept
   * in a rotated file (`name_1.ext`, `name_2.ext`, ...; numbers only grow), whose
   * path this gives; null if there were none.
   */
  rotate(options?: CallOptions): Promise<string | null>
  rotateSync(options?: SyncCallOptions): string | null

  /** Puts these records in the place of all that are there: all of them or none. */
  replace(values: Iterable<T> | AsyncIterable<T>, options?: CallOptions): Promise<Position>
  replaceSync(values: Iterable<T>, options?: SyncCallOptions): Position

  /**
   * Rewrites the journal under its lock, whole or not at all. `keep` gets the
   * records as they are and returns those that are to be there:
   *
   *     await journal.compact(async function* (records) {
   *       for await (const record of records) if (!record.deleted) yield record
   *     })
   *
   * Others wait with their appends, which then go into the new file. If `keep`
   * throws, or the signal is aborted, nothing changes. A record that is yielded as it
   * was read is written byte for byte, also where JavaScript has no such number (ids of
   * 20 digits, `1e999`); one that was changed is encoded by `JSON.stringify`, with the
   * numbers that JavaScript has. A record that JavaScript can't take stays, where
   * `keep` was when it was passed. What is damaged is left out.
   */
  compact(
    keep: (records: AsyncGenerator<T, void, undefined>) => Kept<T> | PromiseLike<Kept<T>>,
    options?: CallOptions & DamageOptions,
  ): Promise<Position>
  compactSync(
    keep: (records: Generator<T, void, undefined>) => Iterable<T>,
    options?: SyncCallOptions & DamageOptions,
  ): Position

  /** Where the last whole record ends. */
  end(): Promise<Position>
  endSync(): Position

  /** Reads the records. Takes no lock; damage is skipped. */
  records(options?: ReadOptions): AsyncGenerator<T, void, undefined>
  /** A reader that is left half read, without `break`, keeps its file open until it is collected. */
  recordsSync(options?: ReadOptions): Generator<T, void, undefined>

  /** The same, each with its place. */
  entries(options?: ReadOptions): AsyncGenerator<Entry<T>, void, undefined>
  entriesSync(options?: ReadOptions): Generator<Entry<T>, void, undefined>

  /** All records in one array. */
  read(options?: ReadOptions): Promise<T[]>
  readSync(options?: ReadOptions): T[]

  /** The last `n` records, oldest first. */
  tail(n: number, options?: DamageOptions): Promise<T[]>
  tailSync(n: number, options?: DamageOptions): T[]
  /** The same, each with its place. */
  tailEntries(n: number, options?: DamageOptions): Promise<Entry<T>[]>
  tailEntriesSync(n: number, options?: DamageOptions): Entry<T>[]

  /**
   * The records as they are appended, by whichever process: from `start` on, or
   * from now on.
   *
   *     for await (const record of journal.follow()) console.log(record)
   *
   * Each once, in file order, none left out, through every change of the file.
   * Takes no lock. It ends when the loop is left or the journal is closed.
   */
  follow(options?: FollowOptions): Follow<T>

  /**
   * A state that is kept from the records: `apply` is called once for each, whoever
   * appended it, and returns the next state, or nothing if it changed the state in
   * place. See `Fold`.
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

  /** Makes everything in the file so far survive a power cut. */
  sync(): Promise<void>
  syncSync(): void

  /**
   * Closes the handle, and gives back all that it has open: later changes are refused,
   * reading goes on. Appends that were begun are made. A second time does nothing.
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

/** What lay between `to` and `from` is not in the journal any more. */
export interface Rewound {
  /** How far was read in the file as it was. */
  readonly from: Position
  /** Up to where the file that is there now is the same; offset 0: nothing of it is, or it is not known how much. */
  readonly to: Position
}

/** From where on, and who is told of what. */
export interface FollowOptions extends DamageOptions {
  /** Begins behind this position instead of at the end. */
  start?: Position | undefined
  /** Ends it: the wait for the next record is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * Told where records that were yielded are taken out of the journal (it was
   * rewound, rewritten or replaced), before the records that follow behind `to`.
   */
  onRewind?: ((rewound: Rewound) => void) | undefined
}

/** The records of a journal as they come. */
export interface Follow<T> extends AsyncIterableIterator<T>, AsyncDisposable {
  /** When this is resolved, records that are appended from then on will be yielded. */
  ready(): Promise<void>
  /**
   * Behind the last record that was yielded: `follow({ start })` goes on from here.
   * It can be stored. Undefined until it is ready.
   */
  readonly position: Position | undefined
  /** The next record, when it comes. */
  next(): Promise<IteratorResult<T, undefined>>
  /** Ends it, and a wait that is under way. */
  return(value?: any): Promise<IteratorResult<T, any>>
  /** While it waits, the process need not stay alive for it. */
  unref(): this
  /** The process stays alive while it waits, as from the beginning. */
  ref(): this
  /** Itself. */
  [Symbol.asyncIterator](): this
}

/**
 * A state that is kept from the records of a journal. It changes only under the
 * journal's lock, and after the file did: whatever promises and processes do at once,
 * it is what the file says up to `position`. After the journal was rewound,
 * rewritten, rotated or replaced it is made anew from `initial`.
 *
 * What is appended otherwise is taken in by the next `refresh`, `append` or
 * `update`. If `apply` throws, so does the call (what was appended stays in the
 * journal), and the next call makes the state anew.
 */
export interface Fold<S, T = unknown> extends Disposable, AsyncDisposable {
  /**
   * The state. While a turn takes in many records, that of a beginning of the
   * journal. Throws where there is none, since `apply` threw.
   */
  readonly state: S
  /** Up to where the state was folded; null while it changes, and where there is none. */
  readonly position: Position | null
  /** Takes in what was appended since; waits for the lock if there is anything. */
  refresh(options?: CallOptions): Promise<Position>
  refreshSync(options?: SyncCallOptions): Position
  /** Appends, and takes in: first what others appended before. */
  append(value: T, options?: CallOptions): Promise<Position>
  appendSync(value: T, options?: SyncCallOptions): Position
  /** The same for many: all of them or none. */
  appendAll(values: Iterable<T> | AsyncIterable<T>, options?: CallOptions): Promise<Position>
  appendAllSync(values: Iterable<T>, options?: SyncCallOptions): Position
  /**
   * Decides on the state what to append, and appends it, under one lock: the state
   * that `decide` sees is that of the whole journal, and nobody appends in between.
   * It must not change the state; to await, in there, another change of the journal is
   * a `DeadlockError`. If it throws, nothing is appended.
   */
  update(
    decide: (state: S) => Kept<T> | null | void | PromiseLike<Kept<T> | null | void>,
    options?: CallOptions,
  ): Promise<Position>
  updateSync(decide: (state: S) => Iterable<T> | null | void, options?: SyncCallOptions): Position
  /** Closes the file that it reads. The state stays; what would change it is refused. */
  close(): Promise<void>
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How a document is opened. */
export interface DocumentOptions extends SchemeOptions {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Permission bits of a new file. Default: 0o666 less the umask. */
  mode?: number | undefined
  /** Of every call of this handle, in milliseconds. */
  timeout?: number | undefined
  /** Whether missing parent directories are made. Default: false. */
  parents?: boolean | undefined
  /** Instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** Instead of `JSON.parse`. */
  parse?: ((text: string) => any) | undefined
}

/** What the document must be, for the call to change it. */
export interface Expect {
  /**
   * Only if the document is this version, else a `ConflictError`; null: only if it is not
   * there. Never undefined, which `document.version` is before the first call: that would
   * be no check.
   */
  expect?: Version | null
}

/**
 * One value in one file, always replaced whole: at every instant the file holds
 * its old value or its new one.
 */
export class Document<T = unknown> implements Disposable, AsyncDisposable {
  private constructor()
  /** Opens the document at `path`, which need not be there yet. */
  static open<T = unknown>(path: string | URL, options?: DocumentOptions): Promise<Document<T>>
  static openSync<T = unknown>(path: string | URL, options?: DocumentOptions): Document<T>

  /** The file, with every symbolic link resolved. */
  readonly path: string

  /**
   * What this handle last loaded or saved: null if the document was not there,
   * undefined before the first call.
   */
  readonly version: Version | null | undefined

  /** The value; `default` (or a `NotFoundError`) if the document is not there. */
  load(): Promise<T>
  load<D>(options: { default: D }): Promise<T | D>
  loadSync(): T
  loadSync<D>(options: { default: D }): T | D

  /** The bytes as they are, whatever they are. */
  loadRaw(): Promise<Buffer>
  loadRawSync(): Buffer

  /** Replaces the whole value. Gives the version that it is now. */
  save(value: T, options?: CallOptions & Expect): Promise<Version>
  saveSync(value: T, options?: SyncCallOptions & Expect): Version

  /** Saves a document that must not be there yet, else an `AlreadyExistsError`. */
  create(value: T, options?: CallOptions): Promise<Version>
  createSync(value: T, options?: SyncCallOptions): Version

  /**
   * Reads, changes and saves under one lock. `change` gets the value (undefined
   * if the document is not there) and returns the one to save; the lock is held
   * meanwhile. If it throws, nothing changes. To await, in there, another change of the
   * same file is a `DeadlockError`: change the value instead. A value that is returned as
   * it was read keeps its spelling; otherwise the whole is encoded by `JSON.stringify`,
   * with the numbers that JavaScript has: for ids of 20 digits give `parse` and
   * `stringify` that keep them.
   */
  update(change: (value: T | undefined) => T | PromiseLike<T>, options?: CallOptions): Promise<Version>
  updateSync(change: (value: T | undefined) => T, options?: SyncCallOptions): Version

  /** Removes the document. False: it was not there. */
  remove(options?: CallOptions & Expect): Promise<boolean>
  removeSync(options?: SyncCallOptions & Expect): boolean

  /** Closes the handle: later changes are refused, reading goes on. A second time does nothing. */
  close(): Promise<void>
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How a lock is taken by a blocking call. */
export interface AcquireSyncOptions extends SchemeOptions {
  /** Milliseconds; 0 tries once, `Infinity` waits for ever. */
  timeout?: number | undefined
  /** Shares the lock with others that share it. */
  shared?: boolean | undefined
  /** What others are told of who holds the lock. */
  label?: string | undefined
}

/** How a lock is taken. */
export interface AcquireOptions extends AcquireSyncOptions {
  /** Ends the wait; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/**
 * A lock across processes and threads that the kernel frees when its holder
 * dies. The lock of `path` is an OS lock on `path.lock`: the one that `Journal`
 * and `Document` take. It is held until it is released, or until the process or
 * the worker ends.
 */
export class FileLock implements Disposable, AsyncDisposable {
  private constructor()
  /** Takes the lock of `path`, which need not be there itself. */
  static acquire(path: string | URL, options?: AcquireOptions): Promise<FileLock>
  static acquireSync(path: string | URL, options?: AcquireSyncOptions): FileLock
  /** Locks exactly this file. */
  static at(lockPath: string | URL, options?: AcquireOptions): Promise<FileLock>
  static atSync(lockPath: string | URL, options?: AcquireSyncOptions): FileLock
  /** Who holds the lock of `path` now; null if nobody does, or it can't be known. */
  static holder(path: string | URL): Promise<Holder | null>
  static holderSync(path: string | URL): Holder | null

  /** As it was given, absolute. */
  readonly path: string
  /** The file that the lock is on. */
  readonly lockPath: string
  /** Whether it is shared with others. */
  readonly shared: boolean
  /** Whether it is held still. */
  readonly held: boolean

  /**
   * Gives the lock to another process of this machine, and lets it go. The heir
   * takes it by acquiring it, as always; until it has, or has ended, nobody else
   * gets it. If this fails, the lock is held as before.
   */
  transfer(process: ProcessLike): Promise<void>
  transferSync(process: ProcessLike): void

  /** Lets it go. A second time does nothing. */
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

/** As of `Document`, and of `JSON.stringify`. */
export interface SaveJsonSyncOptions extends Expect {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Permission bits of a new file, 0o777 at most. Default: 0o666 less the umask. */
  mode?: number | undefined
  /** Whether missing parent directories are made. Default: true. */
  parents?: boolean | undefined
  /** Milliseconds; 0 tries once, `Infinity` waits for ever. */
  timeout?: number | undefined
  /** As of `JSON.stringify`. */
  replacer?: ((this: any, key: string, value: any) => any) | (number | string)[] | null | undefined
  /** As of `JSON.stringify`. */
  space?: string | number | undefined
  /** Instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
}

/** The same for the asynchronous call. */
export interface SaveJsonOptions extends SaveJsonSyncOptions {
  /** Ends the wait; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** How a file is decoded. */
export interface LoadJsonOptions {
  /** Instead of `JSON.parse`. */
  parse?: ((text: string) => any) | undefined
}

/** As of `Journal`. */
export interface AppendJsonSyncOptions {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Permission bits of a new file, 0o777 at most. Default: 0o666 less the umask. */
  mode?: number | undefined
  /** Whether missing parent directories are made. Default: true. */
  parents?: boolean | undefined
  /** Bytes. Default: 64 MiB. */
  maxRecord?: number | undefined
  /** Milliseconds; 0 tries once, `Infinity` waits for ever. */
  timeout?: number | undefined
  /** Instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
}

/** The same for the asynchronous call. */
export interface AppendJsonOptions extends AppendJsonSyncOptions {
  /** Ends the wait; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** Replaces the whole file under its lock. */
export function saveJson(path: string | URL, value: unknown, options?: SaveJsonOptions): Promise<Version>
export function saveJsonSync(path: string | URL, value: unknown, options?: SaveJsonSyncOptions): Version

/** The value of a file; `default` (or a `NotFoundError`) if it is not there. Takes no lock. */
export function loadJson<T = unknown>(path: string | URL, options?: LoadJsonOptions): Promise<T>
export function loadJson<T = unknown, D = T>(path: string | URL, options: LoadJsonOptions & { default: D }): Promise<T | D>
export function loadJsonSync<T = unknown>(path: string | URL, options?: LoadJsonOptions): T
export function loadJsonSync<T = unknown, D = T>(path: string | URL, options: LoadJsonOptions & { default: D }): T | D

/** Appends one record. For more than a few keep a `Journal` open. */
export function appendJson(path: string | URL, value: unknown, options?: AppendJsonOptions): Promise<Position>
export function appendJsonSync(path: string | URL, value: unknown, options?: AppendJsonSyncOptions): Position

/**
 * A process, named for ever: pid, start, the start of the machine, the container
 * and the host together never repeat, while a pid by itself does. Its fields can
 * be stored as JSON and read back by `Process.from`.
 */
export class Process {
  private constructor()
  /** This process. */
  static current(): Process
  /** The process that has this pid now; where nobody has it, one that is dead. */
  static of(pid: number): Process
  /** From what `JSON.stringify` made of one, or its JSON, or a `Holder`. */
  static from(value: ProcessLike | string): Process
  /** Its number, which others get when it has ended. */
  readonly pid: number
  /** When it started, in the system's own unit; null if there was no such process. */
  readonly start: number | null
  /** The start of the machine that it runs on. */
  readonly boot: string | null
  /** Within which pids are counted: one a container. */
  readonly namespace: string | null
  /** The machine's name. */
  readonly host: string | null
  /**
   * Whether it lives, asked now. A pid that another process has by now and a
   * zombie are dead; what can't be seen from here is unknown.
   */
  readonly alive: 'alive' | 'dead' | 'unknown'
}

/** What tells a process from others: a `Process`, a `Holder`, or what JSON made of one. */
export interface ProcessLike {
  /** Its number. */
  readonly pid: number
  /** When it started, in the system's own unit. */
  readonly start?: number | null | undefined
  /** The start of the machine that it runs on. */
  readonly boot?: string | null | undefined
  /** Within which pids are counted: one a container. */
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
  /** Of each call, in milliseconds. */
  timeout?: number | undefined
  /** How the journals of the directory are opened by their other users. */
  journals?: JournalOptions | undefined
  /** Instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** Instead of `JSON.parse`. */
  parse?: ((text: any) => any) | undefined
}

/** How a transaction is begun. */
export interface TransactionOptions extends TransactionSyncOptions {
  /** Ends a wait; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** How a blocking call within a transaction waits. */
export interface WaitSyncOptions {
  /** Milliseconds; 0 tries once, `Infinity` waits for ever. */
  timeout?: number | undefined
}

/** How a call within a transaction waits. */
export interface WaitOptions extends WaitSyncOptions {
  /** Ends the wait; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/**
 * Several documents and journals of one directory that change together or not at
 * all, whatever dies. Nothing is written before the commit.
 */
export class Transaction implements Disposable, AsyncDisposable {
  private constructor()
  /** Begins one. `transaction(dir, work)` also ends it. */
  static begin(dir: string | URL, options?: TransactionOptions): Promise<Transaction>
  static beginSync(dir: string | URL, options?: TransactionSyncOptions): Transaction
  /** The directory, with every symbolic link resolved. */
  readonly dir: string
  /**
   * The value of a file as the transaction leaves it; `default` (or undefined) if
   * it is not there. The file stays locked until the end of the transaction, so
   * that what is saved can follow from what was read.
   */
  load<T = unknown>(name: string, options?: WaitOptions & { default?: T | undefined }): Promise<T | undefined>
  loadSync<T = unknown>(name: string, options?: WaitSyncOptions & { default?: T | undefined }): T | undefined
  /** The same as bytes. */
  loadRaw(name: string, options?: WaitOptions): Promise<Buffer | undefined>
  loadRawSync(name: string, options?: WaitSyncOptions): Buffer | undefined
  /** The file is to have this value, whatever it was. */
  save(name: string, value: unknown): Promise<Version>
  saveSync(name: string, value: unknown): Version
  /** The same, and it must not be there: also not by the time of the commit. */
  create(name: string, value: unknown): Promise<Version>
  createSync(name: string, value: unknown): Version
  /** Appends a record to a journal of the directory. */
  append(name: string, record: unknown): Promise<void>
  appendSync(name: string, record: unknown): void
  /** The same for many. */
  appendAll(name: string, records: Iterable<unknown> | AsyncIterable<unknown>): Promise<void>
  appendAllSync(name: string, records: Iterable<unknown>): void
  /** Writes the journal anew. The option `journals` says what a header begins with. */
  setHeader(name: string, header: unknown, options?: WaitOptions): Promise<void>
  setHeaderSync(name: string, header: unknown, options?: WaitSyncOptions): void
  /** The file is not to be there; whether it is there now. */
  remove(name: string, options?: WaitOptions): Promise<boolean>
  removeSync(name: string, options?: WaitSyncOptions): boolean
  /** Makes all the changes, or none. The transaction is over in any case. */
  commit(options?: WaitOptions): Promise<void>
  commitSync(options?: WaitSyncOptions): void
  /** Ends it without a change. After a commit it does nothing. */
  rollback(): Promise<void>
  rollbackSync(): void
  /** The same as `rollbackSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `rollback()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Commits when `work` is done, and rolls back if it throws. To await, in there, another
 * change of a file that the transaction has loaded is a `DeadlockError`.
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
  /** How the journal is opened by its users. */
  journal?: JournalOptions | undefined
}

/** The files of a directory as they were at one instant; others go on working. */
export interface Snapshot extends Disposable, AsyncDisposable {
  /** The files that were there, sorted. */
  readonly names: string[]
  /** The value that a file had; `default` (or undefined) if it was not there. */
  load<T = unknown>(name: string, options?: { default?: T | undefined }): Promise<T | undefined>
  loadSync<T = unknown>(name: string, options?: { default?: T | undefined }): T | undefined
  /** The same as bytes. */
  loadRaw(name: string): Promise<Buffer | undefined>
  loadRawSync(name: string): Buffer | undefined
  /** The records that a journal had. */
  records<T = unknown>(name: string, options?: SnapshotRecordsOptions): AsyncGenerator<T, void, undefined>
  recordsSync<T = unknown>(name: string, options?: SnapshotRecordsOptions): Generator<T, void, undefined>
  /** The same, each with its place. */
  entries<T = unknown>(name: string, options?: SnapshotRecordsOptions): AsyncGenerator<Entry<T>, void, undefined>
  entriesSync<T = unknown>(name: string, options?: SnapshotRecordsOptions): Generator<Entry<T>, void, undefined>
  /** Closes its files, which are all open until then. A second time does nothing. */
  close(): Promise<void>
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Takes all files of a directory as they are at one instant. Close it: it has them all open. */
export function snapshot(dir: string | URL, options?: WaitOptions & { parse?: ((text: any) => any) | undefined }): Promise<Snapshot>
export function snapshotSync(dir: string | URL, options?: WaitSyncOptions & { parse?: ((text: any) => any) | undefined }): Snapshot

/** How a store is opened. */
export interface StoreOptions {
  /** What a session's journal is called. Default: `journal.jsonl`. */
  journalName?: string | undefined
  /** What a session's state is called. Default: `state.json`. */
  stateName?: string | undefined
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Whether the directory is made where it is missing. Default: true. */
  create?: boolean | undefined
  /** Of each call, in milliseconds. */
  timeout?: number | undefined
  /** How the sessions' journals are opened. */
  journal?: JournalOptions | undefined
  /** For the values of documents, instead of `JSON.stringify`. */
  stringify?: ((value: any) => string | Uint8Array) | undefined
  /** For the values of documents, instead of `JSON.parse`. */
  parse?: ((text: any) => any) | undefined
}

/** A record in which a text was found. */
export interface Hit {
  /** Of the session. */
  readonly key: string
  /** Where the record begins. */
  readonly position: Position
  /** The text around the match. */
  readonly snippet: string
  /** `snippet.slice(...range)` is the match. */
  readonly range: readonly [number, number]
}

/** A directory of sessions, found by their keys: any strings. */
export class Store {
  private constructor()
  /** Opens the store in this directory. */
  static open(dir: string | URL, options?: StoreOptions): Promise<Store>
  static openSync(dir: string | URL, options?: StoreOptions): Store
  /** The directory, with every symbolic link resolved. */
  readonly path: string
  /** The session with this key, which need not be there yet. Nothing is made. */
  session(key: string): Session
  /** The keys of all sessions, sorted. */
  keys(options?: { signal?: AbortSignal | undefined }): Promise<string[]>
  keysSync(): string[]
  /** Removes a session with all its files; one try, unless a timeout is given. */
  remove(key: string, options?: WaitOptions): Promise<boolean>
  removeSync(key: string, options?: WaitSyncOptions): boolean
  /** Records of all sessions with this text, in any case. Default: at most 100. */
  search(text: string, options?: { maxHits?: number | undefined; signal?: AbortSignal | undefined }): Promise<Hit[]>
  searchSync(text: string, options?: { maxHits?: number | undefined }): Hit[]
}

/** Who is asked before anything is changed, in a blocking call. */
export interface ReconcileSyncOptions extends WaitSyncOptions {
  /** Whether the session lives in another way; asked where its owner is dead. */
  alsoAlive?: (() => boolean) | undefined
}

/** Who is asked before anything is changed. */
export interface ReconcileOptions extends WaitOptions {
  /** Whether the session lives in another way; asked where its owner is dead. */
  alsoAlive?: (() => boolean | Promise<boolean>) | undefined
}

/** What came of a reconciliation. */
export interface Reconciled {
  /**
   * `'done'`: the changes are made. `'no_change'`: the session was never owned,
   * was let go, or there was nothing to change. `'busy'`: somebody else is at it.
   * `'alive'`: the owner lives.
   */
  readonly outcome: 'done' | 'no_change' | 'busy' | 'alive'
  /** The owner, dead or alive, where there is one. */
  readonly holder: Holder | null
}

/** A directory with a journal, a state, media files and at most one owner. */
export interface Session {
  /** Any string. */
  readonly key: string
  /** Its directory. */
  readonly path: string
  /** Whether it is there: whether something of it was made. */
  exists(): Promise<boolean>
  existsSync(): boolean
  /** Its journal, opened as the store's options say. */
  journal<T = unknown>(): Promise<Journal<T>>
  journalSync<T = unknown>(): Journal<T>
  /** Its state, a document. */
  state<T = unknown>(): Promise<Document<T>>
  stateSync<T = unknown>(): Document<T>
  /** Another document of this name. */
  document<T = unknown>(name: string, options?: Pick<StoreOptions, 'stringify' | 'parse'>): Promise<Document<T>>
  documentSync<T = unknown>(name: string, options?: Pick<StoreOptions, 'stringify' | 'parse'>): Document<T>
  /** Where the media file of this name is, or will be. Makes the directory, and waits for what locks the store's names. */
  media(name: string, options?: WaitOptions): Promise<string>
  mediaSync(name: string, options?: WaitSyncOptions): string
  /** Who owns the session; null if nobody does. */
  holder(): Promise<Holder | null>
  holderSync(): Holder | null
  /** Makes this process the owner; one try, unless a timeout is given. */
  claim(label?: string, options?: WaitOptions): Promise<Lease>
  claimSync(label?: string, options?: WaitSyncOptions): Lease
  /**
   * If the last owner died without letting go: runs `change` in a transaction on the
   * session's files, in one process at a time. `false` from it: there was nothing
   * to change.
   */
  reconcile(
    change: (tx: Transaction) => boolean | void | Promise<boolean | void>,
    options?: ReconcileOptions,
  ): Promise<Reconciled>
  reconcileSync(change: (tx: Transaction) => boolean | void, options?: ReconcileSyncOptions): Reconciled
}

/** A session's lease: nobody else owns it until it is released or its process ends. */
export interface Lease extends Disposable, AsyncDisposable {
  /** This process, as others are told of it. */
  readonly holder: Holder
  /** The owner before, if he died without letting go. */
  readonly previous: Holder | null
  /** Whether it is held still. */
  readonly held: boolean
  /** Lets the session go. A second time does nothing. */
  release(): Promise<void>
  releaseSync(): void
  /** Gives the session to another process of this machine, which claims it. */
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

/** One thing that a self-test tried. */
export interface Check {
  /**
   * `'exclusion'`, `'exclusion_threads'`, `'sharing'`, `'waiting'`,
   * `'release_on_death'`, `'scheme'`, `'rename'`, `'link'`, `'sync'`,
   * `'sync_directory'`; there may be more in later versions.
   */
  readonly name: string
  /** What came of it. */
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** In words, for people. */
  readonly detail: string
}

/** What a self-test found. */
export interface SelfTest {
  /** Where. */
  readonly dir: string
  /** As `mount` shows it; empty if it is not known. */
  readonly fileSystem: string
  /** Which locks were tried. */
  readonly scheme: Scheme
  /** Whether nothing failed. */
  readonly passed: boolean
  /** All that was tried. */
  readonly checks: readonly Check[]
}

/**
 * Tries in this directory whether locks lock, between two processes, and whether
 * a file can be replaced and synced. What was tried and failed is in the report.
 */
export function selftest(dir: string | URL, options?: { scheme?: Scheme | undefined }): Promise<SelfTest>
export function selftestSync(dir: string | URL, options?: { scheme?: Scheme | undefined }): SelfTest

// begin generated error codes (spec/errors.toml, cargo xtask generate)
/** The same in every language, behind a prefix. */
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

/** Base of every error of this library. */
export class UntornError extends Error {
  protected constructor()
  /** Which kind: every class has one. */
  readonly code: ErrorCode
  /** What was being done: `'append'`, `'save'`, `'lock'`, ... */
  readonly operation?: string
  /** The file that it is about. */
  readonly path?: string
  /** The system's error number, negative, where the system refused. */
  readonly errno?: number
  /** Who holds the lock, where it can be known. */
  readonly holder?: Holder
  /** The journal's actual end, or the place reached. */
  readonly position?: Position
  /** All of this and the message, for logs: `JSON.stringify` leaves out the message of an error. */
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
