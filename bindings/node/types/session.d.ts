// Sessions, and the store that holds them.

import type { DatabaseUrl, PoolLike, Store as PostgresStore, StoreOptions as PostgresStoreOptions } from '../postgres.js'
import type { Document } from './document.js'
import type { Journal } from './journal.js'
import type { Holder } from './lock.js'
import type { JournalOptions, ProgressOptions, WaitOptions, WaitSyncOptions } from './options.js'
import type { ProcessLike } from './process.js'
import type { Position } from './reading.js'
import type { Transaction } from './transaction.js'
import type { Durability } from './words.js'

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

/** How a store is searched. */
export interface SearchOptions extends ProgressOptions {
  /** The most hits. Default: 100. */
  maxHits?: number | undefined
  /** Ends the search: the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
}

/** A directory of sessions, found by their keys, which may be any strings. */
export class Store {
  private constructor()
  /** Opens the store in a database: see `untorn/postgres`, whose types fit any URL. */
  static open(where: PoolLike | DatabaseUrl, options?: PostgresStoreOptions): Promise<PostgresStore>
  /** Opens the store in this directory. */
  static open(dir: string | URL, options?: StoreOptions): Promise<Store>
  /** The blocking twin of `open`. */
  static openSync(dir: string | URL, options?: StoreOptions): Store
  /** The directory, with every symbolic link resolved. */
  readonly path: string
  /** Returns the session with this key, which need not exist yet. Creates nothing. */
  session(key: string): Session
  /** Returns the keys of all sessions, sorted. */
  keys(options?: { signal?: AbortSignal | undefined }): Promise<string[]>
  /** The blocking twin of `keys`. */
  keysSync(): string[]
  /** Removes a session with all its files. Tries once, unless you set a timeout. */
  remove(key: string, options?: WaitOptions): Promise<boolean>
  /** The blocking twin of `remove`. */
  removeSync(key: string, options?: WaitSyncOptions): boolean
  /** Finds records of all sessions that contain this text, ignoring case. Default: at most 100. */
  search(text: string, options?: SearchOptions): Promise<Hit[]>
  /** The blocking twin of `search`. */
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
  /** The blocking twin of `exists`. */
  existsSync(): boolean
  /** Opens its journal, with the store's options. */
  journal<T = unknown>(): Promise<Journal<T>>
  /** The blocking twin of `journal`. */
  journalSync<T = unknown>(): Journal<T>
  /** Opens its state document. */
  state<T = unknown>(): Promise<Document<T>>
  /** The blocking twin of `state`. */
  stateSync<T = unknown>(): Document<T>
  /** Opens another document in its directory. */
  document<T = unknown>(name: string, options?: Pick<StoreOptions, 'stringify' | 'parse'>): Promise<Document<T>>
  /** The blocking twin of `document`. */
  documentSync<T = unknown>(name: string, options?: Pick<StoreOptions, 'stringify' | 'parse'>): Document<T>
  /**
   * Returns the path for the media file of this name. Creates the directory. Waits while another
   * process locks the store's names.
   */
  media(name: string, options?: WaitOptions): Promise<string>
  /** The blocking twin of `media`. */
  mediaSync(name: string, options?: WaitSyncOptions): string
  /** Returns the process that owns the session; null if none does. */
  holder(): Promise<Holder | null>
  /** The blocking twin of `holder`. */
  holderSync(): Holder | null
  /** Makes this process the owner. Tries once, unless you set a timeout. */
  claim(label?: string, options?: WaitOptions): Promise<Lease>
  /** The blocking twin of `claim`. */
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
  /** The blocking twin of `reconcile`. */
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
  /** The blocking twin of `release`. */
  releaseSync(): void
  /** Hands the session over to another process of this machine, which then claims it. */
  transfer(to: ProcessLike | string): Promise<void>
  /** The blocking twin of `transfer`. */
  transferSync(to: ProcessLike | string): void
  /** The same as `release`. */
  close(): Promise<void>
  /** The blocking twin of `close`. */
  closeSync(): void
  /** The same as `releaseSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `release()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
