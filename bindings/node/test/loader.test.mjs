// What the loader says where there is no addon for the system, or none that it can load.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import { directory } from './support.mjs'

const installed = path.dirname(createRequire(import.meta.url).resolve('untorn/package.json'))

/** Loads a copy of the package in a process that takes itself for another. */
function load(t, system, change) {
  const dir = path.join(directory(t), 'node_modules', 'untorn')
  for (const name of ['package.json', 'index.js', 'lib', ...fs.readdirSync(installed).filter((name) => name.endsWith('.node'))]) {
    fs.cpSync(path.join(installed, name), path.join(dir, name), { recursive: true })
  }
  change?.(dir)
  const source = `for (const [name, value] of Object.entries(${JSON.stringify(system)})) Object.defineProperty(process, name, { value })
    require(${JSON.stringify(dir)})`
  const { status, stderr } = spawnSync(process.execPath, ['--eval', source], { encoding: 'utf8' })
  return { status, stderr }
}

for (const system of [{ platform: 'darwin' }, { platform: 'darwin', arch: 'arm64' }, { arch: 'arm64' }, { platform: 'win32' }, { platform: 'freebsd' }]) {
  test(`on ${JSON.stringify(system)} it says that there is no addon for it`, (t) => {
    const { status, stderr } = load(t, system)
    assert.notEqual(status, 0)
    assert.match(stderr, /untorn: this package has no addon for this system: it is for linux-x64-gnu, and untorn\.\S+\.node is missing/)
    // Advice that does not help, and names that anybody could take.
    assert.doesNotMatch(stderr, /npm has a bug|package-lock|untorn-(darwin|win32|linux|freebsd)|wasm/)
  })
}

const system = fs.readdirSync(installed).find((name) => name.endsWith('.node'))?.slice('untorn.'.length, -'.node'.length)

/** As the published package is: no addon inside, and packages of which npm takes one. */
function published(packages) {
  return (dir) => {
    for (const name of fs.readdirSync(dir)) if (name.endsWith('.node')) fs.rmSync(path.join(dir, name))
    const about = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'))
    about.optionalDependencies = Object.fromEntries(packages.map((name) => [`@untorn/${name}`, about.version]))
    fs.writeFileSync(path.join(dir, 'package.json'), JSON.stringify(about))
  }
}

test('the addon is found in the package for this system', { skip: system === undefined && 'the addon is in a package of its own here' }, (t) => {
  const { status, stderr } = load(t, {}, (dir) => {
    published([system])(dir)
    const own = path.join(dir, '../@untorn', system)
    fs.mkdirSync(own, { recursive: true })
    fs.copyFileSync(path.join(installed, `untorn.${system}.node`), path.join(own, `untorn.${system}.node`))
    fs.writeFileSync(path.join(own, 'package.json'), JSON.stringify({ name: `@untorn/${system}`, version: '0.1.0' }))
  })
  assert.equal(status, 0, stderr)
})

test('a package for this system that npm left out is named, with what to type', (t) => {
  const { status, stderr } = load(t, { platform: 'darwin', arch: 'arm64' }, published(['darwin-arm64', 'darwin-x64']))
  assert.notEqual(status, 0)
  assert.match(stderr, /npm install @untorn\/darwin-arm64@\d+\.\d+\.\d+/)
  assert.match(stderr, /--omit=optional/)
})

test('where no package is for this system, it says for which there are', (t) => {
  const { status, stderr } = load(t, { platform: 'freebsd', arch: 'x64' }, published(['darwin-arm64', 'linux-x64-gnu']))
  assert.notEqual(status, 0)
  assert.match(stderr, /no package for this system, freebsd-x64\. There are packages for darwin-arm64, linux-x64-gnu\./)
})

test('an addon that the system does not load is told of with what the system says', (t) => {
  const { status, stderr } = load(t, {}, (dir) => {
    for (const name of fs.readdirSync(dir)) if (name.endsWith('.node')) fs.writeFileSync(path.join(dir, name), 'no addon')
  })
  assert.notEqual(status, 0)
  assert.match(stderr, /the system can't load .*untorn.*: .*(too short|invalid ELF|not a mach|not a valid)/i)
})

test('the package says where it runs, and has its texts', () => {
  const about = JSON.parse(fs.readFileSync(path.join(installed, 'package.json'), 'utf8'))
  assert.deepEqual([about.os, about.cpu, about.libc, about.engines], [['linux'], ['x64'], ['glibc'], { node: '>=20.17' }])
  for (const text of ['README.md', 'LICENSE-APACHE', 'LICENSE-MIT']) assert.ok(about.files.includes(text), text)
})
