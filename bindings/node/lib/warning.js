'use strict'

// Warns about damage that no function receives: once per read.

/** Returns a function that warns about the first damage that it receives. */
function warnOnce(operation, path) {
  let told = false
  return ({ kind, offset, length }) => {
    if (told) return
    told = true
    process.emitWarning(`${operation} ${path}: ${length} bytes at offset ${offset} are damaged (${kind}) and were skipped`, {
      type: 'UntornWarning',
      code: 'UNTORN_DAMAGE',
      detail:
        'More may follow without a warning. verify() lists all damage, and repair() repairs a torn tail. ' +
        'The option onDamage takes a function that receives the damage instead of this warning.',
    })
  }
}

module.exports = { warnOnce }
