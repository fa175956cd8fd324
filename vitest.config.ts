import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { wasmBytesVite } from "./scripts/embed-wasm.mjs";
import { inlineWorkerVite } from "./scripts/inline-worker.mjs";

/** Tests that run in a browser. */
const BROWSER = ["test/browser/**/*.test.ts"];
/** Tests of what ships: they need `dist/`, which is built before them. */
const DIST = ["test/packages/**/*.test.ts", "test/cli/**/*.test.ts", "test/examples.test.ts", "test/readme.test.ts"];
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const common = {
  plugins: [wasmBytesVite(), inlineWorkerVite()],
  resolve: {
    alias: [
      { find: /^dockwire$/, replacement: path("./src/targets/node.ts") },
      { find: /^dockwire\/compose$/, replacement: path("./src/compose/index.ts") },
      { find: /^dockwire\/report$/, replacement: path("./src/report/index.ts") },
    ],
  },
} satisfies TestProjectConfiguration;

/** The browser project, or none: a machine without Chromium can still run the others, except where a browser is demanded. */
function browserProjects(): TestProjectConfiguration[] {
  const candidates = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
  const executablePath = candidates.find((file) => file !== undefined && existsSync(file));
  if (executablePath === undefined) {
    const reason = "expected Chromium at /usr/bin/chromium or where CHROMIUM points, found none";
    if (process.env.CI === "true" || process.env.DOCKWIRE_REQUIRE_BROWSER === "1") throw new Error(`browser tests: ${reason}`);
    console.warn(`browser tests are left out: ${reason}`);
    return [];
  }
  return [
    {
      ...common,
      // Named here, they are bundled before the tests start: found later, they would reload the page under a running test.
      optimizeDeps: { include: ["comlink", "fast-check", "yaml"] },
      test: {
        name: "browser",
        include: BROWSER,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          provider: playwright({ launchOptions: { executablePath, args: CHROMIUM_FLAGS } }),
          instances: [{ browser: "chromium" }],
        },
      },
    },
  ];
}

export default defineConfig({
  test: {
    reporters: ["default", "./scripts/summary-reporter.mjs"],
    projects: [
      // Most tests take milliseconds; a machine that is busy with ten others must not fail them.
      { ...common, test: { name: "unit", setupFiles: ["test/support/at-hand.ts"], include: ["src/**/*.test.ts", "test/**/*.test.ts"], exclude: [...BROWSER, ...DIST], testTimeout: 60_000, hookTimeout: 60_000 } },
      { test: { name: "dist", include: DIST, globalSetup: "scripts/build.mjs", testTimeout: 120_000, hookTimeout: 120_000 } },
      ...browserProjects(),
    ],
  },
});
