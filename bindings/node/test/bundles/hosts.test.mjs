// Programs that load the package in their own way: a VS Code extension, and Deno. Run by the step node-bundles.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'

const require = createRequire(import.meta.url)
const project = path.join(path.dirname(new URL(import.meta.url).pathname), '..')
const untorn = path.dirname(require.resolve('untorn/package.json'))

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error) throw error
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

function scratch(t) {
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'untorn-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  return dir
}

// As `vsce package` makes it: the bundle, and the packages that are left out of it. VS Code itself is played.
test('a VS Code extension, bundled by esbuild without the package, which lies next to it', (t) => {
  const dir = scratch(t)
  const source = path.join(project, 'bundles/extension.mjs')
  fs.writeFileSync(
    source,
    `import * as vscode from 'vscode'
     import { Journal } from 'untorn'
     export async function activate(context) {
       await using journal = await Journal.open(context.storageUri.fsPath, { durability: 'process', parents: true })
       await journal.append({ host: vscode.env.appName })
       return journal.read()
     }`,
  )
  const extension = path.join(dir, 'extension')
  const esbuild = path.join(project, 'node_modules/.bin/esbuild')
  const outfile = `--outfile=${path.join(extension, 'dist/extension.js')}`
  run(esbuild, [source, '--bundle', '--platform=node', '--format=cjs', '--target=node20', '--external:vscode', '--external:untorn', outfile], project)
  fs.cpSync(untorn, path.join(extension, 'node_modules/untorn'), { recursive: true })
  const host = path.join(dir, 'host.cjs')
  fs.writeFileSync(
    host,
    `const Module = require('node:module')
     const load = Module._load
     Module._load = (name, ...rest) => (name === 'vscode' ? { env: { appName: 'Code' } } : load(name, ...rest))
     const { activate } = require('./extension/dist/extension.js')
     activate({ storageUri: { fsPath: process.argv[2] } }).then((records) => console.log(JSON.stringify(records)))`,
  )
  assert.equal(run(process.execPath, [host, path.join(dir, 'storage/j')], dir), '[{"host":"Code"}]\n')
})

test('Deno', (t) => {
  const dir = scratch(t)
  const program = path.join(project, 'bundles/deno.mjs')
  fs.writeFileSync(
    program,
    `import diagnostics from 'node:diagnostics_channel'
     import { Document, FileLock, Journal, NotFoundError, transaction } from 'untorn'
     const [dir] = Deno.args
     const journal = await Journal.open(dir + '/j', { durability: 'process' })
     await journal.append({ ok: 1 })
     journal.appendSync({ ok: 2 })
     const follow = journal.follow({ start: { ...(await journal.end()), offset: 0 } })
     console.log((await follow.next()).value.ok, (await follow.next()).value.ok)
     await follow.return()
     const document = await Document.open(dir + '/d', { durability: 'process' })
     await document.update((value) => ({ n: (value?.n ?? 0) + 1 }))
     const nested = await document.update(async () => { await document.save(2) }).catch(({ code }) => code)
     const lock = await FileLock.acquire(dir + '/l')
     const refused = await FileLock.acquire(dir + '/l', { timeout: 20 }).catch(({ code }) => code)
     await lock.release()
     const missing = await Document.open(dir + '/no').then((d) => d.load()).catch((error) => error instanceof NotFoundError)
     await transaction(dir, async (tx) => { await tx.save('d', { n: 5 }); await tx.append('j', { ok: 3 }) })
     const rotated = new Promise((resolve) => diagnostics.subscribe('untorn:rotated', ({ kind }) => resolve(kind)))
     await journal.rotate()
     const timer = setTimeout(() => {}, 60_000)
     console.log(nested, refused, missing, document.loadSync().n, await rotated)
     clearTimeout(timer)
     await journal.close()`,
  )
  const deno = path.join(project, 'node_modules/.bin/deno')
  const told = run(deno, ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-write', program, dir], project)
  assert.equal(told, '1 2\nUNTORN_DEADLOCK UNTORN_LOCK_TIMEOUT true 5 rotated\n')
})
