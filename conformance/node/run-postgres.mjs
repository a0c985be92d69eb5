// Runs the cases of conformance/*.json on a store in a database, through the Node package `untorn`. The files of a case
// are the files of one session. `UNTORN_TEST_POSTGRES` names the server. The runner in Rust says which cases are left
// out, and why: engine/postgres/tests/it/conformance.rs. This one has the same rules.

import assert from 'node:assert/strict'
import pg from 'pg'
import { migrate } from 'untorn/postgres'
import { Count, carryOutSteps, cases, exception } from './cases.mjs'
import { bytes, sameBytes } from './data.mjs'
import { PostgresStage } from './postgres.mjs'

/** How many cases were run when this was written. */
const LEAST = 180

/** The operations that a store in a database has. */
const OPS = new Set([
  'journal_open', 'append', 'append_all', 'append_at', 'end', 'records', 'values', 'tail', 'verify', 'document_open', 'load',
  'save', 'create', 'update', 'remove', 'follow', 'next', 'fold', 'fold_refresh', 'fold_append', 'rewind', 'replace', 'rotate',
  'clear', 'rotated', 'prune_rotated', 'compact', 'header', 'set_header', 'sync', 'file_remove', 'file_replace', 'load_json',
  'transaction', 'tx_load', 'tx_save', 'tx_create', 'tx_append', 'tx_set_header', 'tx_remove', 'commit', 'rollback', 'store', 'keys', 'store_remove',
  'search', 'session', 'session_journal', 'session_state', 'session_document', 'session_holder', 'claim', 'release', 'reconcile',
])
/** Arguments and options that only files have. */
const FILES_ONLY = ['lock', 'mode', 'parents', 'cut_foreign_tail', 'scheme', 'on_unsupported', 'stale']
/** Files that the library itself keeps next to a program's own. */
const OWN_FILE = /\.(lock|holder|torn)$/

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The reason why a case can't be carried out in a database. */
function leftOut(testCase) {
  const why = exception(testCase, 'postgres') ?? exception(testCase, 'node')
  if (why !== undefined) return why
  const hasStore = testCase.steps.some(({ op }) => op === 'store')
  if (hasStore && Object.keys(testCase.files ?? {}).length > 0) return 'its files are in the directories of sessions'
  // The directories of a store's sessions are compared by their verbs.
  const entries = hasStore ? [] : [...Object.entries(testCase.files ?? {}), ...Object.entries(testCase.after ?? {})]
  for (const [name, entry] of entries) {
    if (name.includes('/') || isObject(entry) || OWN_FILE.test(name)) return `${name} needs a directory`
  }
  for (const step of testCase.steps) {
    if (typeof step.except?.postgres === 'string') continue
    if (!OPS.has(step.op)) return `a session of a database has no ${step.op}`
    if (step.op === 'store' && 'create' in step) return 'a schema that is missing is never made by itself'
    const key = FILES_ONLY.find((name) => name in step)
    if (key !== undefined) return `a session of a database has no ${key}`
    const path = step.path ?? 'plain'
    const isElsewhere = step.op === 'transaction' ? path !== '.' && 'path' in step : step.op !== 'store' && path.includes('/')
    if (isElsewhere) return `${path} needs a directory`
  }
  return undefined
}

async function carryOut(pool, schema, key, testCase) {
  for (const [name, entry] of Object.entries(testCase.files ?? {})) {
    await pool.query(`call ${schema}.put($1, $2, $3)`, [key, name, bytes(entry)])
  }
  const stage = new PostgresStage(pool, schema, key)
  try {
    await carryOutSteps(stage, testCase, ['node', 'postgres'])
  } finally {
    await stage.end()
  }
  if (!testCase.steps.some(({ op }) => op === 'store')) await checkFiles(pool, schema, key, testCase)
}

/** What is there after a case: what `after` says; what only `files` names as it was; and nothing else. */
async function checkFiles(pool, schema, key, testCase) {
  const expected = { ...testCase.files, ...testCase.after }
  const { rows } = await pool.query(`select name from ${schema}.stat($1)`, [key])
  const found = rows.map(({ name }) => name)
  for (const [name, entry] of Object.entries(expected)) {
    if (entry === null) {
      assert.ok(!found.includes(name), `${name} is there`)
      continue
    }
    const read = await pool.query(`select bytes from ${schema}.read($1, $2, 0, 1 << 28)`, [key, name])
    assert.equal(read.rows.length, 1, `${name} is not there`)
    sameBytes(read.rows[0].bytes ?? Buffer.alloc(0), bytes(entry), name)
  }
  for (const name of found) assert.ok(name in expected, `${name} was left behind`)
}

const server = process.env.UNTORN_TEST_POSTGRES
assert.ok(server, 'UNTORN_TEST_POSTGRES must name a server: see conformance/README.md')
const pool = new pg.Pool({ connectionString: server, max: 4 })
const count = new Count()
let number = 0
let schema
for (const { file, testCase } of cases()) {
  const why = leftOut(testCase)
  if (why !== undefined) {
    count.leaveOut('postgres', file, testCase, why)
    continue
  }
  number += 1
  // A store of a case's own has all of a schema.
  if (schema === undefined || testCase.steps.some(({ op }) => op === 'store')) {
    schema = `node_cases_${process.pid}_${number}`
    await migrate(pool, schema)
  }
  const [at, key] = [schema, `case ${number}`]
  await count.run('postgres', file, testCase, () => carryOut(pool, at, key, testCase))
  if (testCase.steps.some(({ op }) => op === 'store')) schema = undefined
}
await pool.end()
count.finish(LEAST)
