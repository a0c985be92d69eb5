'use strict'

// Text that must be UTF-8: names, labels, paths.

const { invalid } = require('./errors.js')

/** Checks that UTF-8 can hold a string: otherwise two names would become one path. */
function textOf(value, what) {
  if (typeof value !== 'string') throw invalid(`${what} must be a string`)
  if (!value.isWellFormed()) throw invalid(`${what} holds half of a surrogate pair, which UTF-8 can't hold`)
  return value
}

module.exports = { textOf }
