import type { TopologySpec } from "../model/spec";
import type { DockerState } from "../model/state";
import type { UnderlaySpec } from "../model/underlay";
import type { compileProcesses } from "./processes";
import type { CompiledNetwork } from "./topology";

type Processes = ReturnType<typeof compileProcesses>;

/** What puts name servers around the hosts. Few descriptions name some: it is handed in (`name-servers.ts`). */
export interface NameLayer {
  /**
   * The description with what its names take: hosts that ask somebody, routes to the public servers.
   *
   * @throws SimulationError `INVALID_INPUT` for names that nobody can have.
   */
  surround(spec: TopologySpec): TopologySpec;
  /** The daemons' processes, and the name servers behind them. */
  serve(processes: Processes, underlay: UnderlaySpec, places: NamedPlaces): Processes;
}

/** Where name servers are. */
export interface NamedPlaces {
  readonly state: DockerState;
  readonly network: CompiledNetwork;
}
