// Writers that are killed at random: what they were told is done is there,
// whole and once, and of a batch there is all or nothing.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import test from 'node:test'
import { Journal } from 'untorn'
import { ended, file, program } from './support.mjs'

const ROUNDS = 40
const WRITERS = 2

// Prints a line for each call that has ended well, with one write each.
const WRITER = `
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { Document, Journal } from 'untorn'
const [, name, writer] = process.argv
const journal = await Journal.open(name, { durability: 'process' })
const document = await Document.open(name + '.' + writer, { durability: 'process' })
const record = (seq, batch, size, bytes) => {
  const text = 'abcdefghij'.repeat(Math.ceil(bytes / 10)).slice(0, bytes)
  return { writer, seq, batch, size, text, sum: createHash('md5').update(writer + seq + text).digest('hex') }
}
const tell = (line) => fs.writeSync(1, line + '\\n')
const bytes = () => Math.floor(100 * 900 ** Math.random())
for (let seq = 0; ; ) {
  const kind = Math.random()
  if (kind < 0.5) {
    const mine = seq++
    await journal.append(record(mine, null, 1, bytes()))
    tell('r ' + mine)
  } else if (kind < 0.7) {
    const mine = seq++
    journal.appendSync(record(mine, null, 1, bytes()))
    tell('r ' + mine)
  } else if (kind < 0.75) {
    const first = seq
    const size = 12 + Math.floor(Math.random() * 8)
    seq += size
    await journal.appendAll(Array.from({ length: size }, (_, i) => record(first + i, first, size, 90000)))
    for (let i = 0; i < size; i += 1) tell('r ' + (first + i))
  } else {
    await document.save({ seq, text: 'x'.repeat(bytes()) })
    tell('d ' + seq)
  }
}`

test('nothing acknowledged is lost, and no batch is there in part', { timeout: 300_000 }, async (t) => {
  const name = file(t)
  const told = new Map()
  for (let round = 0; round < ROUNDS; round += 1) {
    const children = Array.from({ length: WRITERS }, (_, n) => {
      const writer = `${round}-${n}`
      const child = program(WRITER, name, writer)
      let text = ''
      child.stdout.setEncoding('utf8').on('data', (more) => (text += more))
      const began = new Promise((resolve) => child.stdout.once('data', resolve))
      return { writer, child, began, output: () => text }
    })
    await Promise.all(children.map(async ({ writer, child, began, output }) => {
      await began
      // At any instant of its work.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      assert.equal(await ended(child), 'SIGKILL')
      await closed
      // The last line may be cut.
      told.set(writer, output().split('\n').slice(0, -1).map((line) => line.split(' ')))
    }))
  }
  // The next append repairs what the last kill left.
  const journal = await Journal.open(name, { durability: 'process' })
  await journal.append({ writer: 'last' })

  const text = fs.readFileSync(name)
  assert.equal(text.at(-1), 10)
  const found = new Map()
  const batches = new Map()
  for (const line of text.toString().slice(0, -1).split('\n')) {
    const { writer, seq, batch, size, text: body, sum } = JSON.parse(line)
    if (writer === 'last') continue
    assert.equal(createHash('md5').update(writer + seq + body).digest('hex'), sum)
    if (!found.has(writer)) found.set(writer, [])
    found.get(writer).push(seq)
    if (batch !== null) {
      const key = `${writer}/${batch}`
      if (!batches.has(key)) batches.set(key, { size, count: 0 })
      batches.get(key).count += 1
    }
  }
  let acknowledged = 0
  for (const [writer, lines] of told) {
    const seqs = found.get(writer) ?? []
    assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), `order of ${writer}`)
    const there = new Set(seqs)
    for (const [kind, seq] of lines) {
      if (kind !== 'r') continue
      acknowledged += 1
      assert.ok(there.has(Number(seq)), `${writer} lost ${seq}`)
    }
    const saved = lines.filter(([kind]) => kind === 'd').map(([, seq]) => Number(seq))
    if (saved.length === 0) continue
    const document = JSON.parse(fs.readFileSync(`${name}.${writer}`, 'utf8'))
    assert.ok(document.seq >= saved.at(-1), `${writer} saved ${saved.at(-1)}, and there is ${document.seq}`)
  }
  for (const [key, { size, count }] of batches) assert.equal(count, size, `batch ${key}`)
  assert.ok(acknowledged > 100 && batches.size > 0, 'the writers did work')
})
