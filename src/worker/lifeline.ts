/**
 * Browsers say nothing when a worker ends by `terminate`, `self.close` or for want of memory. A lock does: whoever waits for one gets
 * it when its holder is gone. Where there are no locks (insecure pages, some sandboxes) such an end stays unnoticed.
 */

/** In the worker: holds a lock for as long as the worker lives. Resolves to whether there is one to watch. */
export function holdLifeline(name: string): Promise<boolean> {
  const locks = lockManager();
  if (locks === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const holdForever = () => {
      resolve(true);
      return new Promise<void>(() => undefined);
    };
    locks.request(name, holdForever).catch(() => resolve(false));
  });
}

/** Outside: calls `onEnd` when the holder is gone. Returns the way to stop watching. */
export function watchLifeline(name: string, onEnd: () => void): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  lockManager()
    ?.request(name, { signal }, () => {
      if (!signal.aborted) onEnd();
    })
    .catch(() => undefined);
  return () => controller.abort();
}

function lockManager(): LockManager | undefined {
  return (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
}
