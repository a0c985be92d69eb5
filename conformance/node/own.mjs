// The error that functions of the caller's fail with.

import assert from 'node:assert/strict'

export const own = new Error("the caller's own")

/** Carries out what calls such a function; `fail`: whether that fails. */
export async function passesOn(fail, carryOut) {
  try {
    const outcome = await carryOut()
    assert.notEqual(fail, true, "the caller's own error was lost")
    return outcome
  } catch (error) {
    if (error !== own) throw error
    return undefined
  }
}
