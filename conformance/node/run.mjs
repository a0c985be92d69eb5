// Runs the cases of conformance/*.json through the Node package `untorn`, once
// with promises and once with the blocking twins. What the data means:
// conformance/README.md.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Count, carryOutSteps, cases, exception } from './cases.mjs'
import { checkAll, place } from './data.mjs'
import { Stage } from './steps.mjs'

async function carryOut(testCase, language) {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'untorn-')))
  const stage = new Stage(language, dir)
  try {
    for (const [name, entry] of Object.entries(testCase.files ?? {})) place(path.join(dir, name), entry)
    await carryOutSteps(stage, testCase, [language])
    await stage.end()
    checkAll(dir, testCase)
  } finally {
    await stage.end()
    fs.rmSync(dir, { recursive: true })
  }
}

const count = new Count()
for (const { file, testCase } of cases()) {
  for (const language of ['node', 'node_sync']) {
    const why = exception(testCase, language)
    if (why !== undefined) count.leaveOut(language, file, testCase, why)
    else await count.run(language, file, testCase, () => carryOut(testCase, language))
  }
}
count.finish(1)
