import type { ContainerState } from "../../../src/model/state";

/** What a container's processes find: undefined while it never ran. */
export interface ContainerFiles {
  readonly hostsFile?: readonly string[];
  readonly resolvConf?: readonly string[];
  readonly environment?: readonly string[];
}

export function filesOf(container: ContainerState): ContainerFiles {
  return container as ContainerState & ContainerFiles;
}
