import { compile } from "../compile/index";
import type { Platform } from "../engine/host";
import { SimulationError } from "../errors";
import type { CompareOptions, EngineComparison } from "./compare";
import type { Lab } from "./lab";
import {
  readContainerOptions,
  HOST_NAME,
  readCpus,
  readDockerOptions,
  readNetworkOptions,
  readRules,
  type ContainerOptions,
  type DockerOptions,
  type NetworkOptions,
} from "./options";
import { startLab, type StartOptions } from "./start";
import type { CompiledTopology, TopologySpec, TrafficSpec } from "./spec";
import { completeWorld, readUnderlayOptions, type DockerHostOptions, type MachineName, type UnderlayOptions, type WorldSettings } from "./world";
import { TrafficMethodsBase, trafficSpec, type TrafficMethods, type TrafficSettings } from "./traffic";

/** The host that there is if none is declared. */
export type HostName = typeof HOST_NAME;

/** `Name`, if it is known or nobody can tell; otherwise what it could have been. */
export type KnownName<Name extends string, Containers extends string, Others extends string> = [Containers] extends [never]
  ? Name
  : string extends Name
    ? Name
    : Name extends Containers | Others
      ? Name
      : Containers | Others;

/**
 * A network on paper: immutable, each call returns a new one, and nothing runs. The names declared so far are part of the type, so
 * that a misspelled one does not compile; `DockerTopology` without parameters takes any name, for descriptions made in loops.
 */
export interface DockerTopology<Networks extends string = string, Containers extends string = string, Hosts extends string = string> {
  /** The description as frozen plain data. */
  readonly spec: TopologySpec;
  /** `docker network create`. @example docker("shop").network("front", { subnet: "172.20.0.0/24" }) */
  network<const Name extends string>(name: Name, options?: NetworkOptions): DockerTopology<Networks | Name, Containers, Hosts>;
  /**
   * Another machine with a Docker daemon, cabled to the switch that all hosts are on. Without a call there is one host, `host1`, by
   * itself. Beside the hosts there are a router `gw`, a machine `lan` on the same switch and a machine `internet` behind the router;
   * traffic can name all of them. @example docker("shop").host("h1").host("h2", { address: "192.0.2.12/24" })
   */
  host<const Name extends string>(name: Name, options?: DockerHostOptions): DockerTopology<Networks, Containers, Exclude<Hosts, HostName> | Name>;
  /** What the cables to the switch do. @example docker("shop").underlay({ rate: "10Gbit", delay: "50us", mtu: 1500 }) */
  underlay(options: UnderlayOptions): DockerTopology<Networks, Containers, Hosts>;
  /** `docker run`; containers start in the order of the calls. @example shop.container("web", { networks: ["front"], publish: ["8080:80"] }) */
  container<const Name extends string>(
    name: Name,
    options?: ContainerOptions<Networks, Containers, Hosts>,
  ): DockerTopology<Networks, Containers | Name, Hosts>;
  /** Traffic from a container, a service or a host; the calls that follow say whom to and how much. @example shop.traffic("queries", "web").to("db:5432/tcp") */
  traffic<const From extends string>(name: string, from: KnownName<From, Containers, Hosts | MachineName>): DockerTraffic<Networks, Containers, Hosts>;
  /**
   * What Docker would make of it: addresses, MACs, routes, and the tables of the packet path.
   *
   * @throws SimulationError in the daemon's words for the first thing it refuses.
   */
  compile(): CompiledTopology;
  /**
   * Compiles and starts a simulation.
   *
   * @throws SimulationError as `compile` does; `LIMIT_EXCEEDED`, `UNSUPPORTED` or `WORKER_EXITED` if it cannot run here.
   * @example await using lab = await shop.start({ seed: 7 });
   */
  start(options?: StartOptions): Promise<Lab>;
}

/** A topology whose last traffic is being described. */
export interface DockerTraffic<Networks extends string = string, Containers extends string = string, Hosts extends string = string>
  extends DockerTopology<Networks, Containers, Hosts>,
    TrafficMethods<DockerTraffic<Networks, Containers, Hosts>> {}

/** What one platform's entry exports. */
export interface Docker {
  /**
   * Starts a description: one host that runs a Docker daemon, unless more are declared.
   *
   * @example docker("shop", { docker: "20.10" }).network("back").container("db", { networks: ["back"] })
   */
  docker(name: string, options?: DockerOptions): DockerTopology<never, never, HostName>;
  /** Goes on from a description as data, such as that of a Compose file. */
  fromSpec(spec: TopologySpec): DockerTopology;
  /**
   * Runs one network on several engines, in this thread: first whether they agree on every delivery and drop, then how fast each is.
   *
   * @throws SimulationError as `start` does.
   */
  compareEngines(topology: Pick<DockerTopology, "compile">, options: CompareOptions): Promise<EngineComparison>;
}

/** Binds the fluent API to a platform: the only thing that knows how to make engines and workers. */
export function createDocker(platform: Platform): Docker {
  return {
    docker: (name, options = {}) => {
      const spec = { name, ...readDockerOptions(options), networks: [], containers: [], traffic: [] };
      return new TopologyBuilder(spec, { traffic: [], world: { hosts: [] } }, platform) as DockerTopology<never, never, HostName>;
    },
    fromSpec: (spec) => new TopologyBuilder(spec, { traffic: spec.traffic, world: { hosts: [] } }, platform),
    compareEngines: async (topology, options) => (await import("./compare")).runComparison(topology.compile(), options, (kind) => platform.createEngine(kind)),
  };
}

/** What has been said that is put together when the description is used. */
interface Settings {
  readonly traffic: readonly TrafficSettings[];
  readonly world: WorldSettings;
}

class TopologyBuilder extends TrafficMethodsBase<DockerTraffic> implements DockerTraffic {
  readonly #spec: TopologySpec;
  readonly #settings: Settings;
  readonly #platform: Platform;
  #complete: TopologySpec | undefined;

  constructor(spec: TopologySpec, settings: Settings, platform: Platform) {
    super();
    this.#spec = spec;
    this.#settings = settings;
    this.#platform = platform;
  }

  get spec(): TopologySpec {
    if (!this.#complete) {
      const traffic = this.#settings.traffic.map(trafficSpec);
      this.#complete = freeze({ ...completeWorld(this.#spec, this.#settings.world, traffic), traffic });
    }
    return this.#complete;
  }

  network(name: string, options: NetworkOptions = {}): DockerTopology {
    return this.#with({ networks: [...this.#spec.networks, readNetworkOptions(name, options)] });
  }

  host(name: string, options: DockerHostOptions = {}): DockerTopology {
    const cpus = readCpus(options.cpus ?? this.#spec.hosts[0]?.cpus);
    const { hosts } = this.#settings.world;
    if (hosts.some((host) => host.name === name)) throw new SimulationError("CONFLICT", `host ${name}: there is one of that name`);
    const { rules, ...uplink } = options;
    const own = rules === undefined ? { rules: this.#spec.hosts[0]?.rules ?? [] } : readRules(rules, `${name}.rules`);
    return this.#setWorld({ hosts: [...hosts, { ...uplink, name, cpus, ...own }] });
  }

  underlay(options: UnderlayOptions): DockerTopology {
    return this.#setWorld({ fabric: readUnderlayOptions(options) });
  }

  container(name: string, options: ContainerOptions<string, string> = {}): DockerTopology {
    const host = options.host ?? this.#settings.world.hosts[0]?.name ?? this.#spec.hosts[0]?.name ?? HOST_NAME;
    return this.#with({ containers: [...this.#spec.containers, readContainerOptions(name, host, options)] });
  }

  traffic(name: string, from: string): DockerTraffic {
    return this.#withTraffic([...this.#settings.traffic, { name, from }]);
  }

  compile(): CompiledTopology {
    return compile(this.spec);
  }

  async start(options: StartOptions = {}): Promise<Lab> {
    return startLab(() => this.compile(), options, this.#platform, { manyHosts: this.#settings.world.hosts.length > 1 || this.#spec.hosts.length > 1 });
  }

  protected override change(settings: Partial<TrafficSpec>): DockerTraffic {
    const { traffic } = this.#settings;
    const last = traffic.at(-1);
    if (!last) throw new SimulationError("INVALID_INPUT", "traffic: expected traffic(name, from) before its properties, found none");
    return this.#withTraffic([...traffic.slice(0, -1), { ...last, ...settings }]);
  }

  #with(change: Partial<TopologySpec>): TopologyBuilder {
    return new TopologyBuilder({ ...this.#spec, ...change }, this.#settings, this.#platform);
  }

  #withTraffic(traffic: readonly TrafficSettings[]): TopologyBuilder {
    return new TopologyBuilder(this.#spec, { ...this.#settings, traffic }, this.#platform);
  }

  #setWorld(world: Partial<WorldSettings>): TopologyBuilder {
    return new TopologyBuilder(this.#spec, { ...this.#settings, world: { ...this.#settings.world, ...world } }, this.#platform);
  }
}

/** Freezes plain data all the way down. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
