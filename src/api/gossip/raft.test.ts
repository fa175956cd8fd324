import { describe, expect, it } from "vitest";
import { swarm } from "../../../test/support/docker";
import { startHere } from "../../../test/support/lab";
import type { Lab } from "../lab";

const prod = swarm("prod").node("m1", { role: "manager" }).node("m2", { role: "manager" }).node("m3", { role: "manager" }).node("w1").overlay("back", { attachable: true }).container("aa", { networks: ["back"] });
const start = () => startHere(() => prod.compile());
const NO_LEADER = "The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online.";

const ask = async (lab: Lab, command: string, host: string) => {
  const { stdout, stderr } = await lab.docker(command, { host });
  return (stdout + stderr).trim();
};
/** What a manager says of all of them: `m1=Leader`. */
const statuses = async (lab: Lab, host: string) => (await ask(lab, "node ls --format {{.Hostname}}={{.ManagerStatus}}", host)).split("\n").filter((line) => !line.startsWith("w1"));
const raftOf = async (lab: Lab, host: string) => (await lab.management())?.nodes.find((node) => node.host === host)?.raft;
const leadersOf = async (lab: Lab) => (await lab.management())!.nodes.filter(({ raft }) => raft?.role === "leader").map(({ host }) => host);

describe("the managers of a swarm", () => {
  it("follow a leader that tells them every second that it is there", async () => {
    const lab = await start();
    await lab.run({ for: "30s" });
    expect(await statuses(lab, "m2")).toEqual(["m1=Leader", "m2=Reachable", "m3=Reachable"]);
    const { raft } = (await lab.management())!.traffic;
    // To two followers, with their answers.
    expect(raft.messages).toBeGreaterThan(2 * 2 * 28);
    expect(raft.messages).toBeLessThan(2 * 2 * 33);
    expect(await raftOf(lab, "m1")).toEqual({ role: "leader", term: 1, leader: "m1" });
  });

  it("elect another one when theirs has failed, after ten to twenty seconds", async () => {
    const lab = await start();
    await lab.run({ for: "5s" });
    await lab.fail("m1");
    await lab.run({ for: "8s" });
    expect(await leadersOf(lab)).toEqual(["m1"]);
    expect(await ask(lab, "network create -d overlay other", "m2")).toContain("rpc error: code = Unknown desc = ");
    await lab.run({ for: "20s" });
    const [leader] = (await leadersOf(lab)).filter((host) => host !== "m1");
    expect(["m2", "m3"]).toContain(leader);
    const { term } = (await raftOf(lab, leader!))!;
    expect(term).toBeGreaterThan(1);
    expect((await statuses(lab, leader!)).sort()).toEqual([`m1=Unreachable`, ...["m2", "m3"].map((host) => `${host}=${host === leader ? "Leader" : "Reachable"}`)]);
    expect(await ask(lab, "network create -d overlay other", leader!)).toMatch(/^[0-9a-z]{25}$/);
    // It is back, and follows.
    await lab.recover("m1");
    await lab.run({ for: "30s" });
    expect(await raftOf(lab, "m1")).toMatchObject({ role: "follower", leader });
    expect((await statuses(lab, "m1")).sort()).toEqual(["m1", "m2", "m3"].map((host) => `${host}=${host === leader ? "Leader" : "Reachable"}`));
    expect(await ask(lab, "network ls --filter name=other --format {{.Name}}", "m1")).toBe("other");
  });

  it("decide on the larger side of a partition alone, and find together again", async () => {
    const lab = await start();
    await lab.run({ for: "2s" });
    await lab.partition(["m1"], ["m2", "m3", "w1"]);
    await lab.run({ for: "4s" });
    // It still thinks that it leads, and can get nothing done.
    expect(await statuses(lab, "m1")).toEqual(["m1=Leader", "m2=Unreachable", "m3=Unreachable"]);
    expect(await ask(lab, "network create -d overlay lost", "m1")).toContain("raft: failed to process the request: node lost leader status");
    await lab.run({ for: "30s" });
    expect(await ask(lab, "node ls", "m1")).toContain(`rpc error: code = Unknown desc = ${NO_LEADER}`);
    expect(await ask(lab, "network create -d overlay lost", "m1")).toContain(NO_LEADER);
    const [leader] = await leadersOf(lab);
    expect(["m2", "m3"]).toContain(leader);
    expect(await ask(lab, "network create -d overlay found", leader!)).toMatch(/^[0-9a-z]{25}$/);
    expect(await ask(lab, "node ls --filter name=w1 --format {{.Status}}", leader!)).toBe("Ready");
    await lab.heal();
    // The one that was alone has asked for votes again and again: its term ends the others' leadership, and they elect once more.
    await lab.run({ for: "60s" });
    const after = await leadersOf(lab);
    expect(after).toHaveLength(1);
    for (const host of ["m1", "m2", "m3"]) expect((await statuses(lab, host)).filter((line) => line.endsWith("=Leader"))).toEqual([`${after[0]}=Leader`]);
    expect(await ask(lab, "network ls --filter name=found --format {{.Name}}", "m1")).toBe("found");
    expect((await statuses(lab, after[0]!)).filter((line) => line.endsWith("Unreachable"))).toEqual([]);
  });

  it("decide nothing while most of them are gone", async () => {
    const lab = await start();
    await lab.run({ for: "2s" });
    await lab.fail("m2");
    await lab.fail("m3");
    await lab.run({ for: "25s" });
    expect(await leadersOf(lab)).toEqual([]);
    expect(await ask(lab, "service ls", "m1")).toContain(NO_LEADER);
    await lab.recover("m3");
    await lab.run({ for: "45s" });
    expect(await leadersOf(lab)).toHaveLength(1);
    expect(await ask(lab, "service ls --format {{.Name}}", "m1")).toBe("");
  });

  it("take a node for down three of its heartbeats after they last heard of it", async () => {
    const lab = await start();
    await lab.run({ for: "20s" });
    const { heartbeats } = (await lab.management())!.nodes.find(({ host }) => host === "w1")!.sent;
    // Every 4.5 to 5.5 seconds, from the start on.
    expect(heartbeats.messages).toBeGreaterThanOrEqual(4);
    expect(heartbeats.messages).toBeLessThanOrEqual(5);
    await lab.fail("w1");
    const status = () => ask(lab, "node ls --filter name=w1 --format {{.Status}}", "m1");
    await lab.run({ for: "7900ms" });
    expect(await status()).toBe("Ready");
    await lab.run({ for: "8700ms" });
    expect(await status()).toBe("Down");
  });
});
