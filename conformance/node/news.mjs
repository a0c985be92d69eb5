// The steps on what follows a journal, and on folds.

import { bytes } from './data.mjs'

/** What follows a journal, and what it has told. */
class Follower {
  #told = []
  #next

  constructor(journal, start) {
    const onRewind = ({ from, to }) => this.#told.push({ rewound: [from.offset, to.offset] })
    this.follow = journal.follow({ start, onRewind })
  }

  /** The next thing; with a limit only if it is there already. */
  async next(step, journal) {
    if (this.#told.length === 0) {
      this.#next ??= this.follow.next().then(({ value }) => {
        this.#next = undefined
        this.#told.push({ record: value })
      })
      // What comes too late for this step comes to the next one: none is passed over.
      await ('timeout' in step ? Promise.race([this.#next, soon(journal)]) : this.#next)
    }
    return this.#told.shift() ?? { nothing: true }
  }
}

/** When other calls on the journal have gone to a thread and back. */
async function soon(journal) {
  for (let turn = 0; turn < 3; turn += 1) await journal.end()
}

export const NEWS = {
  async follow(step) {
    const { journal } = this.named(step.journal)
    const follower = new Follower(journal, 'start' in step ? this.position(step.start) : undefined)
    this.handles.set(step.on, { follower, of: journal })
    await follower.follow.ready()
  },

  async next(step) {
    const { follower, of } = this.handle(step)
    return { told: await follower.next(step, of) }
  },

  async fold(step) {
    const { journal } = this.named(step.journal)
    const push = (list, record) => void list.push(record)
    this.handles.set(step.on, { fold: await this.verb(journal, 'fold', () => [], push) })
  },

  async fold_refresh(step) {
    const { fold } = this.handle(step)
    await this.verb(fold, 'refresh')
    return { told: { state: fold.state } }
  },

  async fold_append(step) {
    const { fold } = this.handle(step)
    await this.verb(fold, 'append', bytes(step.record))
    return { told: { state: fold.state } }
  },
}
