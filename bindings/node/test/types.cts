// The same package as CommonJS.

import untorn = require('untorn')

export async function commonJs(): Promise<untorn.Position> {
  const journal: untorn.Journal<number> = untorn.Journal.openSync<number>('x')
  return journal.append(1)
}
