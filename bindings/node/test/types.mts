// Compiled, never run: what must be accepted, and what must not.

import {
  ConflictError,
  Document,
  FileLock,
  Journal,
  Process,
  Store,
  Transaction,
  UntornError,
  appendJson,
  loadJson,
  loadJsonSync,
  saveJson,
  saveJsonSync,
  selftest,
  snapshot,
  transaction,
  transactionSync,
  version,
  type Damage,
  type ErrorCode,
  type Fold,
  type Follow,
  type Hit,
  type Holder,
  type Lease,
  type Position,
  type Reconciled,
  type Report,
  type SelfTest,
  type Version,
} from 'untorn'

interface Turn {
  role: 'user' | 'tool'
  text: string
}

export async function journals(signal: AbortSignal): Promise<void> {
  const journal = await Journal.open<Turn>('session.jsonl', { durability: 'process', maxRecord: 1 << 20 })
  const end: Position = await journal.append({ role: 'user', text: 'hello' }, { timeout: 100, signal })
  // @ts-expect-error: not a Turn
  await journal.append({ role: 'user' })
  // @ts-expect-error: there is no such durability
  await Journal.open('x', { durability: 'none' })
  // @ts-expect-error: a blocking call takes no signal
  journal.appendSync({ role: 'tool', text: '' }, { signal })
  await journal.appendAll([{ role: 'tool', text: 'x' }], { at: end })
  await journal.appendRaw(new Uint8Array(3))
  await journal.appendRaw('{}')
  for await (const turn of journal.records({ start: end, onDamage: (damage: Damage) => damage.kind })) {
    const role: 'user' | 'tool' = turn.role
    void role
  }
  for (const { value, end: behind } of journal.entriesSync()) {
    const text: string = value.text
    const offset: number = behind.offset
    void [text, offset]
  }
  const turns: Turn[] = await journal.read({ maxRecords: 10, maxBytes: 1000 })
  const report: Report = await journal.verify()
  const cut: number | undefined = report.repaired?.cut
  // @ts-expect-error: positions do not change
  end.offset = 7
  void [turns, cut, await journal.tail(3), journal.path.length]
}

export async function rewrites(signal: AbortSignal): Promise<void> {
  const journal = await Journal.open<Turn>('session.jsonl', {
    headerPrefix: new Uint8Array([35]),
    headerReserve: 64,
    headerMode: 'rename',
    sealed: false,
    maxBytes: 1 << 20,
    keep: 3,
    scheme: 'in-place',
    onUnsupported: 'pid-file',
    stale: 5000,
  })
  // @ts-expect-error: there is no such scheme
  await Journal.open('x', { scheme: 'flock' })
  await journal.setHeader({ any: 'thing' }, { signal, timeout: 10 })
  await journal.appendAll([], { header: { any: 'thing' }, signal })
  const end: Position = await journal.compact(
    async function* (turns) {
      for await (const turn of turns) if (turn.role === 'user') yield turn
    },
    { signal, onDamage: ({ kind }) => kind === 'bad_seal' },
  )
  journal.compactSync((turns) => [...turns].slice(-10))
  // @ts-expect-error: a blocking call can't wait for it
  journal.compactSync(async () => [])
  // @ts-expect-error: not Turns
  await journal.compact(() => [1])
  const rotated: string | null = await journal.rotate({ timeout: 0 })
  const files: string[] = await journal.rotated()
  const removed: number = await journal.pruneRotated(3, 60_000, { timeout: 0 })
  const cleared: string | null = await journal.clear({ timeout: 0 })
  const kept: string | null = journal.rewindSync(end)
  // @ts-expect-error: not a Turn
  await journal.replace(['x'])
  const { header, unsealed }: Report = journal.verifySync()
  const tested: SelfTest = await selftest('.', { scheme: 'pid-file' })
  const failed: string[] = tested.checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
  void [rotated, cleared, files, removed, kept, header satisfies boolean, unsealed satisfies number, failed]
}

export async function news(signal: AbortSignal): Promise<void> {
  const journal = await Journal.open<Turn>('session.jsonl')
  const follow: Follow<Turn> = journal.follow({ signal, onRewind: ({ from, to }) => from.offset - to.offset })
  await follow.ready()
  for await (const turn of follow) {
    const role: 'user' | 'tool' = turn.role
    if (role === 'tool') break
  }
  const start: Position | undefined = follow.position
  const on = journal.follow(start === undefined ? {} : { start })
  const counts: Fold<Map<string, number>, Turn> = await journal.fold(
    () => new Map<string, number>(),
    (map, turn) => void map.set(turn.role, (map.get(turn.role) ?? 0) + 1),
    { signal, timeout: 100 },
  )
  const total = journal.foldSync(
    () => 0,
    (sum, turn) => sum + turn.text.length,
  )
  const end: Position = await total.update(async (sum) => (sum < 10 ? [{ role: 'user', text: '' }] : null), { signal })
  total.updateSync(() => {})
  // @ts-expect-error: not a Turn
  await total.append({ role: 'user' })
  // @ts-expect-error: the state changes by records
  total.state = 7
  // @ts-expect-error: a blocking call can't wait for it
  total.updateSync(async () => [])
  void [on, end, counts.state.get('user'), total.state.toFixed(), total.position?.offset]
}

export async function documents(): Promise<void> {
  const document = await Document.open<{ n: number }>(new URL('file:///var/lib/session.json'))
  const saved: Version = await document.save({ n: 1 }, { expect: null })
  // @ts-expect-error: not the type of this document
  await document.save({ n: 'one' })
  const value: { n: number } | undefined = await document.load({ default: undefined })
  await document.update(async (old) => ({ n: (old?.n ?? 0) + 1 }))
  document.updateSync((old) => ({ n: (old?.n ?? 0) + 1 }))
  // @ts-expect-error: nothing is returned
  await document.update(() => {})
  const last: Version | null | undefined = document.version
  const bytes: Buffer = await document.loadRaw()
  void [saved, value, last, bytes]
}

export async function locks(signal: AbortSignal): Promise<void> {
  const lock = await FileLock.acquire('x', { timeout: 5000, signal, shared: false, label: 'nightly' })
  const other = FileLock.acquireSync('y', { timeout: 0 })
  const holder: Holder | null = await FileLock.holder('x')
  const journal = await Journal.open('x')
  await journal.append(1, { lock })
  if (holder !== null) await lock.transfer(holder)
  // @ts-expect-error: use acquire
  new FileLock()
  void [holder?.pid, other.held]
}

export async function oneShots(): Promise<void> {
  const saved: Version = await saveJson('x', { a: 1 }, { space: 2, replacer: null })
  const n: number = await loadJson<number>('x')
  const m: number | null = loadJsonSync<number, null>('x', { default: null })
  const position: Position = await appendJson('x', 1, { durability: 'process' })
  void [saved, n, m, position, saveJsonSync('x', 1), version.length]
}

export function errors(error: unknown): ErrorCode | undefined {
  if (error instanceof ConflictError) return error.code
  if (error instanceof UntornError) {
    const pid: number | undefined = error.holder?.pid
    const offset: number | undefined = error.position?.offset
    const errno: number | undefined = error.errno
    void [pid, offset, errno, error.operation, error.path]
  }
  return undefined
}

export async function transactions(signal: AbortSignal): Promise<number> {
  const n: number = await transaction('d', async (tx: Transaction) => {
    const state: { turns: number } | undefined = await tx.load<{ turns: number }>('state.json', { timeout: 5, signal })
    await tx.appendAll('log', [1, 'two'])
    const version: Version = await tx.save('state.json', state)
    return version.length
  }, { durability: 'process', signal })
  // @ts-expect-error: a blocking transaction takes no signal
  transactionSync('d', () => 1, { signal })
  // @ts-expect-error: use Transaction.begin
  new Transaction()
  const tx = await Transaction.begin('d')
  const other = Transaction.beginSync('e', { timeout: 0 })
  other.createSync('x', 1)
  for await (const record of (await snapshot('d')).records<string>('log')) record.length
  await tx.commit()
  return n
}

export async function sessions(signal: AbortSignal): Promise<void> {
  const store = await Store.open('s', { journalName: 'context.jsonl', journal: { maxRecord: 10 } })
  const session = store.session('any key')
  const lease: Lease = await session.claim('worker', { timeout: 10, signal })
  const before: Holder | null = lease.previous
  await lease.transfer(Process.of(before?.pid ?? 1))
  await lease.transfer(Process.current())
  const { outcome }: Reconciled = await session.reconcile(async (tx) => {
    await tx.remove('x')
  }, { alsoAlive: async () => false })
  // @ts-expect-error: not an outcome
  if (outcome === 'gone') return
  // @ts-expect-error: a blocking probe is not async
  session.reconcileSync(() => true, { alsoAlive: async () => false })
  const hits: Hit[] = await store.search('text', { maxHits: 3, signal })
  hits[0]?.snippet.slice(...(hits[0]?.range ?? []))
  const alive: 'alive' | 'dead' | 'unknown' = Process.current().alive
  // @ts-expect-error: use Process.current
  new Process()
  alive.length
}

/** Options that may be undefined are passed on as they are. */
export async function passedOn(
  signal: AbortSignal | undefined,
  timeout: number | undefined,
  durability: 'process' | undefined,
  onDamage: ((damage: Damage) => void) | undefined,
): Promise<void> {
  const journal = await Journal.open<Turn>('x', { durability, timeout, mode: undefined, headerPrefix: undefined })
  const document = await Document.open<Turn>('x', { durability, parse: undefined })
  await journal.append({ role: 'user', text: '' }, { signal, timeout, lock: undefined })
  await journal.read({ onDamage, start: undefined, maxRecords: undefined })
  await FileLock.acquire('x', { signal, timeout, label: undefined })
  await saveJson('x', 1, { signal, durability, replacer: undefined, space: undefined })
  await transaction('x', (tx) => tx.commit({ signal }), { signal, journals: undefined })
  await (await Store.open('x', { journal: undefined })).search('x', { signal, maxHits: undefined })
  // @ts-expect-error: it would be no check
  await document.save({ role: 'user', text: '' }, { expect: document.version })
  // @ts-expect-error: it would be no check
  await journal.appendAll([], { at: undefined })
}
