import type { Platform } from "../engine/host";
import type { CompareOptions, EngineComparison } from "./compare";
import type { EncryptionCost } from "../report/encryption-cost";
import type { EncryptionCostOptions } from "./encryption-cost";
import type { Lab } from "./lab";
import { TopologyBuilder } from "./builder";
import { HOST_NAME, readDockerOptions, readSpec, type ContainerOptions, type DockerOptions, type NetworkOptions } from "./options";
import type { StartOptions } from "./start";
import type { CompiledTopology, TopologySpec } from "./spec";
import { newSwarm, type SwarmTopology } from "./swarm";
import type { DockerHostOptions, MachineName, UnderlayOptions } from "./world";
import type { TrafficMethods } from "./traffic";

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
  /**
   * Starts the description of a swarm: nodes, overlay networks, services.
   *
   * @example swarm("prod").node("m1").node("w1").overlay("back").service("web", { replicas: 2, networks: ["back"], publish: ["8080:80"] })
   */
  swarm(name: string, options?: DockerOptions): SwarmTopology<never, never, never, never>;
  /**
   * Goes on from a description as data, such as that of a Compose file.
   *
   * @throws SimulationError `INVALID_INPUT` if that is no description.
   */
  fromSpec(spec: TopologySpec): DockerTopology;
  /**
   * Runs one network on several engines, in this thread: first whether they agree on every delivery and drop, then how fast each is.
   *
   * @throws SimulationError as `start` does.
   */
  compareEngines(topology: Pick<DockerTopology, "compile">, options: CompareOptions): Promise<EngineComparison>;
  /**
   * Puts the same workload on plain and on encrypted overlay networks and compares throughput, latency, CPU and MTU, from a documented
   * cost model (docs/encryption.md).
   *
   * @throws SimulationError as `start` does; `INVALID_INPUT` without an overlay network.
   * @example
   * const { plain, encrypted } = await encryptionCost(prod, { for: "10s" });
   * console.log(encrypted.cpuNsPerMessage / plain.cpuNsPerMessage);
   */
  encryptionCost(topology: Pick<DockerTopology, "spec">, options: EncryptionCostOptions): Promise<EncryptionCost>;
}

/** Binds the fluent API to a platform: the only thing that knows how to make engines and workers. */
export function createDocker(platform: Platform): Docker {
  return {
    docker: (name, options = {}) => {
      const spec = { name, ...readDockerOptions(options), networks: [], containers: [], traffic: [] };
      return new TopologyBuilder(spec, { traffic: [], world: { hosts: [] } }, platform) as DockerTopology<never, never, HostName>;
    },
    swarm: (name, options = {}) => {
      const spec = { name, ...readDockerOptions(options), networks: [], containers: [], traffic: [] };
      return newSwarm(new TopologyBuilder(spec, { traffic: [], world: { hosts: [] } }, platform));
    },
    fromSpec: (spec) => new TopologyBuilder(readSpec(spec), { traffic: spec.traffic, world: { hosts: [] } }, platform),
    compareEngines: async (topology, options) => (await import("./compare")).runComparison(topology.compile(), options, (kind) => platform.createEngine(kind)),
    encryptionCost: async ({ spec }, options) => (await import("./encryption-cost")).compareEncryption(spec, options, platform),
  };
}
