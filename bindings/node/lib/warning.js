'use strict'

// What is skipped without anybody who is told of it, is told once a read.

/** A function that tells of the first damage that it is given. */
function warnOnce(operation, path) {
  let told = false
  return ({ kind, offset, length }) => {
    if (told) return
    told = true
    process.emitWarning(`${operation} ${path}: ${length} bytes at offset ${offset} are damaged (${kind}) and were skipped`, {
      type: 'UntornWarning',
      code: 'UNTORN_DAMAGE',
      detail:
        'More may follow that is not told of. verify() lists all of it, repair() mends a torn tail; ' +
        'with the option onDamage you are told, and this warning does not come.',
    })
  }
}

module.exports = { warnOnce }
