import { describe, expect, it } from "vitest";
import { Cluster, type ClusterOptions } from "./cluster";
import type { ClusterNode, ClusterTask, NodeAgent, TaskFailure } from "./objects";
import type { NewNode } from "./roster";
import type { ServicePort, ServiceSpec } from "./service-spec";

const SECOND = 1e9;

/** Runs what it is told to run, unless it is told to fail. */
class Agent implements NodeAgent {
  fails: ((task: ClusterTask) => TaskFailure | undefined) | undefined;
  joinNetwork(): void {}
  leaveNetwork(): void {}
  secureNetwork(): void {}
  runTask(task: ClusterTask): TaskFailure | undefined {
    return this.fails?.(task);
  }
  disableTask(): number {
    return 0;
  }
  stopTask(): void {}
  removeTask(): void {}
}

function swarm(workers: number, options: Partial<ClusterOptions> = {}, more: (index: number) => Partial<NewNode> = () => ({})) {
  const cluster = new Cluster({ seed: 1, ...options });
  const agents: Agent[] = [];
  const nodes = Array.from({ length: workers + 1 }, (_, index): ClusterNode => {
    const agent = new Agent();
    agents.push(agent);
    const address = `192.0.2.${11 + index}`;
    return cluster.roster.add({ hostname: `h${index + 1}`, role: index === 0 ? "manager" : "worker", address, port: 2377, dataPathAddress: address, agent, ...more(index) });
  });
  cluster.settle();
  return { cluster, orchestrator: cluster.orchestrator, agents, nodes, pass: (seconds: number) => cluster.clock.advance(seconds * SECOND) };
}

const service = (more: Partial<ServiceSpec> = {}): ServiceSpec => ({ name: "web", replicas: 1, endpointMode: "vip", ports: [], networks: [], labels: {}, container: {}, ...more });
const shown = ({ orchestrator }: Pick<ReturnType<typeof swarm>, "orchestrator">, name = "web") =>
  orchestrator.tasksOf(orchestrator.get(name)).map(({ slot, place, node, wanted, state }) => `${place ? place.hostname : slot} ${node?.hostname ?? "-"} ${wanted} ${state}`);
const end = (task: ClusterTask | undefined, made: ReturnType<typeof swarm>, code = 1) =>
  made.orchestrator.taskEnded(task!, code === 0 ? "complete" : "failed", code === 0 ? "" : `task: non-zero exit (${code})`);
const first = (made: ReturnType<typeof swarm>) => made.orchestrator.liveTasks(made.orchestrator.get("web"))[0];

describe("tasks that end", () => {
  it("are started anew after the delay", () => {
    const made = swarm(0);
    made.orchestrator.create(service({ restart: { delay: 2 * SECOND } }));
    end(first(made), made);
    expect(shown(made)).toEqual(["1 h1 ready ready", "1 h1 shutdown failed"]);
    made.pass(1.9);
    expect(shown(made)[0]).toBe("1 h1 ready ready");
    made.pass(0.2);
    expect(shown(made)).toEqual(["1 h1 running running", "1 h1 shutdown failed"]);
  });

  it.each([
    ["none", 1, 1], ["on-failure", 0, 1], ["on-failure", 1, 2], ["any", 0, 2],
  ] as const)("with the condition %s and exit code %d are %d in all", (condition, code, count) => {
    const made = swarm(0);
    made.orchestrator.create(service({ restart: { condition } }));
    end(first(made), made, code);
    made.pass(10);
    expect(shown(made).length).toBe(count);
    // Nor does a reconciliation bring them back.
    made.orchestrator.reconcileAll();
    expect(shown(made).length).toBe(count);
  });

  it("of a job that may not be started anew are not made again", () => {
    const made = swarm(0);
    made.agents[0]!.fails = () => ({ state: "failed", error: "no" });
    made.orchestrator.create(service({ job: { maxConcurrent: 1 }, restart: { condition: "none" } }));
    made.pass(60);
    expect(shown(made)).toEqual(["0 h1 shutdown failed"]);
  });

  it("are tried as often as the service says, within its window", () => {
    const made = swarm(0);
    made.agents[0]!.fails = () => ({ state: "failed", error: "no" });
    made.orchestrator.create(service({ restart: { maxAttempts: 2, delay: SECOND } }));
    made.pass(60);
    expect(shown(made)).toEqual(["1 h1 shutdown failed", "1 h1 shutdown failed", "1 h1 shutdown failed"]);
    made.orchestrator.remove(made.orchestrator.get("web"));
    made.orchestrator.create(service({ restart: { maxAttempts: 2, delay: 5 * SECOND, window: SECOND } }));
    made.pass(60);
    expect(shown(made)[0]).not.toBe("1 h1 shutdown failed");
  });

  it("are kept as far as the swarm's history goes", () => {
    const made = swarm(0);
    made.cluster.settings = { ...made.cluster.settings, taskHistoryLimit: 2 };
    made.agents[0]!.fails = () => ({ state: "failed", error: "no" });
    made.orchestrator.create(service({ restart: { delay: SECOND } }));
    made.pass(60);
    expect(shown(made).length).toBe(2);
  });
});

describe("tasks that go", () => {
  const going = (grace: number) => {
    const made = swarm(0);
    const heard: string[] = [];
    const say = (what: string) => (task: ClusterTask) => {
      heard.push(`${made.cluster.clock.now / SECOND} ${what} ${task.slot}`);
      return grace;
    };
    const [agent] = made.agents;
    Object.assign(agent!, { disableTask: say("disable"), stopTask: say("stop"), removeTask: say("remove") });
    return { ...made, heard };
  };

  it("leave names and load balancers first, are told to end after two seconds, and killed after their grace", () => {
    const made = going(10 * SECOND);
    const web = made.orchestrator.create(service({ replicas: 2 }));
    made.orchestrator.update(web, { ...web.spec, replicas: 1 });
    expect(shown(made)).toEqual(["1 h1 running running", "2 h1 remove running"]);
    made.pass(11.9);
    expect(made.heard).toEqual(["0 disable 2"]);
    made.pass(0.2);
    expect([made.heard, shown(made)]).toEqual([["0 disable 2", "12 remove 2"], ["1 h1 running running"]]);
  });

  it("go once, whatever is asked of them meanwhile", () => {
    const made = going(0);
    const web = made.orchestrator.create(service());
    made.orchestrator.update(web, { ...web.spec, forced: 1 });
    made.pass(1);
    made.orchestrator.remove(web);
    made.pass(20);
    expect(made.heard).toEqual(["0 disable 1", "1 disable 1", "2 remove 1", "3 remove 1"]);
    expect([...made.cluster.tasks]).toEqual([]);
  });

  it("keep their place, their ports and their addresses until they have stopped", () => {
    const made = going(0);
    const hostPort: ServicePort = { protocol: "tcp", target: 80, published: 80, mode: "host" };
    const web = made.orchestrator.create(service({ ports: [hostPort] }));
    made.orchestrator.remove(web);
    made.orchestrator.create(service({ ports: [hostPort] }));
    expect(shown(made)).toEqual(["1 - running pending"]);
    made.pass(2);
    expect(shown(made)).toEqual(["1 h1 running running"]);
  });

  it("stay where nobody can tell their node, until it returns", () => {
    const made = swarm(1);
    const web = made.orchestrator.create(service({ replicas: 2 }));
    made.cluster.roster.cutOff(made.nodes[1]!);
    made.orchestrator.remove(web);
    made.pass(10);
    expect([...made.cluster.tasks].map(({ node, wanted, state }) => `${node?.hostname} ${wanted} ${state}`)).toEqual(["h2 remove running"]);
    made.cluster.roster.restore(made.nodes[1]!);
    made.pass(2);
    expect([...made.cluster.tasks]).toEqual([]);
  });
});

describe("nodes", () => {
  it("that are drained lose their tasks at once, and do not get them back", () => {
    const made = swarm(1);
    made.orchestrator.create(service({ replicas: 2 }));
    made.cluster.roster.update(made.nodes[1]!, { availability: "drain" });
    const live = () => made.orchestrator.liveTasks(made.orchestrator.get("web")).map(({ node, state }) => `${node?.hostname} ${state}`);
    // What comes waits for what goes.
    expect(live()).toEqual(["h1 running", "h1 ready"]);
    made.pass(2);
    expect(live()).toEqual(["h1 running", "h1 running"]);
    made.cluster.roster.update(made.nodes[1]!, { availability: "active" });
    expect(live()).toEqual(["h1 running", "h1 running"]);
  });

  it("that fail are down after three heartbeats; their tasks run elsewhere while nobody can stop them, until they return", () => {
    const made = swarm(1);
    made.orchestrator.create(service({ replicas: 2 }));
    made.orchestrator.create(service({ name: "each", replicas: undefined }));
    const [, h2] = made.nodes;
    made.cluster.roster.cutOff(h2!);
    made.pass(14.9);
    expect(h2!.status).toBe("ready");
    made.pass(0.2);
    expect([h2!.status, h2!.statusText]).toEqual(["down", "heartbeat failure"]);
    made.pass(5);
    const lost = [...h2!.tasks].map(({ wanted, state }) => `${wanted} ${state}`);
    expect(lost).toEqual(["shutdown running", "shutdown running"]);
    expect(made.orchestrator.liveTasks(made.orchestrator.get("web")).map(({ node }) => node?.hostname)).toEqual(["h1", "h1"]);
    expect(shown(made, "each").filter((line) => line.endsWith("running running"))).toEqual(["h1 h1 running running"]);
    made.cluster.roster.restore(h2!);
    expect(h2!.status).toBe("ready");
    made.pass(2);
    expect([...h2!.tasks].map(({ service: owner, state }) => `${owner?.spec.name} ${state}`).sort()).toEqual(["each running", "each shutdown", "web shutdown"]);
  });

  it("that come get the tasks of global services, and those that nobody could have", () => {
    const made = swarm(0);
    made.orchestrator.create(service({ name: "each", replicas: undefined }));
    made.orchestrator.create(service({ placement: { constraints: ["node.hostname == h9"] } }));
    expect(shown(made)).toEqual(["1 - running pending"]);
    made.cluster.roster.add({ hostname: "h9", role: "worker", address: "192.0.2.99", port: 2377, dataPathAddress: "192.0.2.99", agent: new Agent() });
    expect([shown(made), shown(made, "each").length]).toEqual([["1 h9 running running"], 2]);
  });

  it("whose labels change keep no task that may not be there", () => {
    const made = swarm(1);
    made.cluster.roster.update(made.nodes[1]!, { labels: { zone: "b" } });
    made.orchestrator.create(service({ placement: { constraints: ["node.labels.zone == b"] } }));
    made.cluster.roster.update(made.nodes[1]!, { labels: {} });
    made.pass(6);
    expect(shown(made)).toEqual(["1 - running pending", "1 h2 shutdown rejected"]);
  });
});

describe("the scheduler", () => {
  const why = (made: ReturnType<typeof swarm>, more: Partial<ServiceSpec>) => {
    made.orchestrator.create(service({ name: "asked", ...more }));
    return made.orchestrator.liveTasks(made.orchestrator.get("asked")).find(({ node }) => node === undefined)?.error;
  };
  const hostPort: ServicePort = { protocol: "tcp", target: 80, published: 80, mode: "host" };

  it("says why no node will do, the most frequent reason first", () => {
    const made = swarm(2);
    made.cluster.roster.update(made.nodes[0]!, { availability: "pause" });
    expect(why(made, { placement: { constraints: ["node.role == boss"] } })).toBe("no suitable node (scheduling constraints not satisfied on 2 nodes; 1 node not available for new tasks)");
  });

  it.each([
    [{ replicas: 3, ports: [hostPort] }, "no suitable node (host-mode port already in use on 2 nodes)"],
    [{ replicas: 3, placement: { maxPerNode: 1 } }, "no suitable node (max replicas per node limit exceed)"],
    [{ reservations: { nanoCpus: 3e9 } }, "no suitable node (insufficient resources on 2 nodes)"],
    [{ replicas: 5, reservations: { memoryBytes: 1024 ** 3 } }, "no suitable node (insufficient resources on 2 nodes)"],
  ] as const)("refuses %j", (more, reason) => {
    const made = swarm(1, {}, () => ({ resources: { nanoCpus: 2e9, memoryBytes: 2 * 1024 ** 3 } }));
    expect(why(made, more)).toBe(reason);
  });

  it("spreads over what it is told to spread over, whatever the number of nodes", () => {
    const made = swarm(3);
    for (const [index, node] of made.nodes.entries()) made.cluster.roster.update(node, { labels: { zone: index === 0 ? "a" : "b" } });
    made.orchestrator.create(service({ replicas: 6, placement: { preferences: ["node.labels.zone"] } }));
    expect(made.nodes.map(({ tasks }) => tasks.size)).toEqual([3, 1, 1, 1]);
  });
});

describe("rolling updates", () => {
  const updated = (more: Partial<ServiceSpec>, replicas = 3) => {
    const made = swarm(1);
    const web = made.orchestrator.create(service({ replicas }));
    made.orchestrator.update(web, { ...web.spec, forced: 1, ...more });
    const running = () => web.tasks.size === 0 ? [] : [...web.tasks].filter(({ isRunning }) => isRunning).map(({ spec }) => spec?.forced ?? 0).sort();
    return { ...made, web, running };
  };

  it("replace one after the other, stop before they start, and wait the delay between", () => {
    const made = updated({ update: { delay: 3 * SECOND } });
    made.pass(1.9);
    expect(made.running()).toEqual([0, 0, 0]);
    made.pass(0.2);
    expect(made.running()).toEqual([0, 0]);
    made.pass(1);
    expect(made.running()).toEqual([0, 0, 1]);
    made.pass(2.8);
    expect([made.running(), made.web.updateStatus?.state]).toEqual([[0, 0, 1], "updating"]);
    made.pass(30);
    expect([made.running(), made.web.updateStatus]).toMatchObject([[1, 1, 1], { state: "completed", message: "update completed" }]);
  });

  it("start before they stop if the service says so, so many at a time", () => {
    const made = updated({ update: { order: "start-first", parallelism: 2 } });
    made.pass(0.5);
    expect(made.running()).toEqual([0, 0, 0]);
    made.pass(0.5);
    expect(made.running()).toEqual([0, 0, 0, 1, 1]);
    made.pass(2);
    expect(made.running()).toEqual([0, 1, 1, 1]);
  });

  it.each([
    [{ failureAction: "pause" }, "paused", /^update paused due to failure or early termination of task [0-9a-z]{25}$/],
    [{ failureAction: "continue" }, "completed", /^update completed$/],
    [{ failureAction: "rollback" }, "rollback_completed", /^rollback completed$/],
    [{ failureAction: "pause", maxFailureRatio: 1 }, "completed", /^update completed$/],
  ] as const)("with %j end as %s when new tasks fail", (policy, state, message) => {
    const made = swarm(0);
    const web = made.orchestrator.create(service({ replicas: 2 }));
    made.agents[0]!.fails = ({ spec }) => (spec?.forced === 1 ? { state: "failed", error: "no" } : undefined);
    made.orchestrator.update(web, { ...web.spec, forced: 1, update: policy });
    made.pass(60);
    expect([web.updateStatus?.state, web.updateStatus?.message]).toEqual([state, expect.stringMatching(message)]);
    if (state === "rollback_completed") expect(shown(made).filter((line) => line.endsWith("running running")).length).toBe(2);
  });

  it("that start first leave old tasks where new ones do not come up, and go back to those", () => {
    const made = swarm(0);
    const web = made.orchestrator.create(service({ replicas: 2 }));
    const before = [...web.tasks];
    made.agents[0]!.fails = ({ spec }) => (spec?.forced === 1 ? { state: "rejected", error: "no" } : undefined);
    made.orchestrator.update(web, { ...web.spec, forced: 1, update: { order: "start-first" } });
    made.pass(20);
    expect(web.updateStatus?.state).toBe("paused");
    expect(before.map(({ isRunning, wanted }) => [isRunning, wanted])).toEqual([[true, "running"], [true, "running"]]);
    made.orchestrator.rollBack(web);
    made.pass(60);
    expect([web.updateStatus?.state, made.orchestrator.liveTasks(web)]).toEqual(["rollback_completed", before]);
  });

  it("go back by hand, and forth", () => {
    const made = updated({});
    made.pass(30);
    made.orchestrator.rollBack(made.web);
    expect(made.web.updateStatus?.message).toBe("manually requested rollback");
    made.pass(30);
    expect([made.running(), made.web.updateStatus?.state]).toEqual([[0, 0, 0], "rollback_completed"]);
    made.orchestrator.rollBack(made.web);
    made.pass(30);
    expect(made.running()).toEqual([1, 1, 1]);
  });

  it("go on after the service was scaled meanwhile", () => {
    const made = updated({});
    made.pass(1);
    made.orchestrator.update(made.web, { ...made.web.spec, replicas: 4 });
    made.pass(60);
    expect(made.running()).toEqual([1, 1, 1, 1]);
  });
});

describe("jobs", () => {
  it("run to their end, some at a time, and again when they are forced to", () => {
    const made = swarm(0);
    const job = made.orchestrator.create(service({ replicas: 3, job: { maxConcurrent: 2 } }));
    const live = () => made.orchestrator.liveTasks(job);
    expect(live().map(({ slot, wanted }) => `${slot} ${wanted}`)).toEqual(["0 complete", "1 complete"]);
    end(live()[0], made, 0);
    expect(live().map(({ slot }) => slot)).toEqual([1, 2]);
    for (const task of live()) end(task, made, 0);
    expect([live().length, shown(made)]).toEqual([0, ["0 h1 complete complete", "1 h1 complete complete", "2 h1 complete complete"]]);
    made.orchestrator.update(job, { ...job.spec, forced: 1 });
    expect([live().length, job.iteration]).toEqual([2, 1]);
  });
});

describe("managers", () => {
  it("decide nothing without a majority, and take everything up with one", () => {
    const made = swarm(2, {}, () => ({ role: "manager" }));
    const web = made.orchestrator.create(service());
    const { roster } = made.cluster;
    roster.cutOff(made.nodes[1]!);
    expect(roster.leader?.hostname).toBe("h1");
    roster.cutOff(made.nodes[2]!);
    expect(() => roster.checkQuorum()).toThrow("raft: failed to process the request: node lost leader status");
    expect(() => roster.checkQuorum(false)).toThrow("The swarm does not have a leader.");
    end(first(made), made);
    made.pass(60);
    expect(made.nodes.map(({ status }) => status)).toEqual(["ready", "ready", "ready"]);
    roster.restore(made.nodes[1]!);
    made.pass(60);
    expect(made.nodes.map(({ status }) => status)).toEqual(["ready", "ready", "down"]);
    expect(made.orchestrator.liveTasks(web).map(({ state }) => state)).toEqual(["running"]);
  });

  it("cannot be demoted below a majority, nor the last of them", () => {
    const made = swarm(1, {}, () => ({ role: "manager" }));
    const { roster } = made.cluster;
    roster.cutOff(made.nodes[1]!);
    expect(() => roster.update(made.nodes[0]!, { role: "worker" })).toThrow("can't remove member from the raft: this would result in a loss of quorum");
    roster.update(made.nodes[1]!, { role: "worker" });
    expect(() => roster.update(made.nodes[0]!, { role: "worker" })).toThrow("attempting to demote the last manager of the swarm");
  });
});

it("tasks wait where the addresses of their network are used up, and are rejected in the end", () => {
  const made = swarm(0);
  const { id } = made.cluster.createNetwork({ name: "tiny", driver: "overlay", ipam: [{ subnet: "10.30.0.0/29", auxAddresses: {} }], internal: false, options: {} });
  made.orchestrator.create(service({ replicas: 5, networks: [{ network: id, aliases: [] }], restart: { condition: "none" } }));
  expect(shown(made)).toEqual(["1 h1 running preparing", "2 h1 running preparing", "3 h1 running preparing", "4 h1 running preparing", "5 - running new"]);
  made.pass(21);
  expect(made.orchestrator.tasksOf(made.orchestrator.get("web")).find(({ state }) => state === "rejected")?.error).toBe("node is missing network attachments, ip addresses may be exhausted");
});
