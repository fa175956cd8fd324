import type { Counters, Nanoseconds } from "../engine/engine";
import type { ProgramPatch } from "../engine/program";
import { SimulationError } from "../errors";
import type { Cables } from "./cables";
import type { Conditions } from "./conditions";
import type { FlowTable } from "./flow-table";
import type { View } from "./gossip/layer";
import type { GossipKey } from "./gossip-keys";
import type { IpsecKeys } from "./ipsec";
import { type LiveTopology, withDevicesDown } from "./live-topology";
import type { Observers } from "./observers";
import type { ProbeContext } from "./probe/context";
import { readEndpoint, type EndpointOptions } from "./options";
import type { StackReader } from "./stack-reader";
import { hasOverlays, loadContainerFiles, loadRuleParser, loadSwarmLayers, stateOf, type CompiledTopology, type Daemons } from "./spec";

/** What a `docker` command has printed, and its exit code. */
export interface CommandOutcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface OnHost {
  /** The host whose daemon is meant; the first one unless given. */
  readonly host?: string;
}

export interface DockerCommandOptions extends OnHost {
  readonly stdin?: string;
  /** What `docker stack deploy -c -` reads Compose files with: `stackReader` of `dockwire/compose`. */
  readonly stacks?: StackReader;
}

/** Something that is asked of daemons; also again, to bring new ones where others were. */
export type Operation<T> = (daemons: Daemons, turn: OperationTurn) => T | Promise<T>;

export interface OperationTurn {
  readonly isReplay: boolean;
  readonly probing: ProbeContext;
  /** Machines that have failed, and a network in parts. */
  readonly conditions: Conditions;
  readonly topology: LiveTopology;
  /** Lets the packet path see what the daemons have done so far. */
  follow(): Promise<void>;
}

type Daemon = Daemons extends ReadonlyMap<string, infer D> ? D : never;

/** What changing a network takes of a running lab. */
export interface OperationContext {
  readonly topology: LiveTopology;
  readonly flows: FlowTable;
  readonly cables: Cables;
  readonly observers: Observers;
  /** Devices that have been set down. */
  readonly down: ReadonlySet<number>;
  readonly conditions: Conditions;
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

/** The daemons of a running lab, and what their changes make of its network. */
export class Operations {
  readonly #context: OperationContext;
  readonly #done: Operation<unknown>[] = [];
  #daemons: Daemons | undefined;
  #isLayered = false;

  constructor(context: OperationContext) {
    this.#context = context;
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

  async #newDaemons(): Promise<Daemons> {
    return this.#context.topology.daemons(await loadContainerFiles());
  }

  async #follow(daemons: Daemons, isOther = false): Promise<void> {
    const { topology, flows, cables, observers, conditions, now, counters, apply, view, followed: tell, noticed, foresee } = this.#context;
    // The packet path has followed all that the daemons have done: only hosts' views are other ones.
    const state = isOther ? topology.state : stateOf(daemons);
    // What has had one gets another: that of before knows what was then.
    this.#isLayered ||= hasOverlays(state) || conditions.sides.length > 0;
    foresee(state);
    const layer = this.#isLayered ? (await import("./gossip/layer")).layerFor(topology.spec, conditions.sides, view()) : undefined;
    const followed = topology.follow(state, flows.cursor, now(), layer);
    if (!conditions.takeChange() && !isOther && followed.sockets.length === 0 && followed.conntrack.length === 0 && isSameProgram(topology, followed.topology)) {
      topology.become(followed.topology);
      noticed();
      return;
    }
    const { patch, commit } = flows.follow(followed, await counters(), now());
    const { program } = followed.topology;
    const down = new Set([...this.#context.down, ...conditions.deadDevices(program)]);
    const tables = withDevicesDown({ ...program, links: cables.presentLinks(program) }, down);
    await apply({ program: { ...tables, sockets: [], flows: [] }, conntrack: followed.conntrack, ...patch });
    flows.forgetNames();
    topology.become(followed.topology);
    commit();
    observers.follow();
    await tell();
  }

  #turn(daemons: Daemons, isReplay: boolean): OperationTurn {
    const { probing, conditions, topology } = this.#context;
    return { isReplay, probing, conditions, topology, follow: () => this.#follow(daemons) };
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

/** What can be asked of the daemons of a running lab. Time stands still meanwhile. */
export abstract class LabOperations {
  protected abstract operate<T>(operation: Operation<T>): Promise<T>;

  /**
   * Runs a command line of the `docker` client on a host. What Docker refuses is an outcome, with its words on stderr. Every image is
   * there, and its processes answer to what is asked of them. `docker exec` runs what asks the network: `ping`, `nslookup`, `getent`, `curl`, `wget`,
   * `nc`, `traceroute`, `ip`, `cat /etc/hosts`, `sh -c`…, as real packets, while time passes; so does `docker run` with such a command.
   *
   * @throws SimulationError `UNSUPPORTED` for what Docker can do and the simulator cannot.
   * @example const { exit, stderr } = await lab.docker("network connect back web");
   */
  docker(line: string | readonly string[], { host, stdin = "", stacks }: DockerCommandOptions = {}): Promise<CommandOutcome> {
    const outcomes: CommandOutcome[] = [];
    return this.operate(async (daemons, turn) => {
      // Few labs need it, and it is large.
      const [{ DockerClient }, { labPrograms }, { swarms }] = await Promise.all([import("../client"), import("./exec"), loadSwarmLayers()]);
      swarms.meet(daemons);
      return new DockerClient(daemonAt(daemons, host), { images: "any", programs: labPrograms(turn, outcomes), ...(stacks && { stacks }) }).run(line, stdin);
    });
  }

  /**
   * `docker network connect`.
   *
   * @throws SimulationError in the daemon's words, as all that follow; nothing has changed then.
   * @example await lab.connect("web", "back", { aliases: ["www"] })
   */
  connect(container: string, network: string, options: EndpointOptions = {}): Promise<void> {
    return this.operate((daemons) => on(daemons, container, (daemon, name) => daemon.connect(name, readEndpoint(network, options, `connect.${network}`))));
  }

  /** `docker network disconnect`. */
  disconnect(container: string, network: string, options: { readonly force?: boolean } = {}): Promise<void> {
    return this.operate((daemons) => on(daemons, container, (daemon, name) => daemon.disconnect(name, network, options)));
  }

  /** `docker stop`: its traffic keeps still until it is started again. */
  stop(container: string): Promise<void> {
    return this.operate((daemons) => on(daemons, container, (daemon, name) => daemon.stopContainer(name)));
  }

  /** `docker start`: with another MAC, and perhaps another address, as Docker gives them. */
  start(container: string): Promise<void> {
    return this.operate((daemons) => on(daemons, container, (daemon, name) => daemon.startContainer(name)));
  }

  /** `docker restart`. */
  restart(container: string): Promise<void> {
    return this.operate((daemons) => on(daemons, container, (daemon, name) => daemon.restartContainer(name)));
  }

  /** `docker rm`; a running one needs `force`. */
  remove(container: string, options: { readonly force?: boolean } = {}): Promise<void> {
    return this.operate((daemons) => on(daemons, container, (daemon, name) => daemon.removeContainer(name, options)));
  }

  /**
   * Rules that a host's user adds or deletes: lines of `iptables` commands, or what `iptables-save` prints.
   *
   * @throws SimulationError at `iptables:line:column` for what is wrong.
   * @example await lab.iptables("-I DOCKER-USER -s 172.18.0.0/16 -j DROP")
   */
  iptables(rules: string, { host }: OnHost = {}): Promise<void> {
    return this.operate(async (daemons) => {
      const parse = await loadRuleParser();
      daemonAt(daemons, host).firewall.apply(parse(rules, { file: "iptables" }));
    });
  }

  /**
   * The managers of a swarm make a new key for its encrypted networks and drop the oldest, as they do every 12 hours. Packets on their way
   * arrive all the same. `host`: a manager; the first host unless given.
   *
   * @throws SimulationError in the daemon's words if that is no manager.
   * @example await lab.rotateKeys()
   */
  rotateKeys({ host }: OnHost = {}): Promise<void> {
    return this.operate((daemons) => daemonAt(daemons, host).swarm.rotateKeys());
  }

  /**
   * What it takes to read the packets between the nodes of a swarm that has encrypted networks; none without a swarm.
   *
   * @example
   * await writeFile("esp_sa", (await lab.ipsecKeys()).wireshark());
   */
  ipsecKeys(): Promise<IpsecKeys> {
    return this.operate(async (daemons) => (await import("./ipsec")).ipsecKeysOf(stateOf(daemons)));
  }

  /**
   * What it takes to read what the nodes of a swarm tell one another at port 7946; none without a swarm. docs/gossip.md says how.
   *
   * @example const primary = (await lab.gossipKeys()).find(({ isPrimary }) => isPrimary)?.key
   */
  gossipKeys(): Promise<GossipKey[]> {
    return this.operate(async (daemons) => (await import("./gossip-keys")).gossipKeysOf(stateOf(daemons)));
  }

  /**
   * The network between hosts falls apart: nothing passes between hosts of different sides; those of no side reach everybody. Until
   * `heal`, or another partition.
   *
   * @example await lab.partition(["m1"], ["w1", "w2"])
   */
  partition(...sides: readonly (readonly string[])[]): Promise<void> {
    return this.operate((_, { conditions, topology }) => conditions.partition(topology, sides));
  }

  /** The network between hosts is whole again. */
  heal(): Promise<void> {
    return this.operate((_, { conditions }) => conditions.heal());
  }

  /** A host's machine fails: nothing comes out of it and nothing goes in. */
  fail(host: string): Promise<void> {
    return this.operate((_, { conditions, topology }) => conditions.fail(topology, host));
  }

  /** A machine that had failed is back, as it was. */
  recover(host: string): Promise<void> {
    return this.operate((_, { conditions, topology }) => conditions.recover(topology, host));
  }
}

function daemonAt(daemons: Daemons, host: string | undefined): Daemon {
  const [first] = daemons.values();
  const found = host === undefined ? first : daemons.get(host);
  if (found) return found;
  throw new SimulationError("NOT_FOUND", `host: expected one of ${[...daemons.keys()].join(", ")}, found ${JSON.stringify(host)}`);
}

/** On the first host that has a container of that name; `h2/web` names the host. A service of one container stands for that. */
function on(daemons: Daemons, name: string, action: (daemon: Daemon, name: string) => void): void {
  const { daemon, container } = find(daemons, name);
  action(daemon, container);
}

function find(daemons: Daemons, name: string): { readonly daemon: Daemon; readonly container: string } {
  for (const [host, daemon] of daemons) if (name.startsWith(`${host}/`)) return { daemon, container: name.slice(host.length + 1) };
  const containers = [...daemons.values()].flatMap((daemon) => daemon.containers().map((container) => ({ daemon, container })));
  const named = containers.find(({ container }) => container.name === name);
  const replicas = containers.filter(({ container }) => container.service === name);
  const [found] = named ? [named] : replicas.length === 1 ? replicas : [];
  return found ? { daemon: found.daemon, container: found.container.name } : { daemon: daemonAt(daemons, undefined), container: name };
}
