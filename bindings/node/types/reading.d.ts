// Positions, records as they are read, damage, reports.

/** A place in a journal, at the end of a record. You can store and compare it. */
export interface Position {
  /** Which of the files that had this name. */
  readonly generation: number
  /** Bytes from the start of the file. */
  readonly offset: number
}

/** A record and its place. */
export interface Entry<T> {
  /** The record. */
  readonly value: T
  /** The position where the record begins. */
  readonly start: Position
  /** The position just after the record: reading from here yields what follows. */
  readonly end: Position
}

/**
 * What is wrong with a stretch of a journal. `'unreadable'`: nothing, but JavaScript can't
 * take the record (it is longer than a string can be); `bytes` has it.
 */
export type DamageKind =
  | 'torn_tail'
  | 'nul_run'
  | 'too_long'
  | 'glued'
  | 'not_json'
  | 'not_utf8'
  | 'bad_seal'
  | 'missing_newline'
  | 'byte_order_mark'
  | 'carriage_return'
  | 'lone_surrogate'
  | 'unreadable'

/** A stretch of a journal that was skipped. */
export interface Damage {
  /** The kind of damage. */
  readonly kind: DamageKind
  /** Bytes from the start of the file. */
  readonly offset: number
  /** The number of bytes. */
  readonly length: number
  /** The number of the line, from 1. Undefined if reading began within the file. */
  readonly line?: number
  /** Whether the next append, or `repair`, mends it: it is at the end of the file. */
  readonly repairable?: boolean
  /** The record, if it is `'unreadable'`. */
  readonly bytes?: Buffer
  /** The reason, if the record is `'unreadable'`. */
  readonly cause?: unknown
}

/** How damage is reported. */
export interface DamageOptions {
  /**
   * Called for each damaged stretch, in file order with the records. Without it, `process` emits
   * one `UntornWarning` per read, which names the place of the first.
   */
  onDamage?: ((damage: Damage) => void) | undefined
}

/** Which part of a journal is read. */
export interface ReadOptions extends DamageOptions {
  /** Reads from this position on, instead of from the beginning. */
  start?: Position | undefined
  /**
   * The most records. One more throws a `LimitExceededError`; continue reading at its `position`.
   */
  maxRecords?: number | undefined
  /** The most bytes of records, without their newlines. One more throws a `LimitExceededError`. */
  maxBytes?: number | undefined
}

/** The result of checking a journal. */
export interface Report {
  /** The number of good records. */
  readonly records: number
  /** Whether the journal has a header, which is not a record. */
  readonly header: boolean
  /** The number of good records without a seal, in a sealed journal. */
  readonly unsealed: number
  /** The size of the file. */
  readonly bytes: number
  /** The position where the last whole line ends. */
  readonly end: Position
  /** The first 1,024 damaged stretches, in file order. */
  readonly damage: readonly Damage[]
  /** The number of all damaged stretches. */
  readonly damageCount: number
  /** Whether nothing is damaged. */
  readonly ok: boolean
  /**
   * Sound stretches that other programs stumble over: a byte order mark, carriage returns, half a
   * character as an escape. The first place of each kind.
   */
  readonly notes: readonly Damage[]
  /** The repair that was made. Null if none was needed, and always from `verify`. */
  readonly repaired: { readonly offset: number; readonly cut: number; readonly newlineAdded: boolean } | null
}

/** The records that a rewritten journal will have, all at once or one after the other. */
export type Kept<T> = Iterable<T> | AsyncIterable<T>
