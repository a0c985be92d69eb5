// Calls that need no handle.

import type { Expect, Version } from './document.js'
import type { Position } from './reading.js'
import type { Durability } from './words.js'

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

/** The blocking twin of `saveJson`. */
export function saveJsonSync(path: string | URL, value: unknown, options?: SaveJsonSyncOptions): Version

/**
 * Returns the value of a file. Takes no lock. If the file does not exist, returns `default`, or
 * throws a `NotFoundError` without it.
 */
export function loadJson<T = unknown>(path: string | URL, options?: LoadJsonOptions): Promise<T>

/** Returns the value of a file; `default` if the file does not exist. */
export function loadJson<T = unknown, D = T>(path: string | URL, options: LoadJsonOptions & { default: D }): Promise<T | D>

/** The blocking twin of `loadJson`. */
export function loadJsonSync<T = unknown>(path: string | URL, options?: LoadJsonOptions): T

/** The blocking twin of `loadJson` with a default. */
export function loadJsonSync<T = unknown, D = T>(path: string | URL, options: LoadJsonOptions & { default: D }): T | D

/** Appends one record. For more than a few, keep a `Journal` open. */
export function appendJson(path: string | URL, value: unknown, options?: AppendJsonOptions): Promise<Position>

/** The blocking twin of `appendJson`. */
export function appendJsonSync(path: string | URL, value: unknown, options?: AppendJsonSyncOptions): Position
