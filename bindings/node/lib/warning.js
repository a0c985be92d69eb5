'use strict'

// Warnings about what a program does not see otherwise.

/** Warns about a transaction that was begun in `dir`, and dropped before its end. */
function warnOfDrop(dir) {
  process.emitWarning(`transaction ${dir}: it was dropped before commit() or rollback(); nothing was changed`, {
    type: 'UntornWarning',
    code: 'UNTORN_TRANSACTION_DROPPED',
    detail: 'Its locks were held until garbage collection. Use `await using`, or transaction(dir, work).',
  })
}

/** Warns about a call that waits for a lock for long. */
function warnOfWait({ message }) {
  process.emitWarning(message, {
    type: 'UntornWarning',
    code: 'UNTORN_WAITING',
    detail: 'The call waits on. The option timeout limits how long. The next warning comes when it has waited four times as long.',
  })
}

/** Warns about a file that programs lock in different schemes. */
function warnOfScheme({ message }) {
  process.emitWarning(message, { type: 'UntornWarning', code: 'UNTORN_OTHER_SCHEME' })
}

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

module.exports = { warnOfDrop, warnOfScheme, warnOfWait, warnOnce }
