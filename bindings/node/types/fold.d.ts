// A state that follows a journal.

import type { CallOptions, SyncCallOptions } from './options.js'
import type { Kept, Position } from './reading.js'

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
  /** The blocking twin of `refresh`. */
  refreshSync(options?: SyncCallOptions): Position
  /** Appends a record and applies it, after the records that other processes appended before. */
  append(value: T, options?: CallOptions): Promise<Position>
  /** The blocking twin of `append`. */
  appendSync(value: T, options?: SyncCallOptions): Position
  /** Appends many records and applies them: all of them or none. */
  appendAll(values: Iterable<T> | AsyncIterable<T>, options?: CallOptions): Promise<Position>
  /** The blocking twin of `appendAll`. */
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
  /** The blocking twin of `update`. */
  updateSync(decide: (state: S) => Iterable<T> | null | void, options?: SyncCallOptions): Position
  /** Closes the file that it reads. The state stays; calls that would change it are refused. */
  close(): Promise<void>
  /** The blocking twin of `close`. */
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
