// Whether locks work in a directory.

import type { Scheme } from './words.js'

/** One check of a self-test. */
export interface Check {
  /**
   * `'exclusion'`, `'exclusion_threads'`, `'sharing'`, `'waiting'`, `'release_on_death'`,
   * `'scheme'`, `'rename'`, `'link'`, `'sync'`, `'sync_directory'`. Later versions may add more.
   */
  readonly name: string
  /** The result. */
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** A text for people that says what was observed. */
  readonly detail: string
}

/** The report of a self-test. */
export interface SelfTest {
  /** The directory that was tested. */
  readonly dir: string
  /** The name of the file system, as `mount` shows it; empty if unknown. */
  readonly fileSystem: string
  /** The scheme of the locks that were tested. */
  readonly scheme: Scheme
  /** Whether no check failed. */
  readonly passed: boolean
  /** All checks. */
  readonly checks: readonly Check[]
}

/**
 * Tests in this directory whether locks exclude between two processes, and whether a file can be
 * replaced and synced. The report has every check and its result.
 */
export function selftest(dir: string | URL, options?: { scheme?: Scheme | undefined }): Promise<SelfTest>

/** The blocking twin of `selftest`. */
export function selftestSync(dir: string | URL, options?: { scheme?: Scheme | undefined }): SelfTest
