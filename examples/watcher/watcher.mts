// What a watcher keeps: a journal of changes, whose header says which was the
// last, and a log of events that does not grow for ever. Any number of watchers
// share them.

import { Journal, type Position } from 'untorn'

/** A file is there with this hash, or is no more. */
export type Change = { id: string; path: string; hash: string } | { id: string; path: string; deleted: true }

export interface Header {
  changes: 1
  /** The id of the last change. */
  last: string
  /** When that was. */
  at: string
}

export class ChangeJournal {
  #journal

  private constructor(journal: Journal<Change>) {
    this.#journal = journal
  }

  static async open(path: string): Promise<ChangeJournal> {
    return new ChangeJournal(await Journal.open<Change>(path, { headerPrefix: '{"changes":' }))
  }

  /** Appends a change, and stamps the header with it: both or neither. */
  record(change: Change): Promise<Position> {
    const header: Header = { changes: 1, last: change.id, at: new Date().toISOString() }
    return this.#journal.appendAll([change], { header })
  }

  header(): Promise<Header | null> {
    return this.#journal.header()
  }

  /** The files that are there, and their hashes. */
  async files(): Promise<Map<string, string>> {
    const files = new Map<string, string>()
    for (const { path, ...change } of (await present(this.#journal)).values()) files.set(path, change.hash)
    return files
  }

  /** Leaves one entry for each file that is there, and none for those that are not. */
  async compact(): Promise<void> {
    await this.#journal.compact(async (changes) => (await present(changes)).values())
  }
}

type Entry = Extract<Change, { hash: string }>

async function present(changes: AsyncIterable<Change>): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  for await (const change of changes) {
    entries.delete(change.path)
    if ('hash' in change) entries.set(change.path, change)
  }
  return entries
}

/** A log of at most about `maxBytes`, and as much in each of the `keep` files before it. */
export function eventLog<Event>(path: string, maxBytes = 1 << 20, keep = 3): Promise<Journal<Event>> {
  return Journal.open<Event>(path, { maxBytes, keep, durability: 'process' })
}
