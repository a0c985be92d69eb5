'use strict'

// Where a store in a database is: a pool of the program's own, or a URL.

const { createRequire } = process.getBuiltinModule('node:module')
const path = process.getBuiltinModule('node:path')
const { invalid } = require('../errors.js')

const URL_OF_DATABASE = /^postgres(ql)?:\/\//i

/** Whether a value can only be meant as a database, and not as a path. */
function isDatabase(where) {
  return urlOf(where) !== undefined || isPool(where) || isClient(where)
}

function urlOf(where) {
  const text = typeof where === 'object' && typeof where?.href === 'string' ? where.href : where
  return typeof text === 'string' && URL_OF_DATABASE.test(text) ? text : undefined
}

const hasQuery = (where) => typeof where === 'object' && where !== null && typeof where.query === 'function'
const isPool = (where) => hasQuery(where) && typeof where.connect === 'function' && !isClient(where)
/** A client of `pg` has one connection, and a pool has none. */
const isClient = (where) => hasQuery(where) && typeof where.connection === 'object'

/** Returns the pool, and whether this library has made it. */
function poolOf(where) {
  if (isPool(where)) return { pool: where, isOurs: false }
  if (isClient(where)) {
    throw invalid('this is one client, and a store needs a pool: calls run at once; pass new pg.Pool(…), or a URL')
  }
  const url = urlOf(where)
  // Never with the value in it: a URL has a password.
  if (url === undefined) throw invalid('a store in a database is opened with a pool of the package pg, or with a URL that begins with postgres://')
  return { pool: newPool(url), isOurs: true }
}

function newPool(url) {
  const { Client, Pool } = driver()
  // An idle connection does not keep the process alive.
  const how = { connectionString: url, allowExitOnIdle: true }
  try {
    // A pool would read the URL only when it first connects. This connects to nothing.
    new Client(how)
  } catch (error) {
    // Its own error can have the whole URL in it.
    throw invalid(`the URL of the database can't be read (${error?.code ?? error?.name ?? 'no reason was given'})`)
  }
  const pool = new Pool(how)
  // A broken idle connection is replaced. Without a listener it would end the program.
  pool.on('error', () => {})
  return pool
}

/** Loads `pg`, which the program has installed. A bundler must not look for it: most programs have none. */
function driver() {
  const places = [typeof __filename === 'string' ? __filename : undefined, path.join(process.cwd(), 'any.js'), process.argv[1]]
  let cause
  for (const place of places) {
    if (place === undefined || !path.isAbsolute(place)) continue
    try {
      return createRequire(place)('pg')
    } catch (error) {
      if (error?.code !== 'MODULE_NOT_FOUND') throw error
      cause ??= error
    }
  }
  throw invalid('a URL of a database needs the package pg: npm install pg; or pass a pool of your own', { cause })
}

module.exports = { isDatabase, poolOf }
