import type { Counters, Nanoseconds } from "../engine/engine";
import type { ProgramPatch } from "../engine/program";
import { SimulationError } from "../errors";
import type { Timekeeper } from "./agenda";
import { Cables } from "./cables";
import { Conditions } from "./conditions";
import type { FlowTable } from "./flow-table";
import type { View } from "./gossip/layer";
import type { Daemon, Operation, OperationTurn } from "./lab-operations";
import { type LiveTopology, withDevicesDown } from "./live-topology";
import type { Observers } from "./observers";
import type { LinkOptions } from "./options";
import type { ProbeContext } from "./probe/context";
import { hasOverlays, loadContainerFiles, stateOf, type CompiledTopology, type Daemons } from "./spec";

/** What changing a network takes of a running lab. */
export interface OperationContext {
  readonly topology: LiveTopology;
  readonly flows: FlowTable;
  readonly observers: Observers;
  /** Devices that have been set down. */
  readonly down: ReadonlySet<number>;
  readonly probing: ProbeContext;
  now(): Nanoseconds;
  counters(): Promise<Counters>;
  apply(patch: ProgramPatch): Promise<void>;
  /** What hosts know of one another; undefined: everything. */
  view(): View | undefined;
  /** The packet path has followed the daemons. */
  followed(): Promise<void>;
  /** The daemons have changed nothing that packets feel. */
  noticed(): void;
  /** The packet path is about to follow: what is new, others do not know yet. */
  foresee(state: CompiledTopology["state"]): void;
}

/** The daemons of a running lab, and what their changes make of its network. Swarms do in time what they have set themselves: they restart tasks, roll updates out, give nodes up. */
export class Operations implements Timekeeper {
  readonly #context: OperationContext;
  readonly #cables: Cables;
  readonly conditions = new Conditions();
  readonly #done: Operation<unknown>[] = [];
  #daemons: Daemons | undefined;
  #isLayered = false;

  constructor(context: OperationContext) {
    this.#context = context;
    this.#cables = new Cables(context.topology);
  }

  /** Changes what the cable of a device does. */
  async setLink(device: string, options: LinkOptions): Promise<void> {
    const { patch, commit } = this.#cables.change(device, options);
    await this.#context.apply(patch);
    commit();
  }

  /** Asks the daemons, and lets the packet path follow at once. What the engine has no room for is undone. */
  async run<T>(asked: Operation<T>): Promise<T> {
    const operation = at(this.#context.now(), asked);
    this.#daemons ??= await this.#newDaemons();
    const daemons = this.#daemons;
    try {
      // What is refused may leave something behind, as with Docker.
      const { value, error } = await attempt(operation, daemons, this.#turn(daemons, false));
      // Between two commands of a person managers and nodes have done what they do a moment later.
      for (const { swarm } of daemons.values()) swarm.settle();
      await this.#follow(daemons);
      this.#done.push(operation);
      if (error !== undefined) throw error;
      return value as T;
    } catch (error) {
      if (this.#done.at(-1) !== operation) this.#daemons = await this.#undone();
      throw error;
    }
  }

  /** The packet path sees what hosts have learnt of one another since. */
  async refresh(): Promise<void> {
    this.#daemons ??= await this.#newDaemons();
    await this.#follow(this.#daemons, true);
  }

  /** What the daemons' swarms want of time; undefined: nothing. */
  get nextAt(): Nanoseconds | undefined {
    if (hasOverlays(this.#context.topology.state)) this.#daemons ??= this.#context.topology.daemons();
    const [first] = this.#daemons?.values() ?? [];
    return first?.swarm.nextAt;
  }

  act(now: Nanoseconds): Promise<void> {
    return this.run((daemons) => [...daemons.values()][0]?.swarm.advanceTo(now));
  }

  async #newDaemons(): Promise<Daemons> {
    return this.#context.topology.daemons(await loadContainerFiles());
  }

  async #follow(daemons: Daemons, isOther = false): Promise<void> {
    const { conditions } = this;
    const { topology, flows, observers, now, counters, apply, view, followed: tell, noticed, foresee } = this.#context;
    // The packet path has followed all that the daemons have done: only hosts' views are other ones.
    const state = isOther ? topology.state : stateOf(daemons);
    // What has had one gets another: that of before knows what was then.
    this.#isLayered ||= hasOverlays(state) || conditions.sides.length > 0;
    foresee(state);
    const layer = this.#isLayered ? (await import("./gossip/layer")).layerFor(topology.spec, conditions.sides, view()) : undefined;
    const followed = await topology.follow(state, flows.cursor, now(), layer);
    if (!conditions.takeChange() && !isOther && followed.sockets.length === 0 && followed.conntrack.length === 0 && isSameProgram(topology, followed.topology)) {
      topology.become(followed.topology);
      noticed();
      return;
    }
    const { patch, commit } = flows.follow(followed, await counters(), now());
    const { program } = followed.topology;
    const down = new Set([...this.#context.down, ...conditions.deadDevices(program)]);
    const tables = withDevicesDown({ ...program, links: this.#cables.presentLinks(program) }, down);
    await apply({ program: { ...tables, sockets: [], flows: [] }, conntrack: followed.conntrack, ...patch });
    flows.forgetNames();
    topology.become(followed.topology);
    commit();
    observers.follow();
    await tell();
  }

  #turn(daemons: Daemons, isReplay: boolean): OperationTurn {
    const { probing, topology } = this.#context;
    return {
      isReplay,
      probing,
      conditions: this.conditions,
      topology,
      daemonAt: (host) => daemonAt(daemons, host),
      find: (container) => find(daemons, container),
      follow: () => this.#follow(daemons),
    };
  }

  /** Daemons that have done all but the last operation. */
  async #undone(): Promise<Daemons> {
    const daemons = await this.#newDaemons();
    for (const operation of this.#done) {
      await attempt(operation, daemons, this.#turn(daemons, true));
      for (const { swarm } of daemons.values()) swarm.settle();
    }
    return daemons;
  }
}

/** What swarms do by themselves later on is counted from when something is asked of them. */
function at<T>(now: Nanoseconds, operation: Operation<T>): Operation<T> {
  return (daemons, turn) => {
    const [first] = daemons.values();
    if (first !== undefined && first.swarm.now < now) first.swarm.advanceTo(now);
    return operation(daemons, turn);
  };
}

async function attempt<T>(operation: Operation<T>, daemons: Daemons, turn: OperationTurn): Promise<{ readonly value?: T; readonly error?: unknown }> {
  try {
    return { value: await operation(daemons, turn) };
  } catch (error) {
    return { error };
  }
}

/** Whether a state looks the same to packets as the one before: what says the same is the same object. */
function isSameProgram(before: CompiledTopology, after: CompiledTopology): boolean {
  const [one, other] = [before.program, after.program];
  const hasSameTables = hasSameFields(one, other, ["names", "sockets", "flows"]) && hasSameFields(one.names, other.names, ["flows"]);
  return hasSameTables && isSameCast(before.state.containers, after.state.containers);
}

function hasSameFields<T extends object>(one: T, other: T, except: readonly (keyof T)[]): boolean {
  const fields = new Set([...Object.keys(one), ...Object.keys(other)]) as ReadonlySet<unknown> as ReadonlySet<keyof T>;
  return [...fields].every((field) => except.includes(field) || one[field] === other[field]);
}

type Cast = CompiledTopology["state"]["containers"];

function isSameCast(before: Cast, after: Cast): boolean {
  if (before === after) return true;
  const isSame = (a: Cast[number], b: Cast[number]) => a.host === b.host && a.name === b.name && a.status === b.status && a.startOrder === b.startOrder;
  return before.length === after.length && before.every((one, index) => one === after[index] || isSame(one, after[index]!));
}

function daemonAt(daemons: Daemons, host: string | undefined): Daemon {
  const [first] = daemons.values();
  const found = host === undefined ? first : daemons.get(host);
  if (found) return found;
  throw new SimulationError("NOT_FOUND", `host: expected one of ${[...daemons.keys()].join(", ")}, found ${JSON.stringify(host)}`);
}

function find(daemons: Daemons, name: string): { readonly daemon: Daemon; readonly container: string } {
  for (const [host, daemon] of daemons) if (name.startsWith(`${host}/`)) return { daemon, container: name.slice(host.length + 1) };
  const containers = [...daemons.values()].flatMap((daemon) => daemon.containers().map((container) => ({ daemon, container })));
  const named = containers.find(({ container }) => container.name === name);
  const replicas = containers.filter(({ container }) => container.service === name);
  const [found] = named ? [named] : replicas.length === 1 ? replicas : [];
  return found ? { daemon: found.daemon, container: found.container.name } : { daemon: daemonAt(daemons, undefined), container: name };
}
