// Events: the library reports them without being asked.

import type { Holder } from './lock.js'
import type { DamageKind } from './reading.js'
import type { EventKind, Severity } from './words.js'

/**
 * A message of the channels `untorn:waiting`, `untorn:repaired` and so on, one channel for each
 * kind of event:
 *
 *     import diagnostics from 'node:diagnostics_channel'
 *
 *     diagnostics.subscribe('untorn:repaired', (event) => console.warn(event.message))
 *
 * Without a subscriber an event costs next to nothing. It never delays the call that it is about,
 * holds no lock, and does not keep the process alive.
 */
export interface UntornEvent {
  /** The kind of the event. */
  readonly kind: EventKind
  /** How much it matters. */
  readonly severity: Severity
  /** The operation in which it happened: `'append'`, `'recover'`. */
  readonly operation: string
  /** The file, or the directory of a transaction or a sweep. */
  readonly path: string
  /** One line for people. */
  readonly message: string
  /** The process that holds the lock, if it can be known. */
  readonly holder?: Holder
  /** How long the call has waited, in milliseconds. */
  readonly waited?: number
  /** The place in the file, in bytes. */
  readonly offset?: number
  /** How many bytes it concerns. */
  readonly bytes?: number
  /** How many files or events it concerns. */
  readonly count?: number
  /** The file that keeps what was cut off or rotated. */
  readonly kept?: string
  /** The kind of damage. */
  readonly damage?: DamageKind
  /** More about it, in words. */
  readonly detail?: string
}

/**
 * Sets after how many milliseconds a wait for a lock is reported: in the channel `untorn:waiting`,
 * and as a warning. Default: 2,000. It holds for the whole process. `Infinity` reports none.
 */
export function setWaitThreshold(milliseconds: number): void

/**
 * Waits until the subscribers of this event loop have had all events so far, at most for `timeout` milliseconds.
 * Resolves to `false` if that took longer. Events keep no process alive: a program that needs the last ones awaits this
 * before it ends.
 */
export function flushEvents(timeout?: number): Promise<boolean>
