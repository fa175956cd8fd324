import type { DockerGeneration, NetworkSpec } from "../model/spec";
import type { SwarmServiceSpec } from "../model/swarm/swarm-spec";

/** What a Compose file makes of a stack. */
export interface StackFile {
  /** Those that its services are on; `external`: they have to be there. */
  readonly networks: readonly (NetworkSpec & { readonly external: boolean })[];
  /**
   * Networks by their names; secrets and configs by their names, with no IDs yet. The client converts them when networks are there
   * already; what is thrown is printed.
   */
  services(): readonly SwarmServiceSpec[];
  /** Their names. */
  readonly serviceNames: readonly string[];
  /** Keys that are ignored, in the order of their names. */
  readonly unsupported: readonly string[];
  readonly deprecated: readonly string[];
}

/** Reads a Compose file for `docker stack deploy`; what it throws is printed. `generation`: of the command, 20.10 if not said. */
export type StackReader = (text: string, stack: string, generation?: DockerGeneration) => StackFile;
