/** What two engines that should agree are compared by, and how a disagreement is explained. */
import { isDeepStrictEqual } from "node:util";
import { Drop } from "../../assembly/abi/drop";
import { EventKind } from "../../assembly/abi/event";
import { Hook, Table, Target } from "../../assembly/abi/netfilter";
import { Node } from "../../assembly/abi/node";
import { DEVICE_UP, DeviceKind, FlowKind, SocketRole } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import type { CapturedFrame, Counters, Engine, EventRecord } from "../../src/engine/engine";
import type { RuleRecord } from "../../src/engine/program";
import type { Plan } from "./arbitrary";
import { describeFrame } from "./frame";
import type { BuiltPlan } from "./plan";
import { ipText } from "./program";
import { type Cuts, runPlan, type Snapshot } from "./run";

export type MakeEngine = () => Engine;

/** Runs a plan on both engines in slices; says at which slice and in what they differ first, or undefined. */
export function compareEngines(make: readonly [MakeEngine, MakeEngine], plan: Plan, built: BuiltPlan, cuts: Cuts): string | undefined {
  const engines = make.map((one) => one());
  const runs = engines.map((engine) => runPlan(engine, built, plan.seed, plan.untilNs, cuts));
  try {
    for (;;) {
      const [left, right] = runs.map((run) => run.next());
      if (left.done === true || right.done === true) return undefined;
      const difference = firstDifference(left.value, right.value);
      if (difference !== undefined) return explain(make, plan, built, `slice until ${left.value.timeNs}: ${difference}`);
    }
  } finally {
    for (const engine of engines) engine.dispose();
  }
}

function firstDifference(left: Snapshot, right: Snapshot): string | undefined {
  const events = firstRecord(left.events, right.events, describeEvent);
  if (events !== undefined) return `event records: ${events}`;
  const frames = firstRecord(left.frames, right.frames, describeCapture);
  if (frames !== undefined) return `captured frames: ${frames}`;
  const counters = differenceOf("counters", left.counters, right.counters);
  if (counters !== undefined) return counters;
  const scalars = (snapshot: Snapshot) => [snapshot.digest, snapshot.processed, snapshot.drains, snapshot.eventsLost].join(" ");
  return scalars(left) === scalars(right) ? undefined : `digest, events, drains, lost: ${scalars(left)} and ${scalars(right)}`;
}

function firstRecord<T>(left: readonly T[], right: readonly T[], describe: (record: T) => string): string | undefined {
  const length = Math.max(left.length, right.length);
  for (let i = 0; i < length; i++) {
    if (isDeepStrictEqual(left[i], right[i])) continue;
    const text = (records: readonly T[]) => (i < records.length ? describe(records[i]) : "nothing");
    return `number ${i}: ${text(left)}\n  and ${text(right)}`;
  }
  return undefined;
}

/** The first path at which two plain values differ. */
function differenceOf(path: string, left: unknown, right: unknown): string | undefined {
  if (isDeepStrictEqual(left, right)) return undefined;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null)
    return `${path}: ${String(left)} and ${String(right)}`;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) {
    const found = differenceOf(`${path}.${key}`, (left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]);
    if (found !== undefined) return found;
  }
  return `${path}: of different types`;
}

/** Steps both engines event by event with everything recorded, and shows where they part. */
function explain(make: readonly [MakeEngine, MakeEngine], plan: Plan, built: BuiltPlan, difference: string): string {
  const { program } = built;
  const all = { ...built.observe, snaplen: 65_535, recordDrops: true };
  const observe = {
    ...all,
    captureDevices: program.devices.map((_, index) => index),
    trace: program.flows.map((_, flow) => ({ flow, packets: 1_000_000 })),
  };
  const engines = make.map((one) => one());
  for (const engine of engines) {
    engine.load(program, { seed: plan.seed });
    engine.observe(observe);
    engine.inject(built.frames);
  }
  const stops = [...built.patches.map(({ timeNs, patch }) => ({ timeNs, patch })), { timeNs: plan.untilNs, patch: {} }];
  const history: string[] = [];
  const text = (lines: readonly string[]) => [`seed ${plan.seed}: ${difference}`, "", ...lines, "", describeProgram(built)].join("\n");
  for (const { timeNs, patch } of stops) {
    for (let more = true; more && timeNs <= plan.untilNs; ) {
      const steps = engines.map((engine) => step(engine, timeNs));
      more = steps.some(({ events }) => events > 0);
      if (!isDeepStrictEqual(steps[0], steps[1])) {
        const [left, right] = steps.map(describeStep);
        return text(["the last events that were equal:", ...history.slice(-6), "then one engine:", left, "and the other:", right]);
      }
      if (more) history.push(describeStep(steps[0]));
    }
    for (const engine of engines) engine.apply(patch);
  }
  return text(["event by event the engines agree: slices or recording make the difference"]);
}

interface Step {
  readonly events: number;
  readonly now: number;
  readonly digest: string;
  readonly records: readonly EventRecord[];
  readonly frames: readonly CapturedFrame[];
  readonly counters: unknown;
}

function step(engine: Engine, timeNs: number): Step {
  const { events, now } = engine.run(timeNs, 1);
  const { events: records, frames } = engine.drain();
  return { events, now, digest: engine.digest(), records, frames, counters: withoutBuckets(engine.counters()) };
}

function withoutBuckets(counters: Counters): unknown {
  const flows = counters.flows.map(({ latency, ...rest }) => ({ ...rest, count: latency.count, sum: latency.sumNs }));
  return { totals: counters.totals, flows, devices: counters.devices, hosts: counters.hosts, drops: counters.deviceDrops };
}

function describeStep({ now, digest, records, frames, counters }: Step): string {
  const lines = [
    `  at ${now}, digest ${digest}`,
    ...records.map((record) => `    ${describeEvent(record)}`),
    ...frames.map((frame) => `    ${describeCapture(frame)}`),
  ];
  const { totals, flows } = counters as { totals: unknown; flows: unknown };
  return [...lines, `    ${JSON.stringify(totals)}`, `    ${JSON.stringify(flows)}`].join("\n");
}

function describeEvent(record: EventRecord): string {
  const { timeNs, kind, node, reason, packet, device, flow, sequence, length } = record;
  const index = (value: number) => (value === NONE ? "-" : String(value));
  const what = [EventKind[kind], Node[node], Drop[reason]].join(" ");
  return `${timeNs} ${what} packet ${index(packet)} device ${index(device)} flow ${index(flow)} sequence ${sequence} length ${length}`;
}

function describeCapture({ timeNs, device, direction, reason, node, length, bytes }: CapturedFrame): string {
  const hex = Buffer.from(bytes).toString("hex");
  const text = bytes.length >= 60 ? describeFrame(bytes) : "";
  return `${timeNs} captured at ${device} ${direction === 1 ? "in" : "out"} ${Drop[reason]} ${Node[node]} length ${length} ${text} ${hex}`;
}

/** What a rule tests and does; fields that are zero, or not looked at, are left out. */
function describeRule({ target, matches, inverts, ...rest }: RuleRecord): string {
  const fields = Object.entries(rest).filter(([, value]) => (Array.isArray(value) ? value[0] !== 0 : value !== 0 && value !== NONE));
  const words = fields.map(([name, value]) => `${name} ${Array.isArray(value) ? ipText(value[0]) : value}`);
  return `matches ${matches.toString(2)} inverts ${inverts.toString(2)} ${words.join(" ")} -> ${Target[target]}`;
}

/** The network as text: what one needs to follow a packet with a pencil. */
export function describeProgram({ program, patches, frames }: BuiltPlan): string {
  const index = (value: number) => (value === NONE ? "-" : String(value));
  const lines = [
    ...program.hosts.map((host, i) => `host ${i}: ${JSON.stringify(host)}`),
    ...program.namespaces.map((namespace, i) => `namespace ${i}: ${JSON.stringify(namespace)}`),
    ...program.devices.map(({ namespace, kind, flags, mtu, peer, master, link }, i) => {
      const addresses = program.addresses.filter(({ device }) => device === i).map(({ ip, prefix }) => `${ipText(ip)}/${prefix}`);
      const state = (flags & DEVICE_UP) === 0 ? "down" : "up";
      return `device ${i}: namespace ${namespace} ${DeviceKind[kind]} ${state} mtu ${mtu} peer ${index(peer)} master ${index(master)} link ${index(link)} ${addresses.join(" ")}`;
    }),
    ...program.links.map((link, i) => `link ${i}: ${JSON.stringify(link)}`),
    ...program.routes.map(
      (route) =>
        `route of ${route.namespace}: ${ipText(route.destination)}/${route.prefix} type ${route.type} device ${index(route.device)} via ${ipText(route.gateway)} metric ${route.metric}`,
    ),
    ...program.sockets.map((socket, i) => `socket ${i}: ${JSON.stringify({ ...socket, role: SocketRole[socket.role] })}`),
    ...program.flows.map(
      (flow, i) => `flow ${i}: ${JSON.stringify({ ...flow, kind: FlowKind[flow.kind], destination: ipText(flow.destination) })}`,
    ),
    ...program.chains.map((chain, i) => `chain ${i}: ${JSON.stringify({ ...chain, table: Table[chain.table], hook: Hook[chain.hook] })}`),
    ...program.rules.map((rule, i) => `rule ${i}: ${describeRule(rule)}`),
    ...patches.map(({ timeNs, patch }) => `at ${timeNs}: ${JSON.stringify(patch)}`),
    ...frames.map(({ timeNs, device, bytes }) => `at ${timeNs} device ${device} receives ${Buffer.from(bytes).toString("hex")}`),
    `capacity ${JSON.stringify(program.capacity)}, copy cost ${program.copyCost}, costs ${program.costs.join(" ")}`,
  ];
  return lines.join("\n");
}
