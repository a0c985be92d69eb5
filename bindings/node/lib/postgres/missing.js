'use strict'

// The verbs that handles of a store in a database lack. They say so in words.

const { UnsupportedError } = require('../errors.js')

/** The classes of the addon: those of files, and theirs in a database. */
const TWINS = ['Store', 'Session', 'Lease', 'Journal', 'Document', 'Transaction', 'Reconcile', 'Fold']

/** Gives each handle in a database the verbs that its twin has, and it has not: they refuse. */
function completeHandles(native) {
  for (const name of TWINS) {
    const own = native[`Postgres${name}`].prototype
    for (const verb of Object.getOwnPropertyNames(native[name].prototype)) {
      if (verb in own) continue
      Object.defineProperty(own, verb, {
        configurable: true,
        value() {
          throw unsupported(verb, this.path ?? this.dir)
        },
      })
    }
  }
}

function unsupported(verb, path) {
  const { name, isBlocking } = publicName(verb)
  const why = isBlocking
    ? `a blocking call would stop the event loop that carries its statements; use ${name}`
    : 'only a store of files can do this, and this one is in a database'
  const operation = isBlocking ? `${name}Sync` : name
  const about = path === undefined ? operation : `${operation} ${path}`
  return new UnsupportedError('UNTORN_UNSUPPORTED', `${about}: ${why}; nothing was changed`, { operation, path })
}

/** The addon has other names for a few verbs. */
const PUBLIC = {
  beginRewrite: 'compact',
  beginUpdate: 'update',
  beginReconcile: 'reconcile',
  boundAppend: 'append',
  boundAppendRaw: 'appendRaw',
  boundAppendText: 'appendRaw',
  appendBatch: 'appendAll',
  begin: 'refresh',
  current: 'refresh',
}

function publicName(verb) {
  const isBlocking = verb.endsWith('Sync')
  const name = isBlocking ? verb.slice(0, -'Sync'.length) : verb
  return { name: PUBLIC[name] ?? name, isBlocking }
}

module.exports = { completeHandles, unsupported }
