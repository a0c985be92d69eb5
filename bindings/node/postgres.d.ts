/// <reference types="node" />
/// <reference path="./types/disposable.d.ts" />

/**
 * The store in a PostgreSQL database: the verbs of a store of files, for programs on several hosts.
 * Your own `pg` carries the statements: a pool, or a URL with which one is made.
 *
 * A handle has no `...Sync` verbs: they would stop the event loop that carries their statements.
 * Verbs that only files have are missing, too: locks, repairs, salvage. In JavaScript without types
 * such a call throws an `UnsupportedError`.
 */

import type { Document as FileDocument, Expect, Version } from './types/document.js'
import type { Fold as FileFold } from './types/fold.js'
import type { Journal as FileJournal } from './types/journal.js'
import type { JournalOptions, ProgressOptions, SchemeOptions, WaitOptions } from './types/options.js'
import type { DamageOptions, Kept, Position } from './types/reading.js'
import type { Lease as FileLease, ReconcileOptions, Reconciled, Store as FileStore, StoreOptions as FileStoreOptions } from './types/session.js'
import type { Transaction as FileTransaction } from './types/transaction.js'
import type { Holder } from './types/lock.js'

/** The verbs that block. */
type Blocking = `${string}Sync`

/** A client that a pool lends. */
export interface ClientLike {
  /** Runs a statement. */
  query(...statement: any[]): any
  /** Gives the client back to the pool. */
  release(error?: any): void
}

/** A pool: that of the package `pg`, or one that is like it. */
export interface PoolLike {
  /** Lends a client. */
  connect(): Promise<ClientLike>
  /** Runs a statement on any client. */
  query(...statement: any[]): any
}

/** A URL of a database, as libpq and `pg` have it. */
export type DatabaseUrl = `postgres://${string}` | `postgresql://${string}`

/** How a store in a database is opened. */
export interface StoreOptions extends Omit<FileStoreOptions, 'create' | 'journal'> {
  /** The schema with the tables. Default: `untorn`. */
  schema?: string | undefined
  /** The time to live of a lease, in milliseconds. It is renewed three times within it. Default: 15,000. */
  ttl?: number | undefined
  /**
   * Whether a lease also ends with a connection of its own, so that a dead owner's session is free
   * at once. Not through a pooler in transaction mode. Default: false.
   */
  connected?: boolean | undefined
  /** How long a statement is sent again after its connection broke, in milliseconds. Default: 10,000. */
  patience?: number | undefined
  /** How the sessions' journals are opened. An option that only files have is refused. */
  journal?: Omit<JournalOptions, 'mode' | 'parents' | 'cutForeignTail' | 'durability' | keyof SchemeOptions> | undefined
}

/** The sessions of one schema of a database, found by their keys. */
export class Store {
  private constructor()
  /** Opens the store in this database. `migrate` must have made its schema. */
  static open(where: PoolLike | DatabaseUrl | URL | string, options?: StoreOptions): Promise<Store>
  /** Its name in messages: the schema. */
  readonly path: string
  /** Returns the session with this key, which need not exist yet. Creates nothing. */
  session(key: string): Session
  /** Returns the keys of all sessions, sorted. */
  keys: FileStore['keys']
  /** Removes a session with all its files. Tries once, unless you set a timeout. */
  remove: FileStore['remove']
  /** Finds records of all sessions that contain this text, ignoring case. Default: at most 100. */
  search: FileStore['search']
}

/** A session: a journal, a state, other documents and at most one owner. */
export class Session {
  private constructor()
  /** The key, which may be any string without U+0000. */
  readonly key: string
  /** Its name in messages: schema and key. */
  readonly path: string
  /** Returns whether the session has a file or an owner. */
  exists(): Promise<boolean>
  /** Opens its journal, or another one of this name, with the store's options. */
  journal<T = unknown>(name?: string): Promise<Journal<T>>
  /** Opens its state document. */
  state<T = unknown>(): Promise<Document<T>>
  /** Opens another document of the session. */
  document<T = unknown>(name: string, options?: Pick<StoreOptions, 'stringify' | 'parse'>): Promise<Document<T>>
  /**
   * Begins a transaction on the session's files. Nothing is locked: the commit is a `ConflictError`
   * if a file that was loaded has changed meanwhile. Then begin again.
   */
  transaction(): Promise<Transaction>
  /** Runs `work` in a transaction. Commits when it returns, and rolls back if it throws. */
  transaction<T>(work: (tx: Transaction) => T | Promise<T>, options?: WaitOptions): Promise<T>
  /** Returns the process that owns the session; null if none does. */
  holder(): Promise<Holder | null>
  /**
   * Makes this process the owner. Tries once, unless you set a timeout. From here on all that this
   * `Session` and its journals, documents and transactions change names the lease.
   */
  claim(label?: string, options?: WaitOptions): Promise<Lease>
  /**
   * Cleans up if the last owner ended without a release: runs `change` in a transaction on the
   * session's files, in one process at a time. `change` returns `false` if no change was needed.
   */
  reconcile(
    change: (tx: Transaction) => boolean | void | Promise<boolean | void>,
    options?: ReconcileOptions,
  ): Promise<Reconciled>
}

/**
 * A session's lease. It is renewed until it is released. If this process dies, stops or is cut off,
 * another one can claim the session after the time to live. Then this owner can change nothing any
 * more: a `LeaseLostError`.
 */
export interface Lease extends Omit<FileLease, Blocking | typeof Symbol.dispose> {
  /**
   * Aborted when this process learns that the lease is lost; its reason is a `LeaseLostError`. Give
   * it to a call to end its wait then.
   */
  readonly lost: AbortSignal
  /** The number that fences the owner's changes, for statements of your own. */
  readonly token: bigint
}
/** The class of leases, for `instanceof`. */
export const Lease: abstract new (own: never) => Lease

/** The verbs of a journal that only files have, and those that are declared again here. */
type OtherJournal =
  | 'append' | 'appendAll' | 'appendRaw' | 'setHeader' | 'rewind' | 'rotate' | 'rotated' | 'pruneRotated' | 'clear' | 'replace'
  | 'compact' | 'fold' | 'repair' | 'salvagePlan' | 'salvage' | 'torn' | 'tornBytes' | 'restoreTorn' | 'pruneTorn'

/**
 * An append-only sequence of records. Any number of processes on any hosts append to it. Appends on
 * one handle keep the order of their calls; those that queue up during a statement go into the next
 * one together.
 */
export interface Journal<T = unknown>
  extends Omit<FileJournal<T>, Blocking | OtherJournal | typeof Symbol.iterator | typeof Symbol.dispose> {
  /** Appends one record. Returns the position just after it. */
  append(value: T, options?: WaitOptions): Promise<Position>
  /**
   * Appends many records next to each other: all of them or none. With `at` only if the journal ends
   * there; with `header` it gets that header in the same step.
   */
  appendAll(
    values: Iterable<T> | AsyncIterable<T>,
    options?: WaitOptions & { at?: Position; header?: unknown | undefined },
  ): Promise<Position>
  /** Appends a record that is already encoded, after checking it. */
  appendRaw(record: string | Uint8Array, options?: WaitOptions): Promise<Position>
  /** Changes the header, or adds one. Its text must begin with `headerPrefix`. */
  setHeader(value: unknown, options?: WaitOptions): Promise<void>
  /**
   * Removes every record after a position. Returns the name of a rotated file of the session that
   * keeps the whole journal, or null if no record follows the position.
   */
  rewind(position: Position, options?: WaitOptions): Promise<string | null>
  /** Moves the records to a rotated file of the session, and returns its name; null if there were none. */
  rotate(options?: WaitOptions): Promise<string | null>
  /** Returns the names of the rotated files, oldest first. `session.journal(name)` reads one. */
  rotated(): Promise<string[]>
  /**
   * Removes rotated files, oldest first, and returns how many: all but the newest `keep`, and of
   * these only those rotated longer ago than `olderThan` milliseconds, by the server's clock.
   */
  pruneRotated(keep: number, olderThan?: number, options?: WaitOptions): Promise<number>
  /** Empties the journal: neither records nor a header stay. Otherwise as `rotate`. */
  clear(options?: WaitOptions): Promise<string | null>
  /**
   * Rewrites the journal, whole or not at all, as with files. Nothing is locked: records that are
   * appended meanwhile come after the new ones. `ConflictError`: another process rewrote it first.
   */
  compact(
    keep: (records: AsyncGenerator<T, void, undefined>) => Kept<T> | PromiseLike<Kept<T>>,
    options?: WaitOptions & DamageOptions & ProgressOptions,
  ): Promise<Position>
  /** Replaces all records by these: all of them or none. */
  replace(values: Iterable<T> | AsyncIterable<T>, options?: WaitOptions & ProgressOptions): Promise<Position>
  /** Keeps a state from the records. See `Fold`. */
  fold<S>(initial: () => S, apply: (state: S, value: T) => S | void, options?: WaitOptions & DamageOptions): Promise<Fold<S, T>>
}
/** The class of journals, for `instanceof`. */
export const Journal: abstract new (own: never) => Journal<any>

/**
 * A state that follows the records of a journal. Nothing is locked: `update` appends where the state
 * ends, and calls `decide` again if another process appended first.
 */
export interface Fold<S, T = unknown>
  extends Omit<FileFold<S, T>, Blocking | 'refresh' | 'append' | 'appendAll' | 'update' | typeof Symbol.dispose> {
  /** Applies the records that were appended since. */
  refresh(options?: WaitOptions): Promise<Position>
  /** Appends a record and applies it, after the records that other processes appended before. */
  append(value: T, options?: WaitOptions): Promise<Position>
  /** Appends many records and applies them: all of them or none. */
  appendAll(values: Iterable<T> | AsyncIterable<T>, options?: WaitOptions): Promise<Position>
  /** Lets `decide` choose from the state what to append. It is called again if the state changes meanwhile. */
  update(
    decide: (state: S) => Kept<T> | null | void | PromiseLike<Kept<T> | null | void>,
    options?: WaitOptions,
  ): Promise<Position>
}

/** One value, always replaced whole. */
export interface Document<T = unknown>
  extends Omit<FileDocument<T>, Blocking | 'save' | 'create' | 'update' | 'remove' | typeof Symbol.dispose> {
  /** Replaces the whole value. Returns the new version. */
  save(value: T, options?: WaitOptions & Expect): Promise<Version>
  /** Saves a document that does not exist yet; otherwise throws an `AlreadyExistsError`. */
  create(value: T, options?: WaitOptions): Promise<Version>
  /**
   * Reads, changes and saves, so that no other process's update is lost. `change` receives the value
   * (undefined if the document does not exist) and returns the one to save. Nothing is locked: it is
   * called again if another process saved meanwhile.
   */
  update(change: (value: T | undefined) => T | PromiseLike<T>, options?: WaitOptions): Promise<Version>
  /** Removes the document. Returns false if it did not exist. */
  remove(options?: WaitOptions & Expect): Promise<boolean>
}
/** The class of documents, for `instanceof`. */
export const Document: abstract new (own: never) => Document<any>

/** Several files of a session that change together or not at all. Nothing is sent before the commit. */
export interface Transaction extends Omit<FileTransaction, Blocking | typeof Symbol.dispose> {}
/** The class of transactions, for `instanceof`. */
export const Transaction: abstract new (own: never) => Transaction

export type { Follow, FollowOptions, Rewound } from './types/follow.js'

/**
 * Creates the schema, or brings it up to date. Returns how many migrations were missing. The role
 * becomes the owner of the schema; it needs `CREATE` on the database.
 */
export function migrate(where: PoolLike | DatabaseUrl | URL | string, schema?: string): Promise<number>

/** One thing that `selftest` tried. */
export interface Check {
  /** A setting of the server, or what was tried. */
  readonly name: string
  /** Whether it is as the promises need it. */
  readonly ok: boolean
  /** The value or the behaviour that was found. */
  readonly found: string
  /** What is lost without it. */
  readonly why: string
}

/** Tries what the promises need of a server, and of a pooler before it. Changes nothing that stays. */
export function selftest(where: PoolLike | DatabaseUrl | URL | string, schema?: string): Promise<Check[]>
