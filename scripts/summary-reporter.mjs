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
    count.failed += errors.length;
    const skipped = count.skipped + count.pending;
    process.on("exit", (code) => {
      // A set-up that throws ends the run before there is any test to count.
      const failed = code !== 0 ? Math.max(count.failed, 1) : count.failed;
      console.log(`tests: ${count.passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    });
  }
}
