'use strict'

const { begin, port } = require('../calls.js')
const { checked, journalOptions } = require('../options.js')
const { textOf } = require('../text.js')
const { handOver } = require('./bridge.js')
const { unsupported } = require('./missing.js')
const { poolOf } = require('./where.js')

const SCHEMA = 'untorn'

/** Opens a store in a database. Returns its handle of the addon. */
async function open(where, options) {
  const { schema, ...how } = checked(options, 'openPostgres') ?? {}
  const native = {
    schema: schemaOf(schema),
    journalName: how.journalName,
    stateName: how.stateName,
    durability: how.durability,
    ttl: how.ttl,
    connected: how.connected,
    patience: how.patience,
    journal: how.journal == null ? undefined : journalOptions(how.journal),
  }
  return on(where, ({ number, hasOwn }) => port.openPostgres(number, hasOwn, native))
}

/** Creates the tables and functions, or brings them up to date. Returns how many migrations were missing. */
async function migrate(where, schema) {
  const name = schemaOf(schema)
  return on(where, ({ number, hasOwn }) => port.migratePostgres(number, hasOwn, name))
}

/** Returns what a server lacks, and a pooler before it. */
async function selftest(where, schema) {
  const name = schemaOf(schema)
  return on(where, ({ number, hasOwn }) => port.selftestPostgres(number, hasOwn, name))
}

const schemaOf = (schema) => (schema == null ? SCHEMA : textOf(schema, 'the schema'))

/** Begins a call on a pool. The addon gives the pool back when nothing uses it any more. */
function on(where, start) {
  const { pool, isOurs } = poolOf(where)
  return begin(() => start(handOver(pool, isOurs)), Infinity)
}

module.exports = { migrate, open, selftest, unsupported }
