'use strict'

// Records for a verb that takes many of them. Looked at before anything changes: what is not a list would otherwise
// be "no records", and a journal that is replaced by no records is empty.

const { types } = process.getBuiltinModule('node:util')
const { invalid } = require('./errors.js')
const { isPromise } = require('./foreign.js')

const walksAtOnce = (records) => typeof records?.[Symbol.iterator] === 'function' && !isLetters(records)
const walksLater = (records) => typeof records?.[Symbol.asyncIterator] === 'function'

/** What can be walked through at once. */
function many(records, verb, path) {
  if (typeof records === 'object' && walksAtOnce(records)) return records
  throw refused(records, verb, path, walksLater(records) ? 'this call walks through them at once: await them, or use the asynchronous twin' : undefined)
}

/** Whether these come one after another, later: `gathered` has them all then. Refuses what is no records at all. */
function comeLater(records, verb, path) {
  if (typeof records === 'object' && !walksAtOnce(records) && walksLater(records)) return true
  many(records, verb, path)
  return false
}

/** What comes in the course of time, whole: nothing is begun with the half of it. */
async function gathered(records) {
  const all = []
  for await (const record of records) all.push(record)
  return all
}

/** Strings and bytes can be walked through, but their letters are no records. */
function isLetters(records) {
  return typeof records === 'string' || types.isStringObject(records) || ArrayBuffer.isView(records)
}

function refused(records, verb, path, why) {
  const hint = why ?? (isPromise(records) ? 'this is a promise: await it first' : adviceFor(verb))
  const detail = `${verb} takes many records: an array, a generator, anything that can be iterated, not ${shown(records)}`
  return invalid(`${verb} ${path}: ${detail}; ${hint}; nothing was changed`, { operation: verb, path })
}

function adviceFor(verb) {
  return verb === 'append' ? 'for one record there is append' : 'for one record put it into an array'
}

function shown(records) {
  if (records === null || records === undefined) return String(records)
  if (isPromise(records)) return 'a promise'
  if (typeof records === 'string') return 'a string'
  return typeof records === 'object' ? 'an object' : `a ${typeof records}`
}

module.exports = { comeLater, gathered, many, walksAtOnce, walksLater }
