// Documents.

import type { CallOptions, DocumentOptions, SyncCallOptions } from './options.js'

/** A hash of a document's bytes: 32 hexadecimal digits. */
export type Version = string

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
  /** The blocking twin of `open`. */
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
  /** Returns the value; `default` if the document does not exist. */
  load<D>(options: { default: D }): Promise<T | D>
  /** The blocking twin of `load`. */
  loadSync(): T
  /** The blocking twin of `load` with a default. */
  loadSync<D>(options: { default: D }): T | D

  /** Returns the bytes, without decoding them. */
  loadRaw(): Promise<Buffer>
  /** The blocking twin of `loadRaw`. */
  loadRawSync(): Buffer

  /** Replaces the whole value. Returns the new version. */
  save(value: T, options?: CallOptions & Expect): Promise<Version>
  /** The blocking twin of `save`. */
  saveSync(value: T, options?: SyncCallOptions & Expect): Version

  /** Saves a document that does not exist yet; otherwise throws an `AlreadyExistsError`. */
  create(value: T, options?: CallOptions): Promise<Version>
  /** The blocking twin of `create`. */
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
  /** The blocking twin of `update`. */
  updateSync(change: (value: T | undefined) => T, options?: SyncCallOptions): Version

  /** Removes the document. Returns false if it did not exist. */
  remove(options?: CallOptions & Expect): Promise<boolean>
  /** The blocking twin of `remove`. */
  removeSync(options?: SyncCallOptions & Expect): boolean

  /**
   * Closes the handle: later changes are refused, but you can still read. A second call does
   * nothing.
   */
  close(): Promise<void>
  /** The blocking twin of `close`. */
  closeSync(): void
  /** The same as `closeSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
