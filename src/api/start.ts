import type { HostOptions, Platform } from "../engine/host";
import { SimulationError } from "../errors";
import { Lab } from "./lab";
import type { CompiledTopology } from "./spec";

/** How a simulation is started. */
export interface StartOptions extends HostOptions {
  /** Decides everything that is left to chance; the description's own seed unless given. Unsigned, 32 bits. */
  readonly seed?: number;
  /**
   * Whether the nodes of a swarm tell one another of their endpoints in packets, which takes time and may fail, beside probes and
   * heartbeats. They do unless this is `false`: then everybody knows everything at once.
   */
  readonly gossip?: boolean;
}

/**
 * Starts a simulation: nothing moves until `run`. The network is compiled while the worker starts.
 *
 * @throws SimulationError as `compile` does; `LIMIT_EXCEEDED` if the network does not fit the engine, `UNSUPPORTED` if the engine
 * cannot run here, `WORKER_EXITED` if the worker cannot be started.
 */
export async function startLab(compile: () => CompiledTopology | Promise<CompiledTopology>, options: StartOptions, platform: Platform, needs?: { readonly manyHosts: boolean }): Promise<Lab> {
  if (options.seed !== undefined) checkSeed(options.seed);
  const opening = platform.openHost(options, needs);
  try {
    const topology = await compile();
    const { seed = topology.spec.seed } = options;
    const host = await opening;
    await host.load(topology.program, { seed });
    return new Lab(topology, seed, host, options.gossip !== false);
  } catch (error) {
    await opening.then(
      (host) => host.dispose(),
      () => undefined,
    );
    throw error;
  }
}

function checkSeed(seed: number): void {
  if (Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff) return;
  throw new SimulationError("INVALID_INPUT", `seed: expected a whole number from 0 to 4294967295, found ${seed}`);
}
