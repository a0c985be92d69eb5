// untorn, without `await`.
import { Document, Journal } from 'untorn'

export function open(path, durable) {
  const options = { durability: durable ? 'power' : 'process' }
  let journal, document
  const records = () => (journal ??= Journal.openSync(path, options))
  const value = () => (document ??= Document.openSync(path, options))
  return {
    append: (record) => void records().appendSync(record),
    fill: (all) => void records().appendAllSync(all),
    save: (whole) => void value().saveSync(whole),
    update: () => void value().updateSync((old) => ({ ...old, turns: old.turns + 1 })),
    read: () => records().recordsSync(),
    tail: (count) => records().tailSync(count),
    close: () => journal?.closeSync(),
  }
}
