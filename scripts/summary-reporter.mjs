/** Closes a vitest run with one plain line, for people and for logs: `tests: 123 passed, 0 failed`. */
export default class SummaryReporter {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} errors what was thrown outside of any test
   */
  onTestRunEnd(modules, errors) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      const failedBefore = count.failed;
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      // A file that could not be loaded, or whose set-up failed, has no failed test to show for it.
      if (module.state() === "failed" && count.failed === failedBefore) count.failed += 1;
    }
    const skipped = count.skipped + count.pending;
    const line = `tests: ${count.passed} passed, ${count.failed + errors.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    process.on("exit", () => console.log(line));
  }
}
