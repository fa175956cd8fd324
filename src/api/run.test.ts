import { describe, expect, it } from "vitest";
import { Run, type RunProgress, type RunResult } from "./run";

const RESULT = { digest: "0123456789abcdef" } as RunResult;
const progress = (now: number): RunProgress => ({ now, packets: now, packetsPerSecond: 1, dropped: 0 });
const turn = () => new Promise((resolve) => setTimeout(resolve));

/** A run whose reports and end the test decides. */
function controlled() {
  let report: (progress: RunProgress) => void = () => undefined;
  let resolve: (result: RunResult) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const run = new Run((feed) => {
    report = feed;
    return new Promise<RunResult>((done, fail) => {
      resolve = done;
      reject = fail;
    });
  });
  return { run, report: (now: number) => report(progress(now)), resolve: () => resolve(RESULT), reject: (error: Error) => reject(error) };
}

async function collect(run: Run): Promise<number[]> {
  const seen: number[] = [];
  for await (const { now } of run) seen.push(now);
  return seen;
}

describe("Run", () => {
  it("is awaited for its result", async () => {
    const { run, resolve } = controlled();
    resolve();
    expect(await run).toBe(RESULT);
    expect(await run.then(({ digest }) => digest)).toBe(RESULT.digest);
  });

  it("is iterated for its progress, and awaited afterwards", async () => {
    const { run, report, resolve } = controlled();
    const seen = collect(run);
    for (const now of [1, 2, 3]) {
      report(now);
      await turn();
    }
    resolve();
    expect(await seen).toEqual([1, 2, 3]);
    expect(await run).toBe(RESULT);
  });

  it("shows a slow loop the latest report", async () => {
    const { run, report, resolve } = controlled();
    const seen: number[] = [];
    const loop = (async () => {
      for await (const { now } of run) {
        seen.push(now);
        if (now === 1) for (const later of [2, 3, 4]) report(later);
      }
    })();
    await turn();
    report(1);
    await turn();
    resolve();
    await loop;
    expect(seen).toEqual([1, 4]);
  });

  it("shows the last report to a loop that begins late, once", async () => {
    const { run, report, resolve } = controlled();
    report(7);
    resolve();
    await turn();
    expect(await collect(run)).toEqual([7]);
  });

  it("goes on when a loop is left", async () => {
    const { run, report, resolve } = controlled();
    report(1);
    for await (const _ of run) break;
    resolve();
    expect(await run).toBe(RESULT);
  });

  it("throws its failure inside the loop, which is the only place where it must be caught", async () => {
    const { run, report, reject } = controlled();
    report(1);
    const loop = collect(run);
    await turn();
    reject(new Error("gone"));
    await expect(loop).rejects.toThrow("gone");
    await turn();
  });

  it("can be handed on by an async function in an object", async () => {
    const { run, resolve } = controlled();
    const handOn = async () => ({ run });
    const { run: same } = await handOn();
    expect(same).toBe(run);
    resolve();
    await same;
  });
});
