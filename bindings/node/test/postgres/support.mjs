// What the tests of the store in a database share. `UNTORN_TEST_POSTGRES` names a server; without it they are skipped,
// since only a server can carry their statements. `cargo run -p untorn-postgres --example with_server` starts one.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import pg from 'pg'
import { Store, migrate } from 'untorn/postgres'

export const server = process.env.UNTORN_TEST_POSTGRES

const skip = server === undefined && 'UNTORN_TEST_POSTGRES names no server'

/** A test that needs a server. */
export const withServer = (name, run) => test(name, { skip }, run)

let schemas = 0

/** A pool, ended after the test. */
export function pool(t, options) {
  const made = new pg.Pool({ connectionString: server, max: 8, ...options })
  made.on('error', () => {})
  t.after(() => made.end())
  return made
}

/** The name of a schema with nothing in it, dropped after the test. */
export async function schema(t) {
  schemas += 1
  const name = `node_test_${process.pid}_${schemas}`
  await migrate(server, name)
  t.after(() => onServer(`drop schema ${name} cascade`))
  return name
}

/** Runs a statement as the owner of the server. */
export async function onServer(statement) {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A store in a schema of its own. */
export async function store(t, options, where = pool(t)) {
  return Store.open(where, { schema: await schema(t), ...options })
}

/** Another Node process that runs `source`, an ES module, with `args` from `process.argv[1]` on. */
export function program(source, ...args) {
  return spawn(process.execPath, ['--input-type=module', '--eval', source, ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** The output and the exit code of a process. */
export async function finished(child) {
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  const [code, signal] = await once(child, 'close')
  return { output, code: signal ?? code }
}
