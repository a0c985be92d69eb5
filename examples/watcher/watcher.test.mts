// What was reported: a lock file with a pid in it, stolen from watchers that
// lived, and waited for in a loop; a header that spoke of other entries than
// those that were there, after a watcher had been killed between the two; a log
// that grew until the disk was full.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Journal } from 'untorn'
import { type Change, ChangeJournal } from './watcher.mjs'

async function directory(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'watcher-'))
  t.after(() => rm(dir, { recursive: true }))
  return dir
}

/** A watcher in a process of its own. */
class Watcher {
  /** How many changes it has said to be safe. */
  safe = 0
  readonly ready: Promise<unknown>
  readonly ended: Promise<unknown[]>
  #child: ChildProcess

  constructor(
    t: TestContext,
    readonly name: string,
    what: string,
    path: string,
    count: number,
  ) {
    const program = fileURLToPath(new URL('./worker.mjs', import.meta.url))
    this.#child = fork(program, [what, path, name, `${count}`])
    t.after(() => this.#child.kill('SIGKILL'))
    this.ready = once(this.#child, 'message')
    this.ended = once(this.#child, 'close')
  }

  /** Lets it begin; once `killAt` changes are safe, it is killed. */
  begin(killAt = Infinity): void {
    this.#child.on('message', () => {
      this.safe++
      if (this.safe === killAt) this.#child.kill('SIGKILL')
    })
    this.#child.send('go')
  }

  /** Its changes in the file are those that it said, once each, in its order. */
  check(seen: number[], killed: boolean): void {
    assert.deepEqual(seen, [...seen.keys()], this.name)
    assert.ok(seen.length === this.safe || (killed && seen.length === this.safe + 1), `${seen.length}, ${this.safe}`)
  }
}

const COUNT = 100

/** Three that go on, and one that is killed among them. */
async function crowd(t: TestContext, what: string, path: string): Promise<{ killed: Watcher; others: Watcher[] }> {
  const others = ['a', 'b', 'c'].map((name) => new Watcher(t, name, what, path, COUNT))
  const killed = new Watcher(t, 'killed', what, path, Infinity)
  await Promise.all([killed, ...others].map((watcher) => watcher.ready))
  others.forEach((watcher) => watcher.begin())
  killed.begin(20)
  for (const watcher of others) assert.deepEqual(await watcher.ended, [0, null])
  assert.deepEqual(await killed.ended, [null, 'SIGKILL'])
  return { killed, others }
}

function numbers(changes: Change[], name: string): number[] {
  return changes.filter(({ id }) => id.startsWith(`${name} `)).map(({ id }) => Number(id.split(' ')[1]))
}

/** As any reader of JSON Lines has them: the header, then the changes. */
async function lines(path: string): Promise<[{ last: string }, ...Change[]]> {
  const text = await readFile(path, 'utf8')
  assert.ok(text.endsWith('\n'))
  return JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`)
}

test('header and entries agree, whoever is killed', async (t) => {
  const path = join(await directory(t), 'changes.jsonl')
  const { killed, others } = await crowd(t, 'changes', path)

  // And once more with nobody else there, who would finish what it has begun.
  const alone = new Watcher(t, 'alone', 'changes', path, Infinity)
  await alone.ready
  alone.begin(20)
  await alone.ended
  const journal = await Journal.open<Change>(path, { headerPrefix: '{"changes":' })
  const report = await journal.repair()
  assert.deepEqual(report.damage, [])

  const [header, ...changes] = await lines(path)
  assert.equal(header.last, changes.at(-1)?.id)
  const own = await ChangeJournal.open(path)
  assert.equal((await own.header())?.last, header.last)
  assert.deepEqual(await journal.read(), changes)
  for (const watcher of others) watcher.check(numbers(changes, watcher.name), false)
  for (const watcher of [killed, alone]) watcher.check(numbers(changes, watcher.name), true)
})

test('one leaves out what is gone while others go on', async (t) => {
  const path = join(await directory(t), 'changes.jsonl')
  const { killed, others } = await crowd(t, 'compacting', path)
  const changes = await ChangeJournal.open(path)
  const files = await changes.files()

  for (const { name } of others) {
    const expected = new Map<string, string>()
    for (let n = 0; n < COUNT; n++) {
      if (n % 3 === 2) expected.delete(`${name}/${n % 8}`)
      else expected.set(`${name}/${n % 8}`, `${n}`)
    }
    const found = [...files].filter(([file]) => file.startsWith(`${name}/`))
    assert.deepEqual(new Map(found.sort()), new Map([...expected].sort()), name)
  }
  assert.ok(killed.safe >= 20)

  const before = await changes.header()
  await changes.compact()
  assert.deepEqual(await changes.header(), before)
  const [header, ...entries] = await lines(path)
  assert.equal(header.last, before?.last)
  assert.deepEqual(new Map(entries.map((entry) => [entry.path, 'hash' in entry && entry.hash])), files)
  assert.equal(entries.length, files.size)
})

test('the log of events stays small, and its end is whole', async (t) => {
  const dir = await directory(t)
  const { killed, others } = await crowd(t, 'events', join(dir, 'events.jsonl'))
  const number = (name: string): number => Number(/_(\d+)/.exec(name)?.[1] ?? Infinity)
  const names = (await readdir(dir)).filter((name) => name.endsWith('.jsonl')).sort((a, b) => number(a) - number(b))
  assert.equal(names.length, 3)

  const events: { id: string; n: number }[] = []
  for (const name of names) {
    // One append more than it may have: the next finds that out.
    assert.ok((await stat(join(dir, name))).size <= 8192 + 300)
    for await (const event of await Journal.open<{ id: string; n: number }>(join(dir, name))) events.push(event)
  }
  // What is kept of a watcher's is all that it said from some event on.
  for (const watcher of [killed, ...others]) {
    const seen = events.filter(({ id }) => id === watcher.name).map(({ n }) => n)
    const last = seen.at(-1)
    if (last === undefined) continue
    assert.deepEqual(seen, Array.from(seen, (_, i) => last - seen.length + 1 + i), watcher.name)
    assert.ok(last === watcher.safe - 1 || (watcher === killed && last === watcher.safe), watcher.name)
  }
  assert.ok(events.length > 50)
})
