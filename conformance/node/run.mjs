// Runs the cases of conformance/*.json through the Node package `untorn`, once
// with promises and once with the blocking twins. What the data means:
// conformance/README.md.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compare, compareError } from './compare.mjs'
import { checkAll, place } from './data.mjs'
import { Stage } from './steps.mjs'

const LANGUAGES = ['rust', 'c', 'python', 'node', 'node_sync', 'postgres']
const folder = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')

/** What `except` says for this language. */
function exception(of, language) {
  for (const name of Object.keys(of.except ?? {})) assert.ok(LANGUAGES.includes(name), `no language: ${name}`)
  return of.except?.[language]
}

async function carryOut(testCase, language) {
  const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'untorn-')))
  const stage = new Stage(language, dir)
  try {
    for (const [name, entry] of Object.entries(testCase.files ?? {})) place(path.join(dir, name), entry)
    for (const [number, step] of testCase.steps.entries()) {
      const changed = adapted(step, language)
      if (changed === undefined) continue
      try {
        await carryOutStep(stage, changed)
      } catch (error) {
        error.message = `step ${number + 1}, ${JSON.stringify(changed).slice(0, 300)}: ${error.message}`
        throw error
      }
    }
    await stage.end()
    checkAll(dir, testCase)
  } finally {
    await stage.end()
    fs.rmSync(dir, { recursive: true })
  }
}

/** The step as it is for this language; nothing if it is left out. */
function adapted(step, language) {
  const changes = exception(step, language)
  if (typeof changes === 'string') return undefined
  const changed = { ...step, ...changes }
  for (const [key, value] of Object.entries(changes ?? {})) if (value === null) delete changed[key]
  return changed
}

async function carryOutStep(stage, step) {
  let outcome
  try {
    outcome = await stage.run(step)
  } catch (error) {
    if (!('error' in step) || error instanceof assert.AssertionError) throw error
    return compareError(stage, step, error)
  }
  assert.ok(!('error' in step), `it went well, and was to fail with ${step.error}`)
  compare(stage, step, outcome)
  if ('keep' in step) stage.kept.set(step.keep, outcome.kept)
  step.starts_keep?.forEach((name, i) => stage.kept.set(name, outcome.records[i].start))
}

let ran = 0
let leftOut = 0
let failed = 0
for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort()) {
  const { cases } = JSON.parse(fs.readFileSync(path.join(folder, file)))
  assert.ok(cases.length > 0, `${file} has no case`)
  for (const testCase of cases) {
    for (const language of ['node', 'node_sync']) {
      const why = exception(testCase, language)
      if (why !== undefined) {
        console.log(`left out (${language}): ${file}: ${testCase.name}: ${why}`)
        leftOut += 1
        continue
      }
      ran += 1
      try {
        await carryOut(testCase, language)
      } catch (error) {
        failed += 1
        console.log(`FAILED (${language}): ${file}: ${testCase.name}: ${error.message}`)
      }
    }
  }
}
assert.ok(ran > 0, 'no case was found')
console.log(`${ran} cases run, ${leftOut} left out, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
