// Several files that change together.

import type { Version } from './document.js'
import type { JournalOptions, WaitOptions, WaitSyncOptions } from './options.js'
import type { Durability } from './words.js'

/** How a transaction is begun by a blocking call. */
export interface TransactionSyncOptions {
  /** Default: `'power'`. */
  durability?: Durability | undefined
  /** Permission bits of new files. */
  mode?: number | undefined
  /** Whether the directory and its missing parent directories are created when the transaction begins. Default: false. */
  parents?: boolean | undefined
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

/**
 * Several documents and journals of one directory that change together or not at all, whichever
 * process dies. Nothing is written before the commit.
 */
export class Transaction implements Disposable, AsyncDisposable {
  private constructor()
  /** Begins a transaction. `transaction(dir, work)` also ends it. */
  static begin(dir: string | URL, options?: TransactionOptions): Promise<Transaction>
  /** The blocking twin of `begin`. */
  static beginSync(dir: string | URL, options?: TransactionSyncOptions): Transaction
  /** The directory, with every symbolic link resolved. */
  readonly dir: string
  /**
   * Returns the value of a file as the transaction leaves it. If the file does not exist, returns
   * `default`, or undefined. The file stays locked until the end of the transaction, so that a save
   * can depend on what was read.
   */
  load<T = unknown>(name: string, options?: WaitOptions & { default?: T | undefined }): Promise<T | undefined>
  /** The blocking twin of `load`. */
  loadSync<T = unknown>(name: string, options?: WaitSyncOptions & { default?: T | undefined }): T | undefined
  /** Returns the bytes of a file as the transaction leaves it; undefined if it does not exist. */
  loadRaw(name: string, options?: WaitOptions): Promise<Buffer | undefined>
  /** The blocking twin of `loadRaw`. */
  loadRawSync(name: string, options?: WaitSyncOptions): Buffer | undefined
  /** Replaces the whole file at the commit, whatever it holds now. */
  save(name: string, value: unknown): Promise<Version>
  /** The blocking twin of `save`. */
  saveSync(name: string, value: unknown): Version
  /** Creates the file at the commit. It must not exist, neither now nor at the commit. */
  create(name: string, value: unknown): Promise<Version>
  /** The blocking twin of `create`. */
  createSync(name: string, value: unknown): Version
  /** Appends a record to a journal of the directory. */
  append(name: string, record: unknown): Promise<void>
  /** The blocking twin of `append`. */
  appendSync(name: string, record: unknown): void
  /** Appends many records to a journal of the directory. */
  appendAll(name: string, records: Iterable<unknown> | AsyncIterable<unknown>): Promise<void>
  /** The blocking twin of `appendAll`. */
  appendAllSync(name: string, records: Iterable<unknown>): void
  /**
   * Sets the header of a journal, which rewrites it. The option `journals` says how a header
   * begins.
   */
  setHeader(name: string, header: unknown, options?: WaitOptions): Promise<void>
  /** The blocking twin of `setHeader`. */
  setHeaderSync(name: string, header: unknown, options?: WaitSyncOptions): void
  /** Deletes the file at the commit. Returns whether it exists now. */
  remove(name: string, options?: WaitOptions): Promise<boolean>
  /** The blocking twin of `remove`. */
  removeSync(name: string, options?: WaitSyncOptions): boolean
  /** Makes all the changes, or none. The transaction is over in any case. */
  commit(options?: WaitOptions): Promise<void>
  /** The blocking twin of `commit`. */
  commitSync(options?: WaitSyncOptions): void
  /** Ends the transaction without a change. After a commit it does nothing. */
  rollback(): Promise<void>
  /** The blocking twin of `rollback`. */
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

/** The blocking twin of `transaction`. */
export function transactionSync<T>(
  dir: string | URL,
  work: (tx: Transaction) => T,
  options?: TransactionSyncOptions,
): T
