'use strict'

// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.

exports.scheme = [
  'scheme', 'onUnsupported', 'stale',
]

exports.journal = [
  'timeout', 'maxRecord', 'mode', 'durability', 'format', 'create', 'parents', 'cutForeignTail',
  'maxBytes', 'keep', 'headerPrefix', 'headerReserve', 'headerMode', 'sealed',
]

exports.document = [
  'timeout', 'mode', 'durability', 'parents',
]

/** The kind of value that each takes. */
exports.kinds = {
  create: 'flag',
  cutForeignTail: 'flag',
  durability: 'word',
  format: 'word',
  headerMode: 'word',
  headerPrefix: 'data',
  headerReserve: 'count',
  journalName: 'text',
  keep: 'count',
  label: 'text',
  maxBytes: 'count',
  maxRecord: 'count',
  mode: 'mode',
  onUnsupported: 'word',
  parents: 'flag',
  scheme: 'word',
  sealed: 'flag',
  shared: 'flag',
  stale: 'age',
  stateName: 'text',
  timeout: 'timeout',
}
