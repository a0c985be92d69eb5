'use strict'

// A journal rewritten by a function of the caller's.

const { begin, block } = require('./calls.js')
const { filled } = require('./codec.js')
const { invalid } = require('./errors.js')
const { entriesSync, values } = require('./records.js')

/** A chunk goes into the new file with the record that reaches one of these. */
const RECORDS = 1024
const CHARACTERS = 64 << 10

/** What is to be there gathers here, and is handed over in chunks. */
class Gathering {
  #rewrite
  #codec
  #records = []
  #size = 0

  constructor(rewrite, codec) {
    this.#rewrite = rewrite
    this.#codec = codec
  }

  /** Whether a chunk is full. */
  add(value) {
    const record = this.#codec.encode(value)
    this.#records.push(record)
    this.#size += record.length
    return this.#records.length >= RECORDS || this.#size >= CHARACTERS
  }

  /** Hands the chunk over to the addon, which may check and write it elsewhere. */
  handOver() {
    const records = this.#records
    this.#records = []
    this.#size = 0
    if (records.length === 0) return
    filled(this.#rewrite, (rewrite) => {
      if (this.#codec.isPlain) rewrite.pushEncoded(records.join('\n'))
      else for (const record of records) rewrite.push(record)
    })
  }
}

/** The lock is held: `rewrite` is begun. */
async function compact(rewrite, codec, change, options, signal) {
  try {
    // It may have been granted at the same moment.
    signal?.throwIfAborted()
    const records = values(() => rewrite.records(), codec.decoder(options))
    const kept = await change(records)
    const gathering = new Gathering(rewrite, codec)
    for await (const value of iterable(kept, codec.path)) {
      if (!gathering.add(value)) continue
      signal?.throwIfAborted()
      gathering.handOver()
      await begin(() => rewrite.flush(), Infinity)
    }
    gathering.handOver()
    await begin(() => rewrite.flush(), Infinity)
    signal?.throwIfAborted()
    return await begin(() => rewrite.commit(), Infinity)
  } finally {
    // Nothing, if it was committed.
    await begin(() => rewrite.discard(), Infinity)
  }
}

function compactSync(rewrite, codec, change, options) {
  try {
    const decoder = codec.decoder(options)
    const kept = change(valuesOf(entriesSync(() => rewrite.recordsSync(), decoder)))
    if (typeof kept?.[Symbol.iterator] !== 'function') throw unusable(codec.path)
    const gathering = new Gathering(rewrite, codec)
    for (const value of kept) {
      if (!gathering.add(value)) continue
      gathering.handOver()
      block(() => rewrite.flushSync())
    }
    gathering.handOver()
    block(() => rewrite.flushSync())
    return block(() => rewrite.commitSync())
  } finally {
    rewrite.discardSync()
  }
}

function* valuesOf(entries) {
  for (const { value } of entries) yield value
}

function iterable(kept, path) {
  const walks = typeof kept?.[Symbol.asyncIterator] === 'function' || typeof kept?.[Symbol.iterator] === 'function'
  if (!walks || typeof kept === 'string') throw unusable(path)
  return kept
}

function unusable(path) {
  const detail = 'the function returns the records that are to be there: an array, a generator, anything that can be iterated'
  return invalid(`compact ${path}: ${detail}; nothing was changed`, { operation: 'compact', path })
}

module.exports = { compact, compactSync }
