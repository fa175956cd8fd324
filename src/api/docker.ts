import { compile } from "../compile/index";
import type { Platform } from "../engine/host";
import { SimulationError } from "../errors";
import { runComparison, type CompareOptions, type EngineComparison } from "./compare";
import { startLab, type Lab, type StartOptions } from "./lab";
import {
  readContainerOptions,
  HOST_NAME,
  readDockerOptions,
  readNetworkOptions,
  type ContainerOptions,
  type DockerOptions,
  type NetworkOptions,
} from "./options";
import type { CompiledTopology, TopologySpec, TrafficSpec } from "./spec";
import { TrafficMethodsBase, trafficSpec, type TrafficMethods, type TrafficSettings } from "./traffic";

/** The one host that there is. */
export type HostName = typeof HOST_NAME;

/** `Name`, if it is known or nobody can tell; otherwise what it could have been. */
export type KnownName<Name extends string, Names extends string> = [Names] extends [HostName]
  ? Name
  : string extends Name
    ? Name
    : Name extends Names
      ? Name
      : Names;

/**
 * A network on paper: immutable, each call returns a new one, and nothing runs. The names declared so far are part of the type, so
 * that a misspelled one does not compile; `DockerTopology` without parameters takes any name, for descriptions made in loops.
 */
export interface DockerTopology<Networks extends string = string, Containers extends string = string> {
  /** The description as frozen plain data. */
  readonly spec: TopologySpec;
  /** `docker network create`. @example docker("shop").network("front", { subnet: "172.20.0.0/24" }) */
  network<const Name extends string>(name: Name, options?: NetworkOptions): DockerTopology<Networks | Name, Containers>;
  /** `docker run`; containers start in the order of the calls. @example shop.container("web", { networks: ["front"], publish: ["8080:80"] }) */
  container<const Name extends string>(name: Name, options?: ContainerOptions<Networks, Containers>): DockerTopology<Networks, Containers | Name>;
  /** Traffic from a container, a service or a host; the calls that follow say whom to and how much. @example shop.traffic("queries", "web").to("db:5432/tcp") */
  traffic<const From extends string>(name: string, from: KnownName<From, Containers | HostName>): DockerTraffic<Networks, Containers>;
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
export interface DockerTraffic<Networks extends string = string, Containers extends string = string>
  extends DockerTopology<Networks, Containers>,
    TrafficMethods<DockerTraffic<Networks, Containers>> {}

/** What one platform's entry exports. */
export interface Docker {
  /**
   * Starts a description: one host that runs a Docker daemon.
   *
   * @example docker("shop", { docker: "20.10" }).network("back").container("db", { networks: ["back"] })
   */
  docker(name: string, options?: DockerOptions): DockerTopology<never, never>;
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
      return new TopologyBuilder(spec, [], platform) as DockerTopology<never, never>;
    },
    fromSpec: (spec) => new TopologyBuilder(spec, spec.traffic, platform),
    compareEngines: (topology, options) => runComparison(topology.compile(), options, (kind) => platform.createEngine(kind)),
  };
}

class TopologyBuilder extends TrafficMethodsBase<DockerTraffic> implements DockerTraffic {
  readonly #spec: TopologySpec;
  /** What has been said about each traffic; checked when the description is used. */
  readonly #traffic: readonly TrafficSettings[];
  readonly #platform: Platform;
  #complete: TopologySpec | undefined;

  constructor(spec: TopologySpec, traffic: readonly TrafficSettings[], platform: Platform) {
    super();
    this.#spec = spec;
    this.#traffic = traffic;
    this.#platform = platform;
  }

  get spec(): TopologySpec {
    this.#complete ??= freeze({ ...this.#spec, traffic: this.#traffic.map(trafficSpec) });
    return this.#complete;
  }

  network(name: string, options: NetworkOptions = {}): DockerTopology {
    return this.#with({ networks: [...this.#spec.networks, readNetworkOptions(name, options)] });
  }

  container(name: string, options: ContainerOptions<string, string> = {}): DockerTopology {
    const host = this.#spec.hosts[0]?.name ?? HOST_NAME;
    return this.#with({ containers: [...this.#spec.containers, readContainerOptions(name, host, options)] });
  }

  traffic(name: string, from: string): DockerTraffic {
    return this.#withTraffic([...this.#traffic, { name, from }]);
  }

  compile(): CompiledTopology {
    return compile(this.spec);
  }

  async start(options: StartOptions = {}): Promise<Lab> {
    return startLab(() => this.compile(), options, this.#platform);
  }

  protected override change(settings: Partial<TrafficSpec>): DockerTraffic {
    const last = this.#traffic.at(-1);
    if (!last) throw new SimulationError("INVALID_INPUT", "traffic: expected traffic(name, from) before its properties, found none");
    return this.#withTraffic([...this.#traffic.slice(0, -1), { ...last, ...settings }]);
  }

  #with(change: Partial<TopologySpec>): TopologyBuilder {
    return new TopologyBuilder({ ...this.#spec, ...change }, this.#traffic, this.#platform);
  }

  #withTraffic(traffic: readonly TrafficSettings[]): TopologyBuilder {
    return new TopologyBuilder(this.#spec, traffic, this.#platform);
  }
}

/** Freezes plain data all the way down. */
function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
