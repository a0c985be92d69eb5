// untorn, with `await`.
import { Document, Journal } from 'untorn'

export async function open(path, durable) {
  const options = { durability: durable ? 'power' : 'process' }
  let journal, document
  const records = async () => (journal ??= await Journal.open(path, options))
  const value = async () => (document ??= await Document.open(path, options))
  return {
    append: async (record) => (await records()).append(record),
    fill: async (all) => (await records()).appendAll(all),
    save: async (whole) => (await value()).save(whole),
    update: async () => (await value()).update((old) => ({ ...old, turns: old.turns + 1 })),
    async *read() {
      yield* await records()
    },
    tail: async (count) => (await records()).tail(count),
    async *follow() {
      const news = (await records()).follow()
      await news.ready()
      yield null
      yield* news
    },
    close: async () => journal?.close(),
  }
}
