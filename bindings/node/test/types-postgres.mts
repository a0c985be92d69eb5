// The types of a store in a database, as a program in TypeScript uses them with `pg`.

import pg from 'pg'
import { Store as FileStore, type LeaseLostError, type Position } from 'untorn'
import { Document, Journal, Lease, Store, Transaction, migrate, selftest, type Fold, type Session } from 'untorn/postgres'

interface Turn {
  role: 'user' | 'agent'
}

const pool: pg.Pool = new pg.Pool()
const applied: number = await migrate(pool)
await migrate('postgres://host/db', 'agents')
const store: Store = await Store.open(pool, { schema: 'agents', ttl: 30_000, connected: true, patience: 5_000, timeout: 1_000 })
const same: Store = await FileStore.open(pool, { schema: 'agents' })
const byUrl: Store = await FileStore.open('postgresql://host/db')
// A path stays a path.
const files: FileStore = await FileStore.open('sessions')
files.keysSync()

const session: Session = store.session('chat:42')
const lease: Lease = await session.claim('worker 3', { timeout: 1_000, signal: AbortSignal.timeout(1_000) })
const lost: AbortSignal = lease.lost
const token: bigint = lease.token
const journal: Journal<Turn> = await session.journal<Turn>()
const end: Position = await journal.append({ role: 'user' }, { signal: lost })
await journal.appendAll([{ role: 'agent' }], { at: end })
const back: string | null = await journal.rewind(end, { timeout: 10 })
await journal.rotate()
const old: string[] = await journal.rotated()
await journal.pruneRotated(3, 60_000)
await journal.compact(async function* (turns) {
  for await (const turn of turns) if (turn.role === 'user') yield turn
})
await Store.open(pool, { journal: { maxBytes: 1 << 20, keep: 3, headerPrefix: '{"version"' } })
for await (const turn of journal) turn.role satisfies 'user' | 'agent'
for await (const turn of journal.follow({ start: end })) turn.role satisfies 'user' | 'agent'
const count: Fold<number, Turn> = await journal.fold(() => 0, (n: number, _: Turn) => n + 1)
await count.update((n) => (n < 10 ? [{ role: 'agent' }] : null))
const state: Document<{ turns: number }> = await session.state()
await state.update((value) => ({ turns: (value?.turns ?? 0) + 1 }))
const loaded: { turns: number } | null = await state.load({ default: null })
const done: string = await session.transaction(async (tx: Transaction) => {
  await tx.append('journal.jsonl', { role: 'user' })
  await tx.setHeader('journal.jsonl', { at: 1 })
  return tx.save('state.json', loaded)
})
await using tx = await session.transaction()
await tx.commit()
const outcome: 'done' | 'no_change' | 'busy' | 'alive' = (await session.reconcile((open) => open.save('x', 1).then(() => true))).outcome
for (const { name, ok } of await selftest(pool, 'agents')) console.log(name, ok)
console.log(lease instanceof Lease, journal instanceof Journal, tx instanceof Transaction, state instanceof Document)
console.log(back, old, applied, same, byUrl, token, done, outcome, lost.reason as LeaseLostError)

// @ts-expect-error: no verb blocks
journal.appendSync({ role: 'user' })
// @ts-expect-error: no verb blocks
store.keysSync()
// @ts-expect-error: only files have locks
await journal.append({ role: 'user' }, { lock: null })
// @ts-expect-error: only files have media
await session.media('x')
// @ts-expect-error: an option of files
await Store.open(pool, { journal: { scheme: 'pid-file' } })
// @ts-expect-error: only files are salvaged
await journal.salvage()
// @ts-expect-error: it is renewed by itself
await lease.renew()
// @ts-expect-error: an option of files
await Store.open(pool, { create: true })
// @ts-expect-error: no blocking iteration
for (const turn of journal) console.log(turn)
