'use strict'

// Rewrites a journal with a function of the caller's.

const { begin, block } = require('./calls.js')
const { filled } = require('./codec.js')
const { encodeRecord } = require('./encoding.js')
const { invalid } = require('./errors.js')
const { walksAtOnce, walksLater } = require('./many.js')
const { Originals } = require('./original.js')
const { values, valuesSync } = require('./records.js')
const { throwIfAborted } = require('./signals.js')

/** A chunk is complete with the record that reaches one of these limits. */
const RECORDS = 1024
const CHARACTERS = 64 << 10

/** Collects the records of the new journal, and passes them on in chunks. */
class Gathering {
  #rewrite
  #codec
  /** Strings that `JSON.stringify` just made; everything else as `{ raw }`. */
  #records = []
  #size = 0
  #originals

  constructor(rewrite, codec) {
    this.#rewrite = rewrite
    this.#codec = codec
    this.#originals = codec.isPlain && codec.isParsedPlainly ? new Originals() : undefined
  }

  decoder(options) {
    const decoder = this.#codec.decoder('compact', options)
    // The record is whole and sound, so it stays, although `keep` can't be asked.
    decoder.onUnreadable = (bytes) => this.#push({ raw: bytes })
    return decoder
  }

  /** Remembers each record that the caller's function receives. */
  noting(decoder) {
    return (value) => {
      this.#originals?.note(value, decoder.text)
      return value
    }
  }

  /** Adds a value. Returns whether the chunk is full. */
  add(value) {
    if (!this.#codec.isPlain) return this.#push({ raw: this.#codec.encode(value) })
    const encoded = () => encodeRecord(value, this.#codec.path)
    if (this.#originals === undefined) return this.#push(encoded())
    const { text, isOriginal } = this.#originals.textOf(value, encoded)
    return this.#push(isOriginal ? { raw: text } : text)
  }

  #push(record) {
    this.#records.push(record)
    this.#size += (record.raw ?? record).length
    return this.#records.length >= RECORDS || this.#size >= CHARACTERS
  }

  /** Passes the chunk to the addon, which may check and write it on another thread. */
  handOver() {
    const records = this.#records
    this.#records = []
    this.#size = 0
    filled(this.#rewrite, (rewrite) => {
      let encoded = []
      const flush = () => {
        if (encoded.length > 0) rewrite.pushEncoded(encoded.join('\n'))
        encoded = []
      }
      for (const record of records) {
        if (typeof record === 'string') {
          encoded.push(record)
        } else {
          flush()
          rewrite.push(record.raw)
        }
      }
      flush()
    })
  }
}

/** Runs under the lock: `rewrite` has begun. */
async function compact(rewrite, codec, change, options, signal) {
  try {
    // The lock may have been granted at the same moment.
    throwIfAborted(signal)
    const gathering = new Gathering(rewrite, codec)
    const decoder = gathering.decoder(options)
    const total = rewrite.oldBytes
    const { onProgress } = options ?? {}
    const passed = onProgress == null ? undefined : (done) => onProgress({ done, total })
    const kept = await change(values(() => rewrite.records(), decoder, gathering.noting(decoder), passed))
    for await (const value of iterable(kept, codec.path)) {
      if (!gathering.add(value)) continue
      throwIfAborted(signal)
      gathering.handOver()
      await begin(() => rewrite.flush(), Infinity)
    }
    gathering.handOver()
    await begin(() => rewrite.flush(), Infinity)
    throwIfAborted(signal)
    const end = await begin(() => rewrite.commit(), Infinity)
    onProgress?.({ done: total, total })
    return end
  } finally {
    // Does nothing after a commit.
    await begin(() => rewrite.discard(), Infinity)
  }
}

function compactSync(rewrite, codec, change, options) {
  try {
    const gathering = new Gathering(rewrite, codec)
    const decoder = gathering.decoder(options)
    const kept = change(valuesSync(() => rewrite.recordsSync(), decoder, gathering.noting(decoder)))
    if (!walksAtOnce(kept)) throw unusable(codec.path)
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

function iterable(kept, path) {
  if (!walksLater(kept) && !walksAtOnce(kept)) throw unusable(path)
  return kept
}

function unusable(path) {
  const detail = 'the function must return the records of the new journal: an array, a generator, anything that can be iterated'
  return invalid(`compact ${path}: ${detail}; nothing was changed`, { operation: 'compact', path })
}

module.exports = { compact, compactSync }
