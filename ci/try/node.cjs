// Uses an installed package as a program does: append, save, lock, kill, repair, follow, from two processes.
// It says what failed and ends with 1, or prints one line and ends with 0.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const untorn = require('untorn')
const { Document, FileLock, Journal, LockedError } = untorn

const programs = {
  append: async (file, say) => {
    const journal = await Journal.open(file)
    for (let n = 0; ; n++) {
      await journal.append({ n })
      say(n)
    }
  },
  hold: async (file, say) => {
    await FileLock.acquire(file, { label: 'holder' })
    say('held')
    setInterval(() => {}, 1 << 30)
  },
  count: async (file, say) => {
    const document = await Document.open(file)
    for (let n = 0; n < 50; n++) await document.update((value) => ({ n: (value?.n ?? 0) + 1 }))
    say('done')
  },
  follow: async (file, say) => {
    const journal = await Journal.open(file)
    say('ready')
    for await (const record of journal.follow()) say(record.value?.n ?? record.n)
  },
}

/** Another process; what it says comes by a file, since Node under Wine has no pipes of Linux. */
function start(name, file) {
  const said = path.join(fs.mkdtempSync(path.join(dir, 'said-')), 'said')
  fs.writeFileSync(said, '')
  const child = spawn(process.execPath, [__filename, name, file, said], { stdio: 'ignore', cwd: __dirname })
  const lines = () => fs.readFileSync(said, 'utf8').split('\n').slice(0, -1)
  const ended = new Promise((resolve) => child.on('exit', resolve))
  return {
    /** Its first lines, once there are that many. */
    async said(count) {
      for (let tries = 0; lines().length < count; tries++) {
        assert.ok(child.exitCode === null || lines().length >= count, `${name} ended with ${child.exitCode}`)
        assert.ok(tries < 3000, `${name} said only ${lines()} in 60 seconds`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return lines()
    },
    /** How many lines it has said. */
    count: () => lines().length,
    ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function killAndRepair(file) {
  const writer = start('append', file)
  await writer.said(20)
  await writer.kill()
  fs.appendFileSync(file, '{"n": half')
  const journal = await Journal.open(file)
  await journal.append({ n: 'after' })
  const values = (await journal.read()).map((record) => (record.value ?? record).n)
  await journal.close()
  assert.deepEqual(values.slice(0, 20), [...Array(20).keys()])
  assert.equal(values.at(-1), 'after')
  assert.match(fs.readFileSync(file + '.torn', 'utf8'), /half/)
}

async function lock(file) {
  const holder = start('hold', file)
  await holder.said(1)
  // qemu makes up when a process began. So the line in which a holder says who it is seems to be another process's.
  const named = process.env.UNTORN_UNDER_QEMU === undefined ? /holder/ : /held/
  await assert.rejects(FileLock.acquire(file, { timeout: 0 }), (error) => error instanceof LockedError && named.test(error.message))
  await holder.kill()
  await (await FileLock.acquire(file, { timeout: 30_000 })).release()
}

async function twoProcesses(file) {
  const both = [start('count', file), start('count', file)]
  assert.deepEqual(await Promise.all(both.map((process) => process.ended)), [0, 0])
  assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), { n: 100 })
}

async function follow(file) {
  const journal = await Journal.open(file)
  const reader = start('follow', file)
  await reader.said(1)
  // It says that it is ready before it follows: it gets each record from some first one on.
  for (let n = 0; n < 3000 && reader.count() < 4; n++) {
    await journal.append({ n })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const seen = (await reader.said(4)).slice(1, 4).map(Number)
  await reader.kill()
  await journal.close()
  assert.deepEqual(seen, [seen[0], seen[0] + 1, seen[0] + 2])
}

async function main() {
  await untorn.saveJson(path.join(dir, 'first.json'), { a: 1 })
  assert.deepEqual(await untorn.loadJson(path.join(dir, 'first.json')), { a: 1 })
  await killAndRepair(path.join(dir, 'killed.jsonl'))
  await lock(path.join(dir, 'locked'))
  await twoProcesses(path.join(dir, 'counted.json'))
  await follow(path.join(dir, 'followed.jsonl'))
  console.log(`ok: untorn ${untorn.version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`)
}

const [name, file, said] = process.argv.slice(2)
const dir = name === undefined ? fs.mkdtempSync(path.join(os.tmpdir(), 'untorn-')) : undefined
const work = name === undefined ? main() : programs[name](file, (line) => fs.appendFileSync(said, `${line}\n`))
work
  .catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
  .finally(() => dir !== undefined && fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
