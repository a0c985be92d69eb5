// One program of the public benchmark: `worker.mjs PEER` answers requests, one line each (see ../../src/peer.rs).
//
// PEER is a module of this directory. Its `open` does the work the way that the program's users would write it.

import { createInterface } from 'node:readline'

const HEAD = '{"type":"message","role":"assistant","id":"msg_01HQ8","ts":1731990000.25,"text":"'
const TEXT = 'The tail is whole again; the next append goes to its own line. '.repeat(2)
// The same record as src/data.rs makes: 199 bytes as JSON.
const VALUE = JSON.parse(HEAD + TEXT.slice(0, 199 - 2 - HEAD.length) + '"}')

const { open } = await import(`./${process.argv[2]}.mjs`)
let peer, news
let many = []

/** An object of about so many bytes as JSON. */
function state(size) {
  const message = { role: 'user', text: 'x'.repeat(70) }
  return { turns: 0, messages: Array(Math.max(1, Math.floor(size / 100))).fill(message) }
}

const now = () => process.hrtime.bigint()

/** Nanoseconds of so many calls. */
async function timed(count, work) {
  const from = now()
  for (let i = 0, n = Number(count); i < n; i++) {
    const result = work()
    // What is done already need not be waited for.
    if (result !== undefined && typeof result.then === 'function') await result
  }
  return Number(now() - from)
}

const verbs = {
  ready: () => 0,
  async open(path, mode) {
    peer = await open(path, mode === 'durable')
    return 0
  },
  async close() {
    for (const one of [peer, ...many]) await one?.close()
    peer = undefined
    many = []
    return 0
  },
  append: (count) => timed(count, () => peer.append(VALUE)),
  async contend(from, until) {
    let count = 0
    while (now() < BigInt(from)) await new Promise(setImmediate)
    while (now() < BigInt(until)) {
      await peer.append(VALUE)
      count++
    }
    return count
  },
  async fill(count) {
    await peer.fill(Array(Number(count)).fill(VALUE))
    return 0
  },
  async save(size, count) {
    const value = state(Number(size))
    return timed(count, () => peer.save(value))
  },
  update: (count) => timed(count, () => peer.update()),
  tail: (last, count) =>
    timed(count, async () => {
      const records = await peer.tail(Number(last))
      if (records.length !== Number(last)) throw new Error('the tail is short')
    }),
  async read(expected) {
    const from = now()
    let count = 0
    for await (const _ of peer.read()) count++
    const took = Number(now() - from)
    if (count !== Number(expected)) throw new Error(`${count} records instead of ${expected}`)
    return took
  },
  async follow(path) {
    news = (await open(path, false)).follow()
    // The record that was there, or null: from here on no record is missed.
    await news.next()
    return 0
  },
  async deliver(count) {
    const times = []
    while (times.length < Number(count)) {
      const { value } = await news.next()
      times.push(Number(now()) - value)
    }
    return times.sort((a, b) => a - b)[times.length >> 1]
  },
  async visit(directory, files, count) {
    const from = now()
    let place = 0n
    for (let i = 0; i < Number(count); i++) {
      place = (place * 1103515245n + 12345n) % 2147483648n
      const one = await open(`${directory}/${place % BigInt(files)}`, false)
      await one.append(VALUE)
      await one.close()
    }
    return Number(now() - from)
  },
  async many(directory, count) {
    const before = process.memoryUsage.rss()
    for (let n = 0; n < Number(count); n++) many.push(await open(`${directory}/${n}`, false))
    for (const one of many) await one.append(VALUE)
    return (process.memoryUsage.rss() - before) / Number(count)
  },
  async each(rounds) {
    const took = await timed(rounds, async () => {
      for (const one of many) await one.append(VALUE)
    })
    return took / many.length
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...rest] = line.split('\t')
  try {
    if (!Object.hasOwn(verbs, verb)) throw new Error(`this program can't ${verb}`)
    console.log(`ok\t${await verbs[verb](...rest)}`)
  } catch (error) {
    console.log(`error\t${String(error.message).replaceAll('\n', ' ')}`)
  }
}
// A watcher would keep the process.
process.exit()
