'use strict'

// A store in a database. One `exports.x =` per line, as in index.js.
exports.Store = require('./lib/store.js').PostgresStore
exports.migrate = require('./lib/postgres/open.js').migrate
exports.selftest = require('./lib/postgres/open.js').selftest

exports.Session = require('./lib/session.js').Session
exports.Lease = require('./lib/session.js').Lease
exports.Journal = require('./lib/journal.js').Journal
exports.Document = require('./lib/document.js').Document
exports.Transaction = require('./lib/transaction.js').Transaction
