import { describe, expect, it } from "vitest";
import { bareTopology } from "../../test/support/bare-topology";
import { FakeEngine, Fault } from "../../test/support/fake-engine";
import type { EngineHost } from "../engine/host";
import { SimulationError, type ErrorCode } from "../errors";
import { EngineSession } from "../worker/session";
import type { Lab } from "./lab";
import { startLab } from "./start";

/** What no run of a test comes to the end of. */
const LONG = "20h";

async function start(host: EngineHost = new EngineSession(new FakeEngine())): Promise<Lab> {
  return startLab(bareTopology, {}, { openHost: async () => host, createEngine: async () => new FakeEngine() });
}

async function codeOf(call: PromiseLike<unknown>): Promise<ErrorCode | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof SimulationError) return error.code;
    throw error;
  }
}

describe("a lab", () => {
  it("adds up simulated time, in the order of the calls", async () => {
    await using lab = await start();
    const runs = [lab.run({ for: "5us" }), lab.run({ for: "1us" }), lab.run({ for: "2us" })];
    expect((await Promise.all(runs)).map(({ now }) => now)).toEqual([5_000, 6_000, 8_000]);
    expect(lab.now).toBe(8_000);
  });

  it("tells what a run did and at what seed", async () => {
    await using lab = await start();
    await lab.run({ for: "3us" });
    const result = await lab.run({ for: "5us" });
    expect(result).toMatchObject({ now: 8_000, durationNs: 5_000, packets: 5_000, seed: 5, engine: "ts", place: "thread", digest: "0000000000001f40" });
    expect(result.packetsPerRealSecond).toBeCloseTo((5_000 * 1000) / result.elapsedMs);
  });

  it("refuses a seed that is none", async () => {
    const platform = { openHost: async () => new EngineSession(new FakeEngine()), createEngine: async () => new FakeEngine() };
    await expect(startLab(bareTopology, { seed: -1 }, platform)).rejects.toThrow("seed: expected a whole number from 0 to 4294967295, found -1");
  });

  it("closes the engine if the network does not fit", async () => {
    const session = new EngineSession(new FakeEngine());
    session.load = () => Promise.reject(new SimulationError("LIMIT_EXCEEDED", "devices: too many"));
    expect(await codeOf(start(session))).toBe("LIMIT_EXCEEDED");
    expect(await codeOf(session.counters())).toBe("CLOSED");
  });

  it("goes on after a call that failed", async () => {
    await using lab = await start();
    expect(await codeOf(lab.ping("nobody", "db"))).toBe("NOT_FOUND");
    expect(await codeOf(lab.run({ for: "5 apples" as "5s" }))).toBe("INVALID_INPUT");
    for (const [options, found] of [[undefined, "nothing"], [null, "null"], [{}, "{}"], ["5s", '"5s"']] as const) {
      expect(await codeOf(lab.run(options as never))).toBe("INVALID_INPUT");
      await expect(lab.run(options as never)).rejects.toThrow(`run: expected how much time to add, such as { for: "10s" }, found ${found}`);
    }
    expect((await lab.run({ for: "1us" })).now).toBe(1_000);
  });

  it("does not run past the end of time", async () => {
    await using lab = await start();
    await lab.run({ for: "1us" });
    expect(await codeOf(lab.run({ for: "9007199254740991ns" }))).toBe("INVALID_INPUT");
  });
});

describe("progress", () => {
  it("is told to the callback and to the loop", async () => {
    await using lab = await start();
    const told: number[] = [];
    const run = lab.run({ for: "300ms", onProgress: ({ packets }) => told.push(packets) });
    let last = 0;
    for await (const { now } of run) last = now;
    expect(last).toBe(300_000_000);
    expect(told.at(-1)).toBe(300_000_000);
  });

  it("whose callback throws ends the run with what it threw", async () => {
    await using lab = await start();
    const failure = new RangeError("enough");
    const onProgress = () => {
      throw failure;
    };
    await expect(lab.run({ for: LONG, onProgress })).rejects.toBe(failure);
    expect(await codeOf(lab.run({ for: "1us" }))).toBeUndefined();
  });
});

describe("an abort", () => {
  it("ends the run, and the lab goes on from there", async () => {
    await using lab = await start();
    const run = lab.run({ for: LONG, signal: AbortSignal.timeout(50) });
    expect(await codeOf(run)).toBe("ABORTED");
    const { now } = lab;
    expect(now).toBeGreaterThan(0);
    expect((await lab.run({ for: "1us" })).now).toBe(now + 1_000);
  });

  it("before the run begins stops it at once, also while it waits for its turn", async () => {
    await using lab = await start();
    const first = new AbortController();
    const second = new AbortController();
    const running = codeOf(lab.run({ for: LONG, signal: first.signal }));
    const waiting = codeOf(lab.run({ for: LONG, signal: second.signal }));
    expect(await codeOf(lab.run({ for: "1s", signal: AbortSignal.abort() }))).toBe("ABORTED");
    second.abort();
    expect(await waiting).toBe("ABORTED");
    first.abort();
    expect(await running).toBe("ABORTED");
  });

  it("after the run does nothing", async () => {
    await using lab = await start();
    const controller = new AbortController();
    await lab.run({ for: "1us", signal: controller.signal });
    controller.abort();
    expect((await lab.run({ for: "1us" })).now).toBe(2_000);
  });
});

describe("dispose", () => {
  it("ends the run in progress, the calls that wait and the calls to come", async () => {
    const lab = await start();
    const running = codeOf(lab.run({ for: LONG }));
    const waiting = codeOf(lab.counters());
    await new Promise((resolve) => setTimeout(resolve, 30));
    await lab.dispose();
    expect(await running).toBe("CLOSED");
    expect(await waiting).toBe("CLOSED");
    expect(await codeOf(lab.run({ for: "1us" }))).toBe("CLOSED");
    expect(await codeOf(lab.inject("host1:docker0", new Uint8Array(60)))).toBe("CLOSED");
    expect(() => lab.capture({ at: "all" })).toThrow("closed");
    await lab.dispose();
  });

  it("leaves captures readable", async () => {
    const lab = await start();
    const capture = lab.capture({ at: "all" });
    await lab.run({ for: "1ms" });
    await lab.dispose();
    expect(await capture.frames()).toHaveLength(1_000);
    expect((await capture.bytes()).length).toBeGreaterThan(60_000);
  });
});

describe("an engine failure", () => {
  it("carries the seed and is final", async () => {
    const session = new EngineSession(new FakeEngine());
    await using lab = await start(session);
    await expect(session.inject([{ timeNs: 0, device: Fault.Trap, bytes: new Uint8Array(0) }])).rejects.toThrow("seed 5");
    expect(await codeOf(lab.run({ for: "1us" }))).toBe("ENGINE_FAILED");
  });
});

describe("a capture", () => {
  it("begins with the next call and ends where it is stopped", async () => {
    await using lab = await start();
    await lab.run({ for: "1ms" });
    const capture = lab.capture({ at: ["host1"], snaplen: 20 });
    await lab.run({ for: "10us" });
    capture.stop();
    await lab.run({ for: "1ms" });
    const frames = await capture.frames();
    expect(frames.map(({ timeNs }) => timeNs)).toEqual(Array.from({ length: 10 }, (_, index) => 1_000_000 + (index + 1) * 1_000));
    expect(frames[0]).toMatchObject({ device: "host1:docker0", direction: "inbound", length: 60 });
    expect(frames[0]?.bytes).toHaveLength(20);
  });

  it("of a device that does not exist is refused", async () => {
    await using lab = await start();
    expect(() => lab.capture({ at: ["web:eth0"] })).toThrow('device: expected a device such as "host1:docker0" or what it belongs to, found "web:eth0"');
    expect(() => lab.capture({ at: "all", snaplen: 0 })).toThrow("snaplen");
  });
});

describe("a description that Docker refuses", () => {
  it("leaves no engine behind", async () => {
    const session = new EngineSession(new FakeEngine());
    const refuse = () => {
      throw new SimulationError("CONFLICT", "container web: name is taken");
    };
    const platform = { openHost: async () => session, createEngine: async () => new FakeEngine() };
    expect(await codeOf(startLab(refuse, {}, platform))).toBe("CONFLICT");
    expect(await codeOf(session.counters())).toBe("CLOSED");
  });
});
