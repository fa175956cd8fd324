/** A built-in module where there is one (Node, Deno, Bun), without an import that a bundler for browsers would trip over. */
export function builtinModule<T>(name: string): T | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.(name) as T | undefined;
}

export function workerThreads(): typeof import("node:worker_threads") | undefined {
  return builtinModule("node:worker_threads");
}
