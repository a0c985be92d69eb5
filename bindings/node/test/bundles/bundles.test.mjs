// What bundlers make of the package: it finds its addon in the package that the bundle was made from, or beside the bundle,
// or it says what to do. Run by the step node-bundles, in a project that has the bundlers.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'

const require = createRequire(import.meta.url)
const here = path.dirname(new URL(import.meta.url).pathname)
const project = path.join(here, '..')
const untorn = path.dirname(require.resolve('untorn/package.json'))
const addon = fs.readdirSync(untorn).find((name) => name.endsWith('.node'))

fs.writeFileSync(
  path.join(here, 'app.mjs'),
  `import { Journal } from 'untorn'
   const journal = await Journal.open(process.argv[2], { durability: 'process' })
   await journal.append({ ok: 1 })
   console.log(JSON.stringify(await journal.read()))
   await journal.close()`,
)
fs.writeFileSync(
  path.join(here, 'app.cjs'),
  `const { Journal } = require('untorn')
   Journal.open(process.argv[2], { durability: 'process' }).then(async (journal) => {
     await journal.append({ ok: 1 })
     console.log(JSON.stringify(await journal.read()))
     await journal.close()
   })`,
)

function run(command, args, cwd = project) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error) throw error
  return { status, stdout, stderr }
}

function build(bin, ...args) {
  const { status, stdout, stderr } = run(path.join(project, 'node_modules/.bin', bin), args)
  assert.equal(status, 0, stdout + stderr)
}

function scratch(t) {
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'untorn-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** In the project, moved away with the addon beside it, and moved away alone. */
function tries(t, bundle) {
  const dir = scratch(t)
  const journal = path.join(dir, 'j')
  const works = (file) => {
    fs.rmSync(journal, { force: true })
    const { status, stdout, stderr } = run(process.execPath, [file, journal], dir)
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '[{"ok":1}]\n')
  }
  works(bundle)
  const moved = path.join(dir, 'moved', path.basename(bundle))
  fs.mkdirSync(path.dirname(moved))
  fs.copyFileSync(bundle, moved)
  const { status, stderr } = run(process.execPath, [moved, journal], dir)
  assert.notEqual(status, 0)
  assert.match(stderr, /untorn: the addon untorn\.\S+\.node is not next to the code.*leave the package out of the bundle.*or copy/)
  assert.doesNotMatch(stderr, /npm has a bug|package-lock/)
  fs.copyFileSync(path.join(untorn, addon), path.join(path.dirname(moved), addon))
  works(moved)
}

test('esbuild, to CommonJS', (t) => {
  build('esbuild', 'bundles/app.cjs', '--bundle', '--platform=node', '--outfile=out/esbuild.cjs')
  tries(t, path.join(project, 'out/esbuild.cjs'))
})

test('esbuild, to an ES module', (t) => {
  build('esbuild', 'bundles/app.mjs', '--bundle', '--platform=node', '--format=esm', '--outfile=out/esbuild.mjs')
  tries(t, path.join(project, 'out/esbuild.mjs'))
})

test('esbuild, with the package left out', (t) => {
  build('esbuild', 'bundles/app.mjs', '--bundle', '--platform=node', '--format=esm', '--external:untorn', '--outfile=out/external.mjs')
  const { status, stderr } = run(process.execPath, [path.join(project, 'out/external.mjs'), path.join(scratch(t), 'j')])
  assert.equal(status, 0, stderr)
})

test('webpack', async (t) => {
  const webpack = require('webpack')
  const stats = await new Promise((resolve, reject) => {
    webpack(
      { mode: 'production', target: 'node', context: here, entry: './app.cjs', output: { path: path.join(project, 'out'), filename: 'webpack.cjs' } },
      (error, made) => (error ? reject(error) : resolve(made)),
    )
  })
  assert.equal(stats.hasErrors() || stats.hasWarnings(), false, stats.toString())
  tries(t, path.join(project, 'out/webpack.cjs'))
})

test('Rollup', async (t) => {
  const { rollup } = require('rollup')
  const plugins = [require('@rollup/plugin-node-resolve')({ preferBuiltins: true }), require('@rollup/plugin-commonjs')()]
  const bundle = await rollup({ input: path.join(here, 'app.mjs'), plugins, onwarn: (warning) => assert.fail(warning.message) })
  await bundle.write({ file: path.join(project, 'out/rollup.mjs'), format: 'es' })
  tries(t, path.join(project, 'out/rollup.mjs'))
})

test('Bun, run and compiled into one file', (t) => {
  const dir = scratch(t)
  const ran = run(path.join(project, 'node_modules/.bin/bun'), ['run', 'bundles/app.mjs', path.join(dir, 'ran')])
  assert.equal(ran.stdout, '[{"ok":1}]\n', ran.stderr)
  const program = path.join(dir, 'program')
  build('bun', 'build', '--compile', 'bundles/app.mjs', '--outfile', program)
  // Without the package that it was made from.
  const away = `${untorn}-away`
  fs.renameSync(untorn, away)
  try {
    const { status, stdout, stderr } = run(program, [path.join(dir, 'compiled')], dir)
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '[{"ok":1}]\n')
  } finally {
    fs.renameSync(away, untorn)
  }
})

test('Vite, for a server', async (t) => {
  const { build: built } = await import('vite')
  const output = { entryFileNames: 'vite.mjs' }
  await built({
    root: here, configFile: false, logLevel: 'warn', ssr: { noExternal: true, target: 'node' },
    build: { ssr: 'app.mjs', outDir: path.join(project, 'out/vite'), emptyOutDir: true, rollupOptions: { output } },
  })
  tries(t, path.join(project, 'out/vite/vite.mjs'))
})

// The executable is what runs, so the addon lies beside that.
test("Node's single executable, with the addon beside it, and without", (t) => {
  const dir = scratch(t)
  build('esbuild', 'bundles/app.cjs', '--bundle', '--platform=node', '--outfile=out/sea.cjs')
  const settings = path.join(dir, 'sea.json')
  const blob = path.join(dir, 'sea.blob')
  fs.writeFileSync(settings, JSON.stringify({ main: path.join(project, 'out/sea.cjs'), output: blob, disableExperimentalSEAWarning: true }))
  const made = run(process.execPath, ['--experimental-sea-config', settings])
  assert.equal(made.status, 0, made.stderr)
  const program = path.join(dir, 'program')
  fs.copyFileSync(process.execPath, program)
  fs.chmodSync(program, 0o755)
  build('postject', program, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2')
  const alone = run(program, [path.join(dir, 'j')], dir)
  assert.notEqual(alone.status, 0)
  assert.match(alone.stderr, /untorn: the addon untorn\.\S+\.node is not next to the code/)
  fs.copyFileSync(path.join(untorn, addon), path.join(dir, addon))
  const { status, stdout, stderr } = run(program, [path.join(dir, 'j')], dir)
  assert.equal(status, 0, stderr)
  assert.equal(stdout, '[{"ok":1}]\n')
})
