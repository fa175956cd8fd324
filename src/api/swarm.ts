import { SimulationError } from "../errors";
import type { TopologyBuilder } from "./builder";
import type { KnownName } from "./docker";
import type { Lab } from "./lab";
import { HOST_NAME, type NetworkOptions } from "./options";
import type { CompiledTopology, IpsecOptions, SwarmSpec, TopologySpec, TrafficSpec } from "./spec";
import type { StartOptions } from "./start";
import { readNode, readOverlay, readService, type OverlayOptions, type ServiceOptions, type SwarmContainerOptions, type SwarmNodeOptions } from "./swarm-options";
import { TrafficMethodsBase, type TrafficMethods } from "./traffic";
import type { MachineName, UnderlayOptions } from "./world";

export type { OverlayOptions, ServiceOptions, ServicePortOptions, SwarmContainerOptions, SwarmNodeOptions } from "./swarm-options";

/** The task of a service with a number, `web.1`, or by its node where there is one on each, `web.w1`. */
export type TaskName<Services extends string> = [Services] extends [never] ? never : `${Services}.${string}`;

/** What a swarm is made with. */
export interface SwarmOptions {
  /** Blocks that overlay networks get their subnets from; `["10.0.0.0/8"]` unless given. */
  readonly pools?: readonly string[];
  /** How long the prefixes of those subnets are; 24 unless given. */
  readonly maskLength?: number;
  /** The UDP port of VXLAN; 4789 unless given. */
  readonly dataPathPort?: number;
  /** How encrypted overlay networks seal what goes between nodes; the simulator's own. */
  readonly ipsec?: IpsecOptions;
}

/**
 * A swarm on paper: immutable, each call returns a new one, and nothing runs. The first node makes the swarm and the others join it;
 * networks and services are created in the order of the calls, then containers start.
 */
export interface SwarmTopology<Nodes extends string = string, Networks extends string = string, Services extends string = string, Containers extends string = string> {
  /** The description as frozen plain data. */
  readonly spec: TopologySpec;
  /** What `docker swarm init` is given. @example swarm("prod").init({ pools: ["10.20.0.0/16"], maskLength: 26 }) */
  init(options: SwarmOptions): SwarmTopology<Nodes, Networks, Services, Containers>;
  /**
   * A machine that joins the swarm, cabled to the switch of its subnet. Beside the nodes there are a router `gw`, a machine `lan` on the
   * first switch and a machine `internet` behind the router. @example swarm("prod").node("m1").node("w1", { address: "198.18.0.11/24" })
   */
  node<const Name extends string>(name: Name, options?: SwarmNodeOptions): SwarmTopology<Nodes | Name, Networks, Services, Containers>;
  /** What the cables between nodes, router and switches do. @example prod.underlay({ delay: "50us", router: { delay: "20ms", rate: "100Mbit" } }) */
  underlay(options: UnderlayOptions): SwarmTopology<Nodes, Networks, Services, Containers>;
  /** An overlay network of the whole swarm. @example prod.overlay("back", { subnet: "10.5.0.0/24", attachable: true, encrypted: true }) */
  overlay<const Name extends string>(name: Name, options?: OverlayOptions): SwarmTopology<Nodes, Networks | Name, Services, Containers>;
  /** A network that each node has for itself, or the node that `host` names. @example prod.network("local", { host: "w1" }) */
  network<const Name extends string>(name: Name, options?: NetworkOptions): SwarmTopology<Nodes, Networks | Name, Services, Containers>;
  /** `docker service create`. @example prod.service("web", { replicas: 3, networks: ["back"], publish: ["8080:80"] }) */
  service<const Name extends string>(name: Name, options?: ServiceOptions<Networks>): SwarmTopology<Nodes, Networks, Services | Name, Containers>;
  /** `docker run` on a node; on an overlay network if that is attachable. @example prod.container("client", { node: "w1", networks: ["back"] }) */
  container<const Name extends string>(
    name: Name,
    options?: SwarmContainerOptions<Networks, Containers, Nodes>,
  ): SwarmTopology<Nodes, Networks, Services, Containers | Name>;
  /**
   * Traffic from a container, from all tasks of a service or from one, or from a machine. It goes to names as the sender knows them, to
   * tasks, or to published ports of nodes. @example prod.traffic("pages", "lan").to("m1:8080/tcp")
   */
  traffic<const From extends string>(
    name: string,
    from: KnownName<From, Containers | Services | TaskName<Services>, Nodes | MachineName>,
  ): SwarmTraffic<Nodes, Networks, Services, Containers>;
  /**
   * What Docker would make of it: addresses, MACs, routes, and the tables of the packet path.
   *
   * @throws SimulationError in Docker's words for the first thing that is refused.
   */
  compile(): Promise<CompiledTopology>;
  /**
   * Compiles and starts a simulation.
   *
   * @throws SimulationError as `compile` does; `LIMIT_EXCEEDED`, `UNSUPPORTED` or `WORKER_EXITED` if it cannot run here.
   * @example await using lab = await prod.start({ seed: 7 });
   */
  start(options?: StartOptions): Promise<Lab>;
}

/** A swarm whose last traffic is being described. */
export interface SwarmTraffic<Nodes extends string = string, Networks extends string = string, Services extends string = string, Containers extends string = string>
  extends SwarmTopology<Nodes, Networks, Services, Containers>,
    TrafficMethods<SwarmTraffic<Nodes, Networks, Services, Containers>> {}

/** Begins a description. */
export function newSwarm(builder: TopologyBuilder): SwarmTopology<never, never, never, never> {
  return new SwarmBuilder(builder, { nodes: [], networks: [], services: [] }) as SwarmTopology<never, never, never, never>;
}

class SwarmBuilder extends TrafficMethodsBase<SwarmTraffic> implements SwarmTraffic {
  /** Hosts, containers, traffic and what is around them. */
  readonly #rest: TopologyBuilder;
  readonly #swarm: SwarmSpec;
  #complete: TopologyBuilder | undefined;

  constructor(rest: TopologyBuilder, swarm: SwarmSpec) {
    super();
    this.#rest = rest;
    this.#swarm = swarm;
  }

  get spec(): TopologySpec {
    return this.#whole.spec;
  }

  init(options: SwarmOptions): SwarmBuilder {
    return new SwarmBuilder(this.#rest, { ...this.#swarm, ...structuredClone(options) });
  }

  node(name: string, options: SwarmNodeOptions = {}): SwarmBuilder {
    const { role: _, availability: __, ...host } = options;
    const { nodes } = this.#swarm;
    return new SwarmBuilder(this.#rest.host(name, host), { ...this.#swarm, nodes: [...nodes, readNode(name, options, nodes.length === 0)] });
  }

  underlay(options: UnderlayOptions): SwarmBuilder {
    return this.#with(this.#rest.underlay(options));
  }

  overlay(name: string, options: OverlayOptions = {}): SwarmBuilder {
    return new SwarmBuilder(this.#rest, { ...this.#swarm, networks: [...this.#swarm.networks, readOverlay(name, options)] });
  }

  network(name: string, options: NetworkOptions = {}): SwarmBuilder {
    if (options.driver === "overlay") return this.overlay(name, options);
    return this.#with(this.#rest.network(name, options));
  }

  service(name: string, options: ServiceOptions = {}): SwarmBuilder {
    return new SwarmBuilder(this.#rest, { ...this.#swarm, services: [...this.#swarm.services, readService(name, options)] });
  }

  container(name: string, { node, ...options }: SwarmContainerOptions = {}): SwarmBuilder {
    const host = node ?? this.#swarm.nodes[0]?.host ?? HOST_NAME;
    return this.#with(this.#rest.container(name, { ...options, host }));
  }

  traffic(name: string, from: string): SwarmBuilder {
    return this.#with(this.#rest.traffic(name, from));
  }

  compile(): Promise<CompiledTopology> {
    return this.#whole.compileAll();
  }

  async start(options: StartOptions = {}): Promise<Lab> {
    return this.#whole.start(options);
  }

  protected override change(settings: Partial<TrafficSpec>): SwarmBuilder {
    return this.#with(this.#rest.changeLast(settings));
  }

  get #whole(): TopologyBuilder {
    if (this.#swarm.nodes.length === 0) throw new SimulationError("INVALID_INPUT", "swarm: expected at least one node, found none");
    this.#complete ??= this.#rest.with({ swarm: this.#swarm });
    return this.#complete;
  }

  #with(rest: TopologyBuilder): SwarmBuilder {
    return new SwarmBuilder(rest, this.#swarm);
  }
}
