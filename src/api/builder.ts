import { compile } from "../compile/index";
import type { Platform } from "../engine/host";
import { SimulationError } from "../errors";
import type { DockerTraffic } from "./docker";
import type { Lab } from "./lab";
import { readContainerOptions, HOST_NAME, readNetworkOptions, type ContainerOptions, type NetworkOptions } from "./options";
import { startLab, type StartOptions } from "./start";
import { layersFor, layersNow, type CompiledTopology, type TopologySpec, type TrafficSpec } from "./spec";
import { completeWorld, readHostOptions, readUnderlayOptions, type DockerHostOptions, type UnderlayOptions, type WorldSettings } from "./world";
import { TrafficMethodsBase, trafficSpec, type TrafficSettings } from "./traffic";

/** What has been said that is put together when the description is used. */
export interface Settings {
  readonly traffic: readonly TrafficSettings[];
  readonly world: WorldSettings;
}

/** What stands behind descriptions of both kinds. */
export class TopologyBuilder extends TrafficMethodsBase<DockerTraffic> implements DockerTraffic {
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

  network(name: string, options: NetworkOptions = {}): TopologyBuilder {
    return this.with({ networks: [...this.#spec.networks, readNetworkOptions(name, options)] });
  }

  host(name: string, options: DockerHostOptions = {}): TopologyBuilder {
    const { hosts } = this.#settings.world;
    if (hosts.some((host) => host.name === name)) throw new SimulationError("CONFLICT", `host ${name}: there is one of that name`);
    return this.#setWorld({ hosts: [...hosts, readHostOptions(name, options, this.#spec.hosts[0])] });
  }

  underlay(options: UnderlayOptions): TopologyBuilder {
    return this.#setWorld({ fabric: readUnderlayOptions(options) });
  }

  container(name: string, options: ContainerOptions<string, string> = {}): TopologyBuilder {
    const host = options.host ?? this.#settings.world.hosts[0]?.name ?? this.#spec.hosts[0]?.name ?? HOST_NAME;
    return this.with({ containers: [...this.#spec.containers, readContainerOptions(name, host, options)] });
  }

  traffic(name: string, from: string): TopologyBuilder {
    return this.#withTraffic([...this.#settings.traffic, { name, from }]);
  }

  compile(): CompiledTopology {
    return compile(this.spec, layersNow());
  }

  /** Also with a swarm, whose part of the compiler is loaded first. */
  async compileAll(): Promise<CompiledTopology> {
    const { spec } = this;
    return compile(spec, await layersFor(spec));
  }

  async start(options: StartOptions = {}): Promise<Lab> {
    const { spec } = this;
    return startLab(() => this.compileAll(), options, this.#platform, { manyHosts: spec.hosts.length > 1 || spec.swarm !== undefined });
  }

  protected override change(settings: Partial<TrafficSpec>): DockerTraffic {
    return this.changeLast(settings);
  }

  /** Says more of the last traffic. */
  changeLast(settings: Partial<TrafficSpec>): TopologyBuilder {
    const { traffic } = this.#settings;
    const last = traffic.at(-1);
    if (!last) throw new SimulationError("INVALID_INPUT", "traffic: expected traffic(name, from) before its properties, found none");
    return this.#withTraffic([...traffic.slice(0, -1), { ...last, ...settings }]);
  }

  with(change: Partial<TopologySpec>): TopologyBuilder {
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
