/** What a process with a lab does at its end, seen from outside. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StartOptions } from "../src/index";
import { bundle } from "./support/bundle";
import { PLACES } from "./support/places";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "process-"));
  await writeFile(join(folder, "lab.mjs"), await bundle("programs/lab.ts", "esm"));
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the program prints; it is killed, and the test fails, if it does not end by itself. */
async function run(scene: string, options: StartOptions): Promise<string> {
  const args = ["--expose-gc", join(folder, "lab.mjs"), scene, JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
  return stdout.trim();
}

describe.each(PLACES)("a process with a lab, %s", (_, options) => {
  it("ends by itself although nobody disposed of the lab", async () => {
    expect(await run("forget", options)).toBe("packets 1001");
  }, 120_000);

  it("lives until an open call has ended", async () => {
    expect(await run("hold", options)).toBe("packets 200001");
  }, 120_000);

  it("holds nothing after dispose", async () => {
    expect(await run("dispose", options)).toBe("left nothing");
  }, 120_000);

  it("does not grow from run to run", async () => {
    const [word, bytes] = (await run("memory", options)).split(" ");
    expect(word).toBe("growth");
    expect(Number(bytes)).toBeLessThan(100_000);
  }, 120_000);
});
