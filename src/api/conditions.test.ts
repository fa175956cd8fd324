import { describe, expect, it } from "vitest";
import { docker, refusalOf } from "../../test/support/docker";
import { startHere } from "../../test/support/lab";
import type { Lab } from "./lab";

const hosts = docker("rack").host("h1").host("h2").host("h3");
const start = () => startHere(() => hosts.compile());
const received = async (lab: Lab, from: string, to: string) => (await lab.ping(from, to, { count: 1, timeout: "4s" })).received;

async function rejection(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(() => undefined, (reason: unknown) => reason);
  return refusalOf(() => {
    throw error;
  });
}

describe("a network in parts", () => {
  it("lets nothing pass between its sides, and everything else, until it is healed", async () => {
    const lab = await start();
    await lab.partition(["h1"], ["h2", "h3"]);
    const tried = async () => [await received(lab, "h1", "h2"), await received(lab, "h3", "h1"), await received(lab, "h2", "h3"), await received(lab, "lan", "h1"), await received(lab, "h3", "lan")];
    expect(await tried()).toEqual([0, 0, 1, 1, 1]);
    await lab.heal();
    expect(await tried()).toEqual([1, 1, 1, 1, 1]);
  });

  it("names itself as the cause of what it drops", async () => {
    const lab = await start();
    await lab.partition(["h1"], ["h2", "h3"]);
    lab.traffic("probe", "h1").to("h2:80/udp").rate("10/s").during("0s", "1s");
    const trace = lab.trace("probe", { packets: 1 });
    await lab.run({ for: "1s" });
    expect(await trace.text()).toMatch(/filter SIDE-1: .*partition h1 \| h2, h3.* -j DROP/);
  });

  it("needs two sides of hosts that are there", async () => {
    const lab = await start();
    expect(await rejection(lab.partition(["h1"]))).toBe("INVALID_INPUT: partition: expected at least two sides, found 1");
    expect(await rejection(lab.partition(["h1"], ["h1", "h2"]))).toBe('INVALID_INPUT: partition: expected each host on one side, found "h1" on two');
    expect(await rejection(lab.partition(["h1"], ["h9"]))).toBe('NOT_FOUND: host: expected one of h1, h2, h3, found "h9"');
    expect(await received(lab, "h1", "h2")).toBe(1);
  });
});

describe("a machine that fails", () => {
  it("is silent until it recovers", async () => {
    const lab = await start();
    await lab.fail("h2");
    expect([await received(lab, "h1", "h2"), await received(lab, "h2", "h1"), await received(lab, "h1", "h3")]).toEqual([0, 0, 1]);
    await lab.recover("h2");
    expect([await received(lab, "h1", "h2"), await received(lab, "h2", "h1")]).toEqual([1, 1]);
  });
});

describe("what is to happen at a time", () => {
  it("happens between the packets before and after it", async () => {
    const lab = await start();
    lab.traffic("beat", "h1").to("h2:9/udp").rate("10/s");
    const parted = lab.at("2s").partition(["h1"], ["h2"]);
    lab.at("4s").heal();
    lab.at("5s").fail("h2");
    lab.at("6s").recover("h2");
    const said = lab.at("6500ms").docker("network ls --format {{.Name}}", { host: "h2" });
    const { flows } = await lab.run({ for: "8s" });
    expect(flows[0]).toMatchObject({ sent: 81, delivered: 50 });
    await parted;
    expect((await said).stdout).toContain("bridge");
  });

  it("fails the run in which it cannot happen, and whoever waits for it", async () => {
    const lab = await start();
    const wrong = lab.at("1s").fail("h9");
    expect(await rejection(Promise.resolve(lab.run({ for: "2s" })))).toContain("NOT_FOUND: host: expected one of h1, h2, h3");
    await expect(wrong).rejects.toThrow("h9");
    expect((await lab.run({ for: "1s" })).now).toBe(2e9);
  });
});
