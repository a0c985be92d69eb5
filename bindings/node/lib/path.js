'use strict'

const { isAbsolute } = require('node:path')
const { fileURLToPath } = require('node:url')
const { invalid } = require('./errors.js')

/**
 * A path for a call that another thread may carry out later: it must not depend
 * on the working directory then. Not normalised: `a/..` is not `.` where `a` is
 * a symbolic link.
 */
exports.toPath = function toPath(path) {
  const text = path instanceof URL ? fileURLToPath(path) : path
  if (typeof text !== 'string') throw invalid('a path is a string or a file: URL')
  if (text === '') throw invalid('the path is empty')
  return isAbsolute(text) ? text : `${process.cwd()}/${text}`
}
