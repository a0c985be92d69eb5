'use strict'

// Text that goes where only UTF-8 goes: names, labels, paths.

const { invalid } = require('./errors.js')

/** A string that UTF-8 can hold: otherwise two names would become one path. */
function textOf(value, what) {
  if (typeof value !== 'string') throw invalid(`${what} is a string`)
  if (!value.isWellFormed()) throw invalid(`${what} holds half of a surrogate pair, which UTF-8 can't hold`)
  return value
}

module.exports = { textOf }
