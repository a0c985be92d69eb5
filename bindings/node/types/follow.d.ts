// Records as they are appended.

import type { DamageOptions, Position } from './reading.js'

/** The records between `to` and `from` are no longer in the journal. */
export interface Rewound {
  /** How far the old file had been read. */
  readonly from: Position
  /**
   * Up to where the new file is the same as the old one. Offset 0: nothing is, or it is not known.
   */
  readonly to: Position
}

/** The start, and the functions that are called. */
export interface FollowOptions extends DamageOptions {
  /** Begins after this position instead of at the end. */
  start?: Position | undefined
  /** Ends the iteration: the wait for the next record rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * Called when records that were yielded are removed from the journal (it was rewound, rewritten
   * or replaced), before the records that follow after `to`.
   */
  onRewind?: ((rewound: Rewound) => void) | undefined
}

/** An iterator over a journal's records as they are appended. */
export interface Follow<T> extends AsyncIterableIterator<T>, AsyncDisposable {
  /** Resolves when it follows: records that are appended from then on will be yielded. */
  ready(): Promise<void>
  /**
   * The position just after the last record that was yielded: `follow({ start })` continues from
   * there. You can store it. Undefined until it is ready.
   */
  readonly position: Position | undefined
  /** Returns the next record when one is appended. */
  next(): Promise<IteratorResult<T, undefined>>
  /** Ends the iteration, and a wait that is running. */
  return(value?: any): Promise<IteratorResult<T, any>>
  /** Lets the process exit while this waits. */
  unref(): this
  /** Keeps the process alive while this waits, which is the default. */
  ref(): this
  /** Returns itself. */
  [Symbol.asyncIterator](): this
}
