// Locks.

import type { SchemeOptions } from './options.js'
import type { Process, ProcessLike } from './process.js'
import type { Held } from './salvage.js'

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
  /** The blocking twin of `acquire`. */
  static acquireSync(path: string | URL, options?: AcquireSyncOptions): FileLock
  /** Locks exactly this file. */
  static at(lockPath: string | URL, options?: AcquireOptions): Promise<FileLock>
  /** The blocking twin of `at`. */
  static atSync(lockPath: string | URL, options?: AcquireSyncOptions): FileLock
  /**
   * Returns the process that holds the lock of `path` now; null if none does, or it is not known.
   */
  static holder(path: string | URL): Promise<Holder | null>
  /** The blocking twin of `holder`. */
  static holderSync(path: string | URL): Holder | null

  /**
   * Returns the processes that wait for the lock of the file `path`. Only Linux reports them.
   * Processes that wait in the scheme `'pid-file'` are not known.
   */
  static waiters(path: string | URL): Promise<Process[]>
  /** The blocking twin of `waiters`. */
  static waitersSync(path: string | URL): Process[]

  /**
   * Returns all locks below a directory that a process holds, in order of path. Elsewhere than on
   * Linux, only those whose holder left its name are known.
   */
  static heldBelow(dir: string | URL): Promise<Held[]>
  /** The blocking twin of `heldBelow`. */
  static heldBelowSync(dir: string | URL): Held[]

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
  /** The blocking twin of `transfer`. */
  transferSync(process: ProcessLike): void

  /** Releases the lock. A second call does nothing. */
  release(): Promise<void>
  /** The blocking twin of `release`. */
  releaseSync(): void
  /** The same as `release`. */
  close(): Promise<void>
  /** The blocking twin of `close`. */
  closeSync(): void
  /** The same as `releaseSync()`, for `using`. */
  [Symbol.dispose](): void
  /** The same as `release()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
