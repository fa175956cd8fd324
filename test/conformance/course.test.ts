import { describe, expect, it } from "vitest";
import { Daemon } from "../../src/model/daemon";
import { generation20 } from "../../src/model/generation-20.10";
import { Cluster } from "../../src/model/swarm/cluster";
import { shuffled } from "../../src/model/chance";
import { Checks } from "./checks";
import { fittest, type Course } from "./course";
import { resultOf } from "./report";

/** An engine that gives three tasks addresses in any order, and shows them. */
function addressesOf(course: Course): string[] {
  const order = shuffled(["web.1", "web.2", "web.3"], course);
  return order.map((name, index) => `${name}=10.0.1.${index + 2}`).sort();
}

/** The nodes of a swarm as `docker service ps` lists the tasks of a global service: by the IDs of the nodes. */
function nodesOf(course: Course): string[] {
  const { roster } = new Cluster({ seed: 1, chance: course });
  const nothing = () => undefined;
  const agent = { joinNetwork: nothing, leaveNetwork: nothing, secureNetwork: nothing, runTask: nothing, disableTask: () => 0, stopTask: nothing, removeTask: nothing };
  for (const hostname of ["h1", "h2", "h3"]) roster.add({ hostname, role: "worker", address: "192.0.2.11", port: 2377, dataPathAddress: "192.0.2.11", agent });
  return [...roster.nodes].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ hostname }) => hostname);
}

/** The addresses that three containers have when their daemon is back. */
function addressesAfterRestart(course: Course): string[] {
  const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: generation20, seed: 1, chance: course });
  for (const name of ["a1", "a2", "a3"]) {
    const { id } = daemon.createContainer({ name, host: "h1", networks: [], publish: [], expose: [], links: [], extraHosts: [], restart: "always" });
    daemon.startContainer(id);
  }
  daemon.restart();
  return daemon.state().containers.map(({ name, endpoints }) => `${name}=172.17.0.${(endpoints[0]?.ip ?? 0) & 255}`);
}

async function replay(recorded: readonly string[], play = addressesOf) {
  let plays = 0;
  const result = await fittest(async (course) => {
    plays++;
    const checks = new Checks([]);
    checks.compare("addresses", [...recorded], play(course));
    return resultOf("fake", "swarm", checks);
  });
  return { ...result, plays };
}

describe("choices of an engine that are chance", () => {
  it("are not tried where nothing differs", async () => {
    const { passed, total, plays, chance } = await replay(["web.1=10.0.1.2", "web.2=10.0.1.3", "web.3=10.0.1.4"]);
    expect({ passed, total, plays, chance }).toEqual({ passed: 3, total: 3, plays: 1, chance: undefined });
  });

  it("come out as in the recording, whatever came out there", async () => {
    for (const recorded of [
      ["web.1=10.0.1.3", "web.2=10.0.1.2", "web.3=10.0.1.4"],
      ["web.1=10.0.1.4", "web.2=10.0.1.2", "web.3=10.0.1.3"],
      ["web.1=10.0.1.3", "web.2=10.0.1.4", "web.3=10.0.1.2"],
      ["web.1=10.0.1.4", "web.2=10.0.1.3", "web.3=10.0.1.2"],
    ]) {
      const { passed, total, chance } = await replay(recorded);
      expect({ recorded, passed, total }).toEqual({ recorded, passed: 3, total: 3 });
      expect(chance).toBeGreaterThan(0);
    }
  });

  it("give the nodes of a swarm IDs in any order, but each node one", async () => {
    for (const recorded of ["h1 h2 h3", "h1 h3 h2", "h2 h1 h3", "h2 h3 h1", "h3 h1 h2", "h3 h2 h1"]) {
      const { passed, total } = await replay(recorded.split(" "), nodesOf);
      expect({ recorded, passed, total }).toEqual({ recorded, passed: 3, total: 3 });
    }
    expect((await replay(["h1", "h1", "h2"], nodesOf)).passed).toBe(2);
  });

  it("start containers in any order when the daemon is back, but each once", async () => {
    for (const recorded of ["a1=172.17.0.2 a2=172.17.0.3 a3=172.17.0.4", "a1=172.17.0.4 a2=172.17.0.3 a3=172.17.0.2", "a1=172.17.0.3 a2=172.17.0.4 a3=172.17.0.2"]) {
      const { passed, total } = await replay(recorded.split(" "), addressesAfterRestart);
      expect({ recorded, passed, total }).toEqual({ recorded, passed: 3, total: 3 });
    }
    expect((await replay("a1=172.17.0.2 a2=172.17.0.2 a3=172.17.0.3".split(" "), addressesAfterRestart)).passed).toBeLessThan(3);
  });

  it("do not excuse what no outcome leads to", async () => {
    const twice = await replay(["web.1=10.0.1.2", "web.2=10.0.1.2", "web.3=10.0.1.4"]);
    expect(twice.passed).toBe(2);
    const elsewhere = await replay(["web.1=10.0.1.9", "web.2=10.0.1.3", "web.3=10.0.1.2"]);
    expect(elsewhere.passed).toBe(2);
    expect(elsewhere.differences).toEqual([{ path: "addresses[0]", expected: "web.1=10.0.1.9", got: "web.1=10.0.1.4" }]);
  });
});
