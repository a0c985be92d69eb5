// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.

import { bytes } from './data.mjs'

const itself = (value) => value
const octal = (value) => parseInt(value, 8)

/** Of each option: its name in a step, its name here, and how it is read. */
export const JOURNAL = [
  ['timeout', 'timeout', itself],
  ['max_record', 'maxRecord', itself],
  ['mode', 'mode', octal],
  ['durability', 'durability', itself],
  ['format', 'format', itself],
  ['create', 'create', itself],
  ['parents', 'parents', itself],
  ['cut_foreign_tail', 'cutForeignTail', itself],
  ['scheme', 'scheme', itself],
  ['on_unsupported', 'onUnsupported', itself],
  ['stale', 'stale', itself],
  ['max_bytes', 'maxBytes', itself],
  ['keep_files', 'keep', itself],
  ['header_prefix', 'headerPrefix', bytes],
  ['header_reserve', 'headerReserve', itself],
  ['header_mode', 'headerMode', itself],
  ['sealed', 'sealed', itself],
]

export const DOCUMENT = [
  ['timeout', 'timeout', itself],
  ['mode', 'mode', octal],
  ['durability', 'durability', itself],
  ['parents', 'parents', itself],
  ['scheme', 'scheme', itself],
  ['on_unsupported', 'onUnsupported', itself],
  ['stale', 'stale', itself],
]
