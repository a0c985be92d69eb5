// Several files as they were at one instant.

import type { JournalOptions, WaitOptions, WaitSyncOptions } from './options.js'
import type { DamageOptions, Entry } from './reading.js'

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
  /** The blocking twin of `load`. */
  loadSync<T = unknown>(name: string, options?: { default?: T | undefined }): T | undefined
  /** Returns the bytes that a file had; undefined if it did not exist. */
  loadRaw(name: string): Promise<Buffer | undefined>
  /** The blocking twin of `loadRaw`. */
  loadRawSync(name: string): Buffer | undefined
  /** Reads the records that a journal had. */
  records<T = unknown>(name: string, options?: SnapshotRecordsOptions): AsyncGenerator<T, void, undefined>
  /** The blocking twin of `records`. */
  recordsSync<T = unknown>(name: string, options?: SnapshotRecordsOptions): Generator<T, void, undefined>
  /** Reads the records that a journal had, each with its place. */
  entries<T = unknown>(name: string, options?: SnapshotRecordsOptions): AsyncGenerator<Entry<T>, void, undefined>
  /** The blocking twin of `entries`. */
  entriesSync<T = unknown>(name: string, options?: SnapshotRecordsOptions): Generator<Entry<T>, void, undefined>
  /** Closes its files, which are all open until then. A second call does nothing. */
  close(): Promise<void>
  /** The blocking twin of `close`. */
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

/** The blocking twin of `snapshot`. */
export function snapshotSync(dir: string | URL, options?: WaitSyncOptions & { parse?: ((text: any) => any) | undefined }): Snapshot
