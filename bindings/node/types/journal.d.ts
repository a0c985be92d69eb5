// Journals.

import type { Fold } from './fold.js'
import type { Follow, FollowOptions } from './follow.js'
import type { CallOptions, JournalOptions, ProgressOptions, SyncCallOptions } from './options.js'
import type { DamageOptions, Entry, Kept, Position, ReadOptions, Report } from './reading.js'
import type { Salvage, TornEntry } from './salvage.js'

/** How a journal is checked. */
export interface VerifyOptions extends ProgressOptions {
  /** Ends the check: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
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

/**
 * An append-only file of one-line records. Any number of processes and threads append to it.
 *
 * Appends on one handle keep the order of their calls. Appends that queue up during a write are
 * committed together. `rewind`, `rotate`, `clear`, `replace` and `compact` keep their order among
 * themselves, but not with appends: if an append must come before one of them, await it first.
 */
export class Journal<T = unknown> implements AsyncIterable<T>, Iterable<T>, Disposable, AsyncDisposable {
  private constructor()
  /** Opens the journal at `path`. The file need not exist yet: the first append creates it. */
  static open<T = unknown>(path: string | URL, options?: JournalOptions): Promise<Journal<T>>
  /** The blocking twin of `open`. */
  static openSync<T = unknown>(path: string | URL, options?: JournalOptions): Journal<T>

  /** The path of the file, with every symbolic link resolved. */
  readonly path: string

  /** Appends one record. Returns the position just after it. */
  append(value: T, options?: CallOptions): Promise<Position>
  /** The blocking twin of `append`. */
  appendSync(value: T, options?: SyncCallOptions): Position

  /**
   * Appends many records next to each other: all of them or none. Values that come later (an async
   * generator, a stream) are first awaited to their end. Only then does the append take its place
   * in the order. A value that is not a list of records is refused.
   */
  appendAll(values: Iterable<T> | AsyncIterable<T>, options?: AppendAllOptions): Promise<Position>
  /** The blocking twin of `appendAll`. */
  appendAllSync(values: Iterable<T>, options?: AppendAllSyncOptions): Position

  /** Appends a record that is already encoded, after checking it. */
  appendRaw(record: string | Uint8Array, options?: CallOptions): Promise<Position>
  /** The blocking twin of `appendRaw`. */
  appendRawSync(record: string | Uint8Array, options?: SyncCallOptions): Position

  /** Reads the header; null if the journal has none. Takes no lock, and never sees half a stamp. */
  header(): Promise<any>
  /** The blocking twin of `header`. */
  headerSync(): any

  /**
   * Changes the header, or adds one. It is encoded as records are, and its text must begin with
   * `headerPrefix`. To change it together with an append, see `appendAll`.
   */
  setHeader(value: unknown, options?: CallOptions): Promise<void>
  /** The blocking twin of `setHeader`. */
  setHeaderSync(value: unknown, options?: SyncCallOptions): void

  /**
   * Rewinds the journal to a position: removes every record after it. A rotated file keeps the
   * whole journal as it was. Returns the path of that file, or null if no record follows the
   * position. The header stays. Positions taken before this call are refused from then on.
   */
  rewind(position: Position, options?: CallOptions): Promise<string | null>
  /** The blocking twin of `rewind`. */
  rewindSync(position: Position, options?: SyncCallOptions): string | null

  /**
   * Moves the records to a rotated file, and begins a new, empty journal, with the same header if
   * it has one. Rotated files are named `name_1.ext`, `name_2.ext`, ...; numbers only grow. Returns
   * the path of the rotated file, or null if the journal had no records.
   */
  rotate(options?: CallOptions): Promise<string | null>
  /** The blocking twin of `rotate`. */
  rotateSync(options?: SyncCallOptions): string | null

  /**
   * Returns the rotated files of this journal that exist, oldest first: those that `rotate`,
   * `rewind` and `maxBytes` made. A file that another program copied, replaced or appended to since
   * is not among them.
   */
  rotated(): Promise<string[]>
  /** The blocking twin of `rotated`. */
  rotatedSync(): string[]

  /**
   * Removes rotated files, oldest first, and returns how many: all but the newest `keep`, and of
   * these only files last written to longer ago than `olderThan` milliseconds. Their records are
   * gone. A reader or follower that has not read them yet reports a rewind.
   */
  pruneRotated(keep: number, olderThan?: number, options?: CallOptions): Promise<number>
  /** The blocking twin of `pruneRotated`. */
  pruneRotatedSync(keep: number, olderThan?: number, options?: SyncCallOptions): number

  /**
   * Empties the journal: neither records nor a header stay. A rotated file keeps the whole journal
   * as it was. Returns the path of that file, or null if the journal was empty or missing.
   * `rotate` does the same, but the header stays.
   */
  clear(options?: CallOptions): Promise<string | null>
  /** The blocking twin of `clear`. */
  clearSync(options?: SyncCallOptions): string | null

  /** Replaces all records by these: all of them or none. */
  replace(values: Iterable<T> | AsyncIterable<T>, options?: CallOptions & ProgressOptions): Promise<Position>
  /** The blocking twin of `replace`. */
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
    options?: CallOptions & DamageOptions & ProgressOptions,
  ): Promise<Position>
  /** The blocking twin of `compact`. */
  compactSync(
    keep: (records: Generator<T, void, undefined>) => Iterable<T>,
    options?: SyncCallOptions & DamageOptions,
  ): Position

  /** Returns where the last whole record ends. */
  end(): Promise<Position>
  /** The blocking twin of `end`. */
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
  /** The blocking twin of `entries`. */
  entriesSync(options?: ReadOptions): Generator<Entry<T>, void, undefined>

  /** Reads all records into one array. */
  read(options?: ReadOptions): Promise<T[]>
  /** The blocking twin of `read`. */
  readSync(options?: ReadOptions): T[]

  /** Reads the last `n` records, oldest first. Damaged lines do not count. */
  tail(n: number, options?: DamageOptions): Promise<T[]>
  /** The blocking twin of `tail`. */
  tailSync(n: number, options?: DamageOptions): T[]
  /** Reads the last `n` records, each with its place. */
  tailEntries(n: number, options?: DamageOptions): Promise<Entry<T>[]>
  /** The blocking twin of `tailEntries`. */
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
  /** The blocking twin of `fold`. */
  foldSync<S>(initial: () => S, apply: (state: S, value: T) => S | void, options?: SyncCallOptions & DamageOptions): Fold<S, T>

  /** Checks every record. Changes nothing. */
  verify(options?: VerifyOptions): Promise<Report>
  /** The blocking twin of `verify`. */
  verifySync(): Report

  /** Repairs the tail, as the next append would, then checks every record. */
  repair(options?: CallOptions & ProgressOptions): Promise<Report>
  /** The blocking twin of `repair`. */
  repairSync(options?: SyncCallOptions): Report

  /** Returns what `salvage` would do. Takes no lock and changes nothing. */
  salvagePlan(): Promise<Salvage>
  /** The blocking twin of `salvagePlan`. */
  salvagePlanSync(): Salvage

  /**
   * Mends damage before the end of the journal, and throws nothing away. Records that were glued
   * together become a line each, and NULs are removed. Bytes that can't be read go to the file
   * `.torn`, with their place. The torn tail is repaired too. If anything but the tail is mended,
   * the journal is a new file from then on, and earlier positions are refused. `CorruptError`: the
   * file is plainly not a journal.
   */
  salvage(options?: CallOptions): Promise<Salvage>
  /** The blocking twin of `salvage`. */
  salvageSync(options?: SyncCallOptions): Salvage

  /** Returns what repairs and salvages have cut off this journal, oldest first. */
  torn(): Promise<TornEntry[]>
  /** The blocking twin of `torn`. */
  tornSync(): TornEntry[]

  /** Returns the bytes of one entry of `torn`. */
  tornBytes(number: number): Promise<Buffer>
  /** The blocking twin of `tornBytes`. */
  tornBytesSync(number: number): Buffer

  /**
   * Gives the bytes of one entry back: appends each line of them as a record, all or none. The
   * entry stays, so a second call appends them again. `InvalidRecordError`: a line of it is no
   * record; most entries are half a record.
   */
  restoreTorn(number: number, options?: CallOptions): Promise<Position>
  /** The blocking twin of `restoreTorn`. */
  restoreTornSync(number: number, options?: SyncCallOptions): Position

  /** Forgets entries older than this many milliseconds, and returns how many they were. */
  pruneTorn(olderThan: number, options?: CallOptions): Promise<number>
  /** The blocking twin of `pruneTorn`. */
  pruneTornSync(olderThan: number, options?: SyncCallOptions): number

  /** Makes everything that the file contains now survive a power cut. */
  sync(): Promise<void>
  /** The blocking twin of `sync`. */
  syncSync(): void

  /**
   * Closes the handle and the files that it has open. Appends that were begun are finished. Later
   * changes are refused, but you can still read. A second call does nothing.
   */
  close(): Promise<void>
  /** The blocking twin of `close`. */
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
