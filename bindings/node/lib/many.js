'use strict'

// Arguments that are many records. They are checked before anything changes: a value that is not a list would otherwise
// count as "no records", and replacing a journal by no records empties it.

const { types } = process.getBuiltinModule('node:util')
const { invalid } = require('./errors.js')
const { isPromise } = require('./foreign.js')

const walksAtOnce = (records) => typeof records?.[Symbol.iterator] === 'function' && !isLetters(records)
const walksLater = (records) => typeof records?.[Symbol.asyncIterator] === 'function'

/** Returns the records of an iterable. */
function many(records, verb, path) {
  if (typeof records === 'object' && walksAtOnce(records)) return records
  throw refused(records, verb, path, walksLater(records) ? 'this call walks through them at once: await them, or use the asynchronous twin' : undefined)
}

/** Whether the records come one after another, later: `gathered` then collects them. Throws if the value is neither. */
function comeLater(records, verb, path) {
  if (typeof records === 'object' && !walksAtOnce(records) && walksLater(records)) return true
  many(records, verb, path)
  return false
}

/** Collects records that come later. The call begins only when all of them are known. */
async function gathered(records) {
  const all = []
  for await (const record of records) all.push(record)
  return all
}

/** Whether a value is a string or bytes: these are iterable, but their elements are not records. */
function isLetters(records) {
  return typeof records === 'string' || types.isStringObject(records) || ArrayBuffer.isView(records)
}

function refused(records, verb, path, why) {
  const hint = why ?? (isPromise(records) ? 'this is a promise: await it first' : adviceFor(verb))
  const detail = `${verb} takes many records: an array, a generator, anything that can be iterated, not ${shown(records)}`
  return invalid(`${verb} ${path}: ${detail}; ${hint}; nothing was changed`, { operation: verb, path })
}

function adviceFor(verb) {
  return verb === 'append' ? 'use append for one record' : 'put one record into an array'
}

function shown(records) {
  if (records === null || records === undefined) return String(records)
  if (isPromise(records)) return 'a promise'
  if (typeof records === 'string') return 'a string'
  return typeof records === 'object' ? 'an object' : `a ${typeof records}`
}

module.exports = { comeLater, gathered, many, walksAtOnce, walksLater }
