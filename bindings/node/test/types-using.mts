// Compiled, never run: `using` and `await using`, from TypeScript 5.2 on.

import { Document, FileLock, Journal, Store, Transaction, snapshot } from 'untorn'

interface Turn {
  role: 'user' | 'tool'
  text: string
}

export async function closed(): Promise<void> {
  await using journal = await Journal.open<Turn>('x')
  using again = Journal.openSync<Turn>('x')
  await using document = await Document.open<Turn>('x')
  await using lock = await FileLock.acquire('x')
  using shared = FileLock.acquireSync('x', { shared: true })
  await using tx = await Transaction.begin('d')
  using blocking = Transaction.beginSync('d')
  await using lease = await (await Store.open('s')).session('a').claim()
  await using fold = await journal.fold(() => 0, (sum) => sum + 1)
  void [again, document, lock, shared, tx, blocking, lease, fold]
}

export async function closing(): Promise<void> {
  await using taken = await snapshot('x')
  using fold = (await Journal.open<Turn>('x')).foldSync(() => 0, (sum) => sum + 1)
  const session = (await Store.open('x')).session('a')
  const journal: Journal<Turn> = await session.journal<Turn>()
  const state: Document<Turn> = session.stateSync<Turn>()
  await using follow = journal.follow().unref()
  await journal.appendAll(journal.records())
  await journal.replace(journal.records())
  // @ts-expect-error: a blocking call can't wait for them
  journal.replaceSync(journal.records())
  void [taken.names, fold.state, state, follow.position]
}
