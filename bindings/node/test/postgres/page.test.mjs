// The programs of docs/guides/postgres-node.md, one after another. Each prints what the page says.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { finished, onServer, server, withServer } from './support.mjs'

/** The tests may run in a copy: then the variable names the repository. */
const root = process.env.UNTORN_ROOT ?? fileURLToPath(new URL('../../../..', import.meta.url))

withServer('the programs of the page print what it says', async (t) => {
  const page = fs.readFileSync(path.join(root, 'docs/guides/postgres-node.md'), 'utf8')
  const programs = [...page.matchAll(/```js\n(.*?)```\n\nIt prints:\n\n```text\n(.*?)```/gs)]
  assert.equal(programs.length, [...page.matchAll(/```js\n/g)].length)
  assert.ok(programs.length > 2)
  await onServer('drop schema if exists untorn cascade')
  t.after(() => onServer('drop schema untorn cascade'))
  for (const [, source, expected] of programs) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, DATABASE_URL: server },
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    })
    assert.deepEqual(await finished(child), { output: expected, code: 0 })
  }
})
