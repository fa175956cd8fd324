import { describe, expect, it } from "vitest";
import { swarm } from "../../../test/support/docker";
import { startHere } from "../../../test/support/lab";
import { createTsEngine } from "../../engine/ts/index";
import { PACKED } from "../../engine/wasm/bytes.gen";
import { compileWasm } from "../../engine/wasm/compile";
import { createWasmEngine } from "../../engine/wasm/index";
import { EngineSession } from "../../worker/session";
import type { Lab } from "../lab";
import { startLab } from "../start";

const prod = swarm("prod")
  .node("m1")
  .node("w1")
  .node("w2")
  .overlay("back", { attachable: true })
  .container("aa", { networks: ["back"] })
  .container("bb", { node: "w1", networks: ["back"] })
  .container("cc", { node: "w2", networks: ["back"] });

const start = () => startHere(() => prod.compile());
const nodeOf = async (lab: Lab, host: string) => (await lab.management())?.nodes.find((node) => node.host === host);
const received = async (lab: Lab, from: string, to: string) => (await lab.ping(from, to, { count: 1, timeout: "3s" })).received;

describe("the control plane of a swarm", () => {
  it("starts converged, and goes on in packets that nobody has to look at", async () => {
    const lab = await start();
    expect(await received(lab, "aa", "bb")).toBe(1);
    await lab.run({ for: "60s" });
    const report = await lab.management();
    expect(report?.isConverged).toBe(true);
    // Three nodes probe once a second; two agents tell a manager every five.
    expect(report?.traffic.probes.messages).toBeGreaterThan(2 * 3 * 55);
    expect(report?.traffic.probes.messages).toBeLessThan(2 * 3 * 70);
    expect(report?.traffic.heartbeats.messages).toBeGreaterThanOrEqual(2 * 2 * 11);
    expect(report?.traffic.heartbeats.messages).toBeLessThanOrEqual(2 * 2 * 14);
    // Each pushes and pulls twice, and syncs its tables once or twice; there and back.
    expect(report?.traffic.sync.messages).toBeGreaterThanOrEqual(2 * 3 * 3);
    expect(report?.traffic.sync.messages).toBeLessThanOrEqual(2 * 3 * 4);
    expect(report?.traffic.raft.messages).toBe(0);
    expect(report?.traffic.gossip.messages).toBe(0);
  });

  it("brings word of a new endpoint to the other hosts in some hundred milliseconds", async () => {
    const lab = await start();
    await lab.run({ for: "1s" });
    await lab.docker("run -d --name late --network back web", { host: "w1" });
    expect((await nodeOf(lab, "w2"))?.behind).toBe(1);
    await lab.run({ for: "1s" });
    expect((await nodeOf(lab, "w2"))?.behind).toBe(0);
    expect(await received(lab, "cc", "late")).toBe(1);
    await lab.docker("rm -f late", { host: "w1" });
    await lab.run({ for: "1s" });
    expect((await lab.management())?.isConverged).toBe(true);
  });

  it("tells nothing while its port is closed", async () => {
    const lab = await start();
    for (const protocol of ["udp", "tcp"]) await lab.iptables(`-I INPUT -p ${protocol} --dport 7946 -j DROP`, { host: "w2" });
    await lab.docker("run -d --name late --network back web", { host: "w1" });
    await lab.run({ for: "2s" });
    expect((await nodeOf(lab, "w2"))?.behind).toBe(1);
    expect((await nodeOf(lab, "m1"))?.behind).toBe(0);
    await expect(lab.ping("cc", "late")).rejects.toThrow("word of late on w1 has not come to w2 (gossip: 7946/tcp and udp)");
    expect(await received(lab, "aa", "late")).toBe(1);
  });

  it("lets a node resolve what it has been told of, and no more", async () => {
    const lab = await startHere(() => prod.underlay({ delay: "120ms" }).compile());
    await lab.run({ for: "1s" });
    await lab.docker("run -d --name late --network back web", { host: "w1" });
    const lookUp = async (from: string, host: string) => (await lab.docker(`exec ${from} nslookup late`, { host })).exit;
    const verdict = () => lab.reach("cc", "late:80");
    expect(await verdict()).toMatchObject({ result: "unresolvable", reason: expect.stringContaining("word of late on w1 has not come to w2") });
    expect(await lookUp("bb", "w1")).toBe(0);
    await lab.partition(["w2"], ["m1", "w1"]);
    await lab.run({ for: "2s" });
    expect(await verdict()).toMatchObject({ result: "unresolvable" });
    expect(await lookUp("cc", "w2")).not.toBe(0);
    expect(await lookUp("aa", "m1")).toBe(0);
    await lab.heal();
    await lab.run({ for: "60s" });
    expect(await verdict()).toMatchObject({ result: "ok" });
    expect(await lookUp("cc", "w2")).toBe(0);
  });

  it("takes a silent node for failed, forgets its endpoints, and learns of its return", async () => {
    const lab = await start();
    await lab.fail("w2");
    await lab.run({ for: "40s" });
    expect((await nodeOf(lab, "m1"))?.failed).toEqual(["w2"]);
    expect((await lab.docker("node ls --format {{.Hostname}}={{.Status}}")).stdout).toContain("w2=Down");
    await lab.recover("w2");
    await lab.run({ for: "60s" });
    expect((await lab.management())?.nodes).toMatchObject([{ failed: [], behind: 0 }, { failed: [], behind: 0 }, { failed: [], behind: 0 }]);
    expect((await lab.docker("node ls --format {{.Hostname}}={{.Status}}")).stdout).toContain("w2=Ready");
    expect(await received(lab, "aa", "cc")).toBe(1);
  });

  it("falls apart with the network, and comes together again", async () => {
    const lab = await start();
    await lab.run({ for: "1s" });
    lab.at("2s").partition(["m1", "w1"], ["w2"]);
    lab.at("60s").heal();
    await lab.run({ for: "45s" });
    expect((await nodeOf(lab, "m1"))?.failed).toEqual(["w2"]);
    expect([...(await nodeOf(lab, "w2"))!.failed].sort()).toEqual(["m1", "w1"]);
    expect(await received(lab, "aa", "bb")).toBe(1);
    await lab.run({ for: "75s" });
    expect((await lab.management())?.isConverged).toBe(true);
    expect(await received(lab, "aa", "cc")).toBe(1);
  });

  it("is the same in both engines, and takes no part where nobody wants it", async () => {
    const module = await compileWasm(PACKED);
    const digests = await Promise.all(
      [createTsEngine(), createWasmEngine(module)].map(async (engine) => {
        const lab = await startLab(() => prod.compile(), { seed: 9 }, { openHost: async () => new EngineSession(engine), createEngine: async () => engine });
        lab.at("1s").docker("run -d --name late --network back web", { host: "w1" });
        lab.at("3s").partition(["m1", "w1"], ["w2"]);
        lab.at("20s").heal();
        const { digest } = await lab.run({ for: "40s" });
        const report = await lab.management();
        await lab.dispose();
        return [digest, JSON.stringify(report)];
      }),
    );
    expect(digests[1]).toEqual(digests[0]);
    const quiet = await startHere(() => prod.compile(), { gossip: false });
    await quiet.run({ for: "10s" });
    expect([await quiet.management(), (await quiet.counters()).totals.transmitted]).toEqual([undefined, 0]);
  });

  it("is late where packets are lost, and comes all the same", async () => {
    const lossy = swarm("prod").node("m1").node("w1").node("w2").underlay({ loss: "30%", delay: "20ms" }).overlay("back", { attachable: true }).container("aa", { networks: ["back"] }).container("cc", { node: "w2", networks: ["back"] });
    const lab = await startHere(() => lossy.compile());
    await lab.docker("run -d --name late --network back web", { host: "m1" });
    await lab.run({ for: "15ms" });
    expect((await nodeOf(lab, "w2"))?.behind).toBe(1);
    await lab.run({ for: "60s" });
    expect((await nodeOf(lab, "w2"))?.behind).toBe(0);
  });
});
