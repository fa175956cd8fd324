import fc from "fast-check";
import { expect, it } from "vitest";
import { swarm } from "../../test/support/docker";
import { mistakenView, type Row, rowsOf } from "../api/gossip/rows";
import { DockerClient } from "../client";
import { type Daemons, stateOf } from "../model/decide";
import type { DockerState } from "../model/state";
import { compile } from ".";
import { swarmLayers } from "./overlay";
import { Memo } from "./memo";
import { shared } from "./share";
import { compileState, type Layout } from "./state";

const HOSTS = ["m1", "w1", "w2"];
const names = fc.constantFrom("aa", "bb", "cc");
const networks = fc.constantFrom("back", "front", "plain");
const services = fc.constantFrom("web", "api");

/** A command line, on a host. */
const command = fc.oneof(
  fc.tuple(names, networks, fc.constantFrom("", "-p 80", "-p 8081:80")).map(([name, network, port]) => `run -d --name ${name} --network ${network} ${port} image`),
  fc.tuple(fc.constantFrom("rm -f", "stop", "start", "restart"), names).map(([verb, name]) => `${verb} ${name}`),
  fc.tuple(fc.constantFrom("connect", "disconnect"), networks, names).map(([verb, network, name]) => `network ${verb} ${network} ${name}`),
  fc.tuple(fc.constantFrom("plain", "other"), fc.constantFrom("create", "rm")).map(([name, verb]) => `network ${verb} ${name}`),
  fc.tuple(services, fc.integer({ min: 0, max: 5 })).map(([service, count]) => `service scale -d ${service}=${count}`),
  services.map((service) => `service update -d --force ${service}`),
  fc.tuple(services, fc.constantFrom("--publish-add 8090:80", "--network-add front", "--label-add a=b")).map(([service, change]) => `service update -d ${change} ${service}`),
  services.map((service) => `service rm ${service}`),
  fc.constant("service create -d --name api --replicas 3 --network front -p 8082:80 image"),
);
const step = fc.record({ host: fc.constantFrom(...HOSTS), line: command, seconds: fc.constantFrom(0, 1, 20), unheard: fc.array(fc.tuple(fc.constantFrom(...HOSTS), fc.nat(30)), { maxLength: 4 }), failed: fc.constantFrom(undefined, undefined, "w2") });

const prod = swarm("prod")
  .node("m1")
  .node("w1")
  .node("w2")
  .overlay("back", { attachable: true })
  .overlay("front", { attachable: true, encrypted: true })
  .service("web", { replicas: 3, networks: ["back"], publish: ["8080:80"] })
  .container("aa", { networks: ["back"] });

/** What each host has not heard of the state before, by which it goes on. */
function mistakesOf(before: DockerState, now: DockerState, unheard: readonly (readonly [string, number])[]) {
  const rows = rowsOf(before);
  const keys = [...new Set([...rows.keys(), ...rowsOf(now).keys()])];
  const stale = new Map<string, Map<string, Row | undefined>>();
  for (const [host, index] of unheard) {
    const key = keys[index % keys.length]!;
    if (key.split("/")[1] !== host) stale.set(host, (stale.get(host) ?? new Map()).set(key, rows.get(key)));
  }
  return stale;
}

async function play(daemons: Daemons, { host, line, seconds }: { readonly host: string; readonly line: string; readonly seconds: number }): Promise<void> {
  await new DockerClient(daemons.get(host)!, { images: "any" }).run(line);
  const { swarm: member } = daemons.get("m1")!;
  if (seconds > 0) member.advanceTo(((member.nextAt ?? 0) || 0) + seconds * 1e9);
  for (const daemon of daemons.values()) daemon.swarm.settle();
}

it("a program that follows another one is the one that a compiler without memory makes, whatever was done", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const topology = compile(prod.spec, swarmLayers);
      const daemons = topology.daemons(swarmLayers.files);
      const options = { seed: prod.spec.seed, underlay: prod.spec.underlay };
      let state = topology.state;
      let layout: Layout = compileState(state, { ...options, overlays: swarmLayers.overlays }).layout;
      for (const each of steps) {
        await play(daemons, each);
        const next = shared(state, stateOf(daemons));
        const stale = mistakesOf(state, next, each.unheard);
        const failed = new Set(each.failed === undefined ? [] : [each.failed]);
        const view = (whole: DockerState, host: string) => (host === each.failed ? whole : mistakenView(whole, host, rowsOf(whole), { stale: stale.get(host) ?? new Map(), failed }));
        const overlays = { ...swarmLayers.overlays, view };
        // Nothing that is remembered by identity is known of a copy.
        const [before, copy] = structuredClone([layout.program, next]);
        const fresh = compileState(copy, { ...options, overlays }, { ...layout, program: before, memo: new Memo() });
        const { program, processes, layout: own } = compileState(next, { ...options, overlays }, layout);
        expect(JSON.stringify(program)).toBe(JSON.stringify(fresh.program));
        expect(processes).toEqual(fresh.processes);
        [state, layout] = [next, own];
      }
    }),
    { numRuns: 30 },
  );
});
