import type { ContainerState } from "../model/state";
import type { CommandOutcome } from "./outcome";

type Awaitable<T> = T | Promise<T>;

/** What `docker exec` says about the process beside its words. */
export interface ExecOptions {
  /** The variables of the process, as `NAME=value`: the container's, links as they are now, and `-e`. */
  readonly environment: readonly string[];
  readonly detached: boolean;
  readonly tty: boolean;
  /** `-w`, or that of the container. */
  readonly workdir: string;
}

/** The processes of containers. Docker only starts them; what they do is told by whoever runs the lab. */
export interface Programs {
  /** What the first process of a container that has just started does: it ends with an outcome, or (`undefined`) goes on. */
  start(container: ContainerState): Awaitable<CommandOutcome | undefined>;
  /** `docker exec`. */
  exec(container: ContainerState, argv: readonly string[], options: ExecOptions): Awaitable<CommandOutcome>;
  /** What the first process has printed so far. */
  logs(container: ContainerState): Awaitable<CommandOutcome>;
}
