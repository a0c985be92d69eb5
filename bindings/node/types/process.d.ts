// The identity of processes.

/** The fields that identify a process: a `Process`, a `Holder`, or what JSON made of one. */
export interface ProcessLike {
  /** Its pid. */
  readonly pid: number
  /** When it started, in the system's own unit. */
  readonly start?: number | null | undefined
  /** The id of the machine's boot in which it runs. */
  readonly boot?: string | null | undefined
  /** The namespace of its pid: each container has its own. */
  readonly namespace?: string | null | undefined
  /** The machine's name. */
  readonly host?: string | null | undefined
}

/**
 * The identity of a process: its pid, its start, the machine's boot, the container and the host.
 * Together they never repeat, but a pid does. You can store its fields as JSON; `Process.from`
 * reads them back.
 */
export class Process {
  private constructor()
  /** Returns this process. */
  static current(): Process
  /** Returns the process that has this pid now. If no process has it, the result is dead. */
  static of(pid: number): Process
  /** Makes a process from what `JSON.stringify` made of one, from its JSON, or from a `Holder`. */
  static from(value: ProcessLike | string): Process
  /** Its pid. Another process may get the same one after it has ended. */
  readonly pid: number
  /** When it started, in the system's own unit. Null if no such process existed. */
  readonly start: number | null
  /** The id of the machine's boot in which it runs. */
  readonly boot: string | null
  /** The namespace of its pid: each container has its own. */
  readonly namespace: string | null
  /** The machine's name. */
  readonly host: string | null
  /**
   * Whether it lives now. A zombie is dead, and so is a process whose pid another one has now.
   * Unknown if this process can't see it.
   */
  readonly alive: 'alive' | 'dead' | 'unknown'
}
