// A watcher for the tests: makes up what it sees, as fast as it can, and tells
// its parent what is safe.

import { ChangeJournal, eventLog } from './watcher.mjs'

const [what, path, name = '', count] = process.argv.slice(2)
if (what === undefined || path === undefined) throw new Error('usage: worker WHAT PATH NAME COUNT')

/** The change that the watcher `name` sees as its nth: eight files come, change and go. */
export type Seen = { id: string; n: number; text: string }

async function watcher(path: string): Promise<(n: number) => Promise<unknown>> {
  if (what === 'events') {
    const log = await eventLog<Seen>(path, 8192, 2)
    return (n) => log.append({ id: name, n, text: 'x'.repeat(n % 200) })
  }
  const changes = await ChangeJournal.open(path)
  return async (n) => {
    const id = `${name} ${n}`
    const file = `${name}/${n % 8}`
    await changes.record(n % 3 === 2 ? { id, path: file, deleted: true } : { id, path: file, hash: `${n}` })
    if (what === 'compacting' && n % 10 === 9) await changes.compact()
  }
}

const see = await watcher(path)
process.send?.('ready')
process.once('message', async () => {
  for (let n = 0; n < Number(count); n++) {
    await see(n)
    process.send?.(n)
  }
  process.disconnect()
})
