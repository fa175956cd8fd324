/** Every example runs, against the built package, and says what its reader is promised. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium, type Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleExample, listExamples, serveBrowserExample } from "../scripts/example.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What each program prints, among other things. */
const PROMISES: Readonly<Record<string, readonly RegExp[]>> = {
  "01-two-containers.ts": [/web {2}eth0 {2}172\.18\.0\.\d/, /3 packets transmitted, 3 received, 0% packet loss/],
  "02-several-networks.ts": [/172\.21\.0\.10/, /3 received/, /cache cannot even find db \(NOT_FOUND\)/],
  "03-traffic-and-loss.ts": [/datagrams/, /LinkLoss/, /5 flows|6 flows/],
  "04-capture.ts": [/dropped: DevReady/, /news #0/, /written: .*\.pcapng/],
  "05-worker-and-progress.ts": [/in a worker: digest [0-9a-f]{16}/, /in this thread: the same digest/, /aborted at/],
  "06-compose-file.ts": [/^shop {2}6 containers, 2 networks, 1 host/m, /digest [0-9a-f]{16}/],
  "09-reach.ts": [
    /^api → db:5432 \(172\.19\.0\.\d\): ok; db saw 172\.19\.0\.\d/m,
    /^web → db:5432: unresolvable; web cannot resolve "db"/m,
    /^lan → host1:8080 \(192\.0\.2\.11\): ok; web saw 192\.0\.2\.50 ask 172\.18\.0\.2$/m,
    /^internet → host1:8080 .*timeout; NetfilterDrop at \S+; filter DOCKER-USER: -A DOCKER-USER -s 198\.51\.100\.0\/24 -j DROP$/m,
    /^lan → host1:9000 .*refused/m,
    /^host1 → 127\.0\.0\.1:9000: ok/m,
    /lan:eth0 +device-transmit/,
  ],
  "10-change-while-running.ts": [
    /^1 s {2}undisturbed +[1-9]\d+ answers$/m,
    /^2 s {2}web is stopped +0 answers$/m,
    /^8 s {2}web runs again +[1-9]\d+ answers$/m,
    /^9 s {2}a rule keeps the LAN out +0 answers$/m,
    /web reaches db: false\n\{ exit: 0, stdout: '', stderr: '' \}\nweb → db:5432 \(172\.19\.0\.2\): ok; db saw 172\.19\.0\.9/,
    /exit 1: Error response from daemon: .*has active endpoints/,
    /web {2}.*0\.0\.0\.0:8080->80\/tcp/,
  ],
  "11-swarm.ts": [
    /^client → web:80 \(10\.0\.1\.2\): ok; web\.\d saw 10\.0\.1\.\d+ ask 10\.0\.1\.\d+; w1\/lb-back chose web\.\d/m,
    /^lan → w2:8080 \(198\.18\.0\.11\): ok; web\.\d saw 10\.0\.0\.4 .*w2\/ingress-sbox chose/m,
    /^pages: [1-9]\d* answers/m,
    /^web\.3 on m1$/m,
    /^lan → w2:8080 .*: ok; web\.1 saw/m,
    /^exit 1: .*from a worker node\. Please create the network from a manager node\.$/m,
  ],
  "08-compare-engines.ts": [/the same deliveries and drops in both engines/, /wasm/],
};

let folder: string;
beforeAll(() => {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  folder = mkdtempSync(join(ROOT, "build/examples-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the examples", () => {
  it("are all tested", async () => {
    expect(await listExamples()).toEqual([...Object.keys(PROMISES), "07-browser"].sort());
  });

  it.each(Object.entries(PROMISES))("%s", async (name, promises) => {
    const file = await bundleExample(name, folder);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd: ROOT });
    for (const promise of promises) expect(stdout).toMatch(promise);
    expect(stderr).toBe("");
  });
});

const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => file !== undefined && existsSync(file));
if (CHROMIUM === undefined) console.warn("the browser example is left out: no Chromium at /usr/bin/chromium or where CHROMIUM points");

describe.runIf(CHROMIUM !== undefined)("07-browser", () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    server = await serveBrowserExample(0);
    browser = await chromium.launch({ ...(CHROMIUM !== undefined && { executablePath: CHROMIUM }), args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it("draws counters that move, pauses, shows drops when db is unplugged, and logs no error", async () => {
    const page = await browser.newPage({ viewport: { width: 1100, height: 860 } });
    const errors: string[] = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    const number = async (id: string) => Number((await page.textContent(`#${id}`))?.replaceAll(",", ""));
    const moves = async (id: string) => {
      const before = await number(id);
      await expect.poll(() => number(id), { timeout: 60_000 }).toBeGreaterThan(before);
    };
    await moves("packets");
    await moves("packets");
    expect(await page.textContent("#flows")).toContain("queries");
    expect(await page.locator("#picture circle").count()).toBeGreaterThan(0);
    await page.click("#unplug");
    await expect.poll(() => page.textContent("#drops"), { timeout: 60_000 }).toContain("DevReady");
    await page.click("#pause");
    await page.waitForTimeout(200);
    const paused = await number("packets");
    await page.waitForTimeout(200);
    expect(await number("packets")).toBe(paused);
    const screenshot = process.env.DOCKWIRE_SCREENSHOT;
    if (screenshot !== undefined) await page.screenshot({ path: screenshot });
    expect(errors).toEqual([]);
  });
});
