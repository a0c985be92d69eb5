// `using` and `await using`, for TypeScript before 5.2. Later versions have the same in `esnext.disposable`.

/** The symbols that `using` looks for. */
interface SymbolConstructor {
  /** The method that `using` calls. */
  readonly dispose: unique symbol
  /** The method that `await using` calls. */
  readonly asyncDispose: unique symbol
}

/** A value that `using` takes. */
interface Disposable {
  /** Called at the end of the block. */
  [Symbol.dispose](): void
}

/** A value that `await using` takes. */
interface AsyncDisposable {
  /** Called, and awaited, at the end of the block. */
  [Symbol.asyncDispose](): PromiseLike<void>
}
