'use strict'

const { isAbsolute } = process.getBuiltinModule('node:path')
const { fileURLToPath } = process.getBuiltinModule('node:url')
const { invalid } = require('./errors.js')
const { textOf } = require('./text.js')

/**
 * Returns a path for a call that another thread may carry out later. It must not depend on the working directory then.
 * It is not normalised: `a/..` is not `.` if `a` is a symbolic link.
 */
exports.toPath = function toPath(path) {
  const text = isUrl(path) ? fromUrl(path) : path
  if (typeof text !== 'string') throw invalid(`a path must be a string or a file: URL, not ${kindOf(path)}`)
  if (text === '') throw invalid('the path is empty')
  textOf(text, 'the path')
  return isAbsolute(text) ? text : `${process.cwd()}/${text}`
}

/** Whether a value is a URL, from any realm. */
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
