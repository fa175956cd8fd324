/** Closes a vitest run with one plain line, for people and for logs: `tests: 123 passed, 0 failed`. */
export default class SummaryReporter {
  /** @param {readonly import("vitest/node").TestModule[]} modules @param {readonly unknown[]} errors */
  onTestRunEnd(modules, errors) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let failedModules = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      if (module.errors().length > 0) failedModules += 1;
    }
    const parts = [`${count.passed} passed`, `${count.failed} failed`];
    if (count.skipped + count.pending > 0) parts.push(`${count.skipped + count.pending} skipped`);
    if (failedModules > 0) parts.push(`${failedModules} files could not run`);
    if (errors.length > 0) parts.push(`${errors.length} errors outside of tests`);
    this.line = `tests: ${parts.join(", ")}`;
    process.on("exit", () => console.log(this.line));
  }
}
