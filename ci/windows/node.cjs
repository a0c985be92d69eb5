// Uses the Node package on Windows, or in Wine: append, save, lock.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Document, FileLock, Journal, LockedError } = require('untorn')

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'untorn-'))
const said = []
const say = (line) => said.push(line)

async function journal() {
  const journal = await Journal.open(path.join(dir, 'j'))
  await journal.append({ n: 1 })
  await journal.appendAll([{ n: 2 }, { n: 'snow ☃' }])
  journal.appendSync({ n: 4 })
  const read = []
  for await (const record of journal.records()) read.push(record.n ?? record.value?.n)
  assert.equal(read.length, 4)
  assert.equal(fs.readFileSync(path.join(dir, 'j'), 'utf8').split('\n').length, 5)
  await journal.close()
}

async function document() {
  const document = await Document.open(path.join(dir, 'd'))
  await document.save({ n: 1 })
  await document.update((value) => ({ ...value, n: value.n + 1 }))
  assert.deepEqual(JSON.parse(fs.readFileSync(path.join(dir, 'd'), 'utf8')), { n: 2 })
  await document.close()
}

const TRY = `
const { FileLock, LockedError } = require('untorn')
let word
try {
  FileLock.acquireSync(process.argv[1], { timeout: 0 }).releaseSync()
  word = 'free'
} catch (error) {
  word = error instanceof LockedError ? 'locked' : String(error)
}
require('node:fs').writeFileSync(process.argv[2], word)
`

// By a file: node under Wine has no pipes of Linux.
function elsewhere(file) {
  const answer = path.join(dir, 'answer')
  const done = spawnSync(process.execPath, ['-e', TRY, file, answer], { stdio: 'ignore', cwd: __dirname })
  assert.equal(done.status, 0)
  return fs.readFileSync(answer, 'utf8')
}

async function lock() {
  const file = path.join(dir, 'l')
  const held = await FileLock.acquire(file, { label: 'node' })
  assert.equal(elsewhere(file), 'locked')
  await assert.rejects(FileLock.acquire(file, { timeout: 0 }), LockedError)
  await held.release()
  assert.equal(elsewhere(file), 'free')
}

async function main() {
  for (const part of [journal, document, lock]) {
    await part()
    say(`ok      ${part.name}`)
  }
}

main().then(
  () => console.log(said.join('\n')),
  (error) => {
    console.log(said.join('\n'))
    console.log(error.stack)
    process.exitCode = 1
  },
)
