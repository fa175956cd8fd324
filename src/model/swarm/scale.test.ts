import { expect, it } from "vitest";
import { Daemon } from "../daemon";
import { rulesOf } from "../generations";
import { emptyWorld } from "../world";
import { SwarmRegistry } from "./registry";
import type { ServiceSpec } from "./service-spec";

const MANAGERS = 3;
const WORKERS = 50;
const SERVICES = 20;
const TASKS_EACH = 50;
/** Far above what it takes, for machines that are busy with other things. */
const LIMIT_MS = 30_000;

function hosts(count: number): { readonly swarms: SwarmRegistry; readonly daemons: Daemon[] } {
  const swarms = new SwarmRegistry();
  const daemons = Array.from({ length: count }, (_, index) => {
    const name = `n${index + 1}`;
    const world = { ...emptyWorld(name), uplinks: [{ name: "eth0", mac: "02:00:00:00:00:01", mtu: 1500, addresses: [`192.0.2.${index + 1}/24`] }] };
    return new Daemon({ host: { name, cpus: 1, backlog: 1000 }, rules: rulesOf("29"), seed: index, swarms, world });
  });
  return { swarms, daemons };
}

function join(daemons: readonly Daemon[], managers: number): Daemon {
  const [first, ...others] = daemons;
  first!.swarm.init({});
  for (const [index, daemon] of others.entries()) daemon.swarm.join(first!.swarm.token(index + 1 < managers ? "manager" : "worker"));
  return first!;
}

const service = (name: string, network: string, replicas: number): ServiceSpec => ({
  name, replicas, endpointMode: "vip", ports: [], networks: [{ network, aliases: [] }], labels: {}, container: {},
});

it(`brings ${SERVICES * TASKS_EACH} tasks to ${MANAGERS} managers and ${WORKERS} workers, moves those of a node that fails, and replaces a service`, () => {
  const begun = performance.now();
  const { swarms, daemons } = hosts(MANAGERS + WORKERS);
  const leader = join(daemons, MANAGERS);
  swarms.advanceTo(1e9);
  for (let index = 0; index < SERVICES; index++) {
    const id = leader.createNetwork({ name: `net${index}`, driver: "overlay", ipam: [], internal: false, options: {} }).id;
    leader.swarm.createService(service(`svc${index}`, id, TASKS_EACH));
  }
  const placed = performance.now();
  const running = () => leader.swarm.services().reduce((sum, each) => sum + leader.swarm.tasksOf(each).filter(({ isRunning, isLive }) => isRunning && isLive).length, 0);
  expect(running()).toBe(SERVICES * TASKS_EACH);
  const loads = leader.swarm.nodes().nodes.map(({ tasks }) => tasks.size);
  expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(SERVICES);

  swarms.cutOff("n53");
  swarms.advanceTo(swarms.clock.now + 30e9);
  expect(running()).toBe(SERVICES * TASKS_EACH);
  expect(leader.swarm.findNode("n53").tasks.size).toBeGreaterThan(0);
  const moved = performance.now();
  leader.swarm.updateService("svc0", (spec) => ({ ...spec, forced: 1, update: { parallelism: 10 } }));
  swarms.advanceTo(swarms.clock.now + 60e9);
  expect(leader.swarm.findService("svc0").updateStatus?.state).toBe("completed");
  const states = daemons.map((daemon) => daemon.state());
  expect(states.reduce((sum, { containers }) => sum + containers.filter(({ running: is }) => is).length, 0)).toBeGreaterThanOrEqual(SERVICES * TASKS_EACH);
  const done = performance.now();
  const ms = (from: number, to: number) => `${Math.round(to - from)} ms`;
  process.stdout.write(`swarm of ${MANAGERS + WORKERS}: ${SERVICES * TASKS_EACH} tasks placed in ${ms(begun, placed)}, a node's moved in ${ms(placed, moved)}, a service replaced and all described in ${ms(moved, done)}\n`);
  expect(done - begun).toBeLessThan(LIMIT_MS);
}, 2 * LIMIT_MS);

it("costs time and memory in proportion to what is used: networks that few hosts have cost the others nothing", () => {
  const { swarms, daemons } = hosts(WORKERS);
  const leader = join(daemons, 1);
  swarms.advanceTo(1e9);
  for (let index = 0; index < 4 * WORKERS; index++) {
    const { id } = leader.createNetwork({ name: `net${index}`, driver: "overlay", ipam: [], internal: false, options: {} });
    leader.swarm.createService(service(`svc${index}`, id, 1));
  }
  swarms.advanceTo(2e9);
  const onWorkers = daemons.slice(1).map((daemon) => daemon.networks().filter(({ scope }) => scope === "swarm").length);
  // Ingress, and the networks of its own tasks.
  expect(Math.max(...onWorkers)).toBeLessThanOrEqual(1 + 6);
  const sandboxes = daemons.map((daemon) => daemon.state().hosts[0]?.swarm?.sandboxes.length ?? 0);
  expect(sandboxes.reduce((sum, count) => sum + count, 0)).toBe(WORKERS + 4 * WORKERS);
}, 2 * LIMIT_MS);
