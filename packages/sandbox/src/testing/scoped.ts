import { onTestFinished } from 'vitest'

/** Disposes of a resource when the test is over, the latest one first: `using`, for tools that cannot parse it yet. */
export function scoped<T extends Disposable | AsyncDisposable>(resource: T): T {
  onTestFinished(async () => {
    if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]()
    else resource[Symbol.dispose]()
  })
  return resource
}
