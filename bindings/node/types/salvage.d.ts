// Salvage of a journal, what repairs have cut off it, and held locks.

import type { Holder } from './lock.js'
import type { Process } from './process.js'
import type { DamageKind } from './reading.js'

/** A damaged line before the end of a journal, and what becomes of it. */
export interface SalvagedLine {
  /** The kind of damage. */
  readonly kind: DamageKind
  /** Bytes from the start of the file as it was. */
  readonly offset: number
  /** The number of bytes, with the newline. */
  readonly length: number
  /** The number of the line in the file as it was, from 1. */
  readonly line: number
  /** How many whole records of it become lines of their own. */
  readonly records: number
  /** How many of its bytes go to the file `.torn`. */
  readonly kept: number
  /** How many NULs go. The file `.torn` has their number. */
  readonly nuls: number
}

/** The result of a salvage, or its plan. */
export interface Salvage {
  /** The first 1,024 damaged lines, in file order. */
  readonly lines: readonly SalvagedLine[]
  /** The number of all lines that are mended. */
  readonly lineCount: number
  /** How many whole records the damaged lines had. */
  readonly records: number
  /** How many bytes go to the file `.torn`, without those of the torn tail. */
  readonly kept: number
  /** How many NULs go. */
  readonly nuls: number
  /** How many damaged lines stay as they are, since they are longer than `maxRecord`. */
  readonly left: number
  /** The repair of the torn tail. */
  readonly tail: { readonly offset: number; readonly cut: number; readonly newlineAdded: boolean } | null
}

/** Bytes that a repair or a salvage cut off a journal. */
export interface TornEntry {
  /** Its place in the list, from 1. It changes only if earlier entries are pruned. */
  readonly number: number
  /** When it was cut, in UTC: `2026-11-21T04:00:30.123Z`. */
  readonly time: string
  /** Where the bytes were in the journal as it was. */
  readonly offset: number
  /** How many bytes are kept. */
  readonly length: number
  /** How many NULs followed, which are not kept. */
  readonly nuls: number
  /** The kind of damage, or another reason. Null for a torn tail. */
  readonly why: string | null
}

/** A lock that a process holds. */
export interface Held {
  /** The file whose lock it is. */
  readonly path: string
  /** The process that holds it. */
  readonly holder: Holder
  /** The processes that wait for it, as far as they are known. */
  readonly waiters: readonly Process[]
}
