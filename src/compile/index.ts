import type { TopologySpec } from "../model/spec";
import type { CompiledTopology } from "./compiled";

export type { CompiledTopology } from "./compiled";

/**
 * Lets Docker decide, and turns the result into the tables of the packet path. Pure: equal descriptions give equal programs.
 *
 * @throws SimulationError with the daemon's own reason for what it refuses.
 * @example compile(docker("shop").container("web").spec).program.devices.length
 */
export declare function compile(spec: TopologySpec): CompiledTopology;
