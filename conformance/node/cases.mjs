// The cases of conformance/*.json, and how a step is carried out.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { compare, compareError } from './compare.mjs'

const LANGUAGES = ['rust', 'c', 'python', 'node', 'node_sync', 'postgres']
const folder = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')

/** What `except` says for this language. */
export function exception(of, language) {
  for (const name of Object.keys(of.except ?? {})) assert.ok(LANGUAGES.includes(name), `no language: ${name}`)
  return of.except?.[language]
}

/** Each case, with the name of its file. */
export function* cases() {
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort()) {
    const { cases: found } = JSON.parse(fs.readFileSync(path.join(folder, file)))
    assert.ok(found.length > 0, `${file} has no case`)
    for (const testCase of found) yield { file, testCase }
  }
}

/** The step as it is for this language; nothing if it is left out. */
export function adapted(step, language) {
  const changes = exception(step, language)
  if (typeof changes === 'string') return undefined
  const changed = { ...step, ...changes }
  for (const [key, value] of Object.entries(changes ?? {})) if (value === null) delete changed[key]
  return changed
}

/** Carries out the steps of a case, as they are for these languages. */
export async function carryOutSteps(stage, testCase, languages) {
  for (const [number, step] of testCase.steps.entries()) {
    let changed = step
    for (const language of languages) changed = changed && adapted(changed, language)
    if (changed === undefined) continue
    try {
      await carryOutStep(stage, changed)
    } catch (error) {
      error.message = `step ${number + 1}, ${JSON.stringify(changed).slice(0, 300)}: ${error.message}`
      throw error
    }
  }
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

/** Counts what was run, and says what was not. */
export class Count {
  #ran = 0
  #leftOut = 0
  #failed = 0

  leaveOut(language, file, testCase, why) {
    console.log(`left out (${language}): ${file}: ${testCase.name}: ${why}`)
    this.#leftOut += 1
  }

  async run(language, file, testCase, carryOut) {
    this.#ran += 1
    try {
      await carryOut()
    } catch (error) {
      this.#failed += 1
      console.log(`FAILED (${language}): ${file}: ${testCase.name}: ${error.message}`)
    }
  }

  /** `least`: what is left out must not grow unseen. */
  finish(least) {
    assert.ok(this.#ran >= least, `only ${this.#ran} cases are run`)
    console.log(`${this.#ran} cases run, ${this.#leftOut} left out, ${this.#failed} failed`)
    process.exitCode = this.#failed === 0 ? 0 : 1
  }
}
