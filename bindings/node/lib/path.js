'use strict'

const { isAbsolute } = process.getBuiltinModule('node:path')
const { fileURLToPath } = process.getBuiltinModule('node:url')
const { invalid } = require('./errors.js')
const { textOf } = require('./text.js')

/**
 * A path for a call that another thread may carry out later: it must not depend
 * on the working directory then. Not normalised: `a/..` is not `.` where `a` is
 * a symbolic link.
 */
exports.toPath = function toPath(path) {
  const text = isUrl(path) ? fromUrl(path) : path
  if (typeof text !== 'string') throw invalid(`a path is a string or a file: URL, not ${kindOf(path)}`)
  if (text === '') throw invalid('the path is empty')
  textOf(text, 'the path')
  return isAbsolute(text) ? text : `${process.cwd()}/${text}`
}

/** Of whichever realm. */
function isUrl(value) {
  return typeof value === 'object' && value !== null && typeof value.href === 'string' && typeof value.protocol === 'string'
}

function fromUrl(url) {
  try {
    return fileURLToPath(url.href)
  } catch (cause) {
    throw invalid(`the path ${url.href} is not the URL of a file here: ${cause.message}`, { cause })
  }
}

function kindOf(value) {
  if (value === null) return 'null'
  return typeof value === 'object' ? `an object (${value.constructor?.name ?? 'without a class'})` : typeof value
}
