'use strict'

// The cells of rows as text, whatever parsers the program has set for `pg`. The addon reads them exactly.

const BYTEA = 17
const HEX = '\\x'

const asItIs = (text) => text

/** The parsers of a statement, in the form that `pg` takes. */
const textsOnly = { getTypeParser: (type) => (type === BYTEA ? bytesOf : asItIs) }

/** Reads `bytea` in either of the two forms that a server has for it. */
function bytesOf(text) {
  if (text.startsWith(HEX)) return Buffer.from(text.slice(HEX.length), 'hex')
  const bytes = []
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '\\') {
      bytes.push(text.charCodeAt(at))
    } else if (text[at + 1] === '\\') {
      bytes.push(0x5c)
      at += 1
    } else {
      bytes.push(parseInt(text.slice(at + 1, at + 4), 8))
      at += 3
    }
  }
  return Buffer.from(bytes)
}

/** The types of the columns, and all cells one after another. */
function cellsOf(result) {
  // A text of several statements has a list of results, and no rows that are read.
  if (Array.isArray(result) || result.fields === undefined) return { types: [], cells: [] }
  const { rows, fields } = result
  if (!rows.every(Array.isArray)) throw new TypeError("the pool does not know rowMode: 'array', which pg has")
  return { types: fields.map(({ dataTypeID }) => dataTypeID), cells: rows.flat() }
}

module.exports = { asItIs, bytesOf, cellsOf, textsOnly }
