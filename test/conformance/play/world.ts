import type { Chance } from "../../../src/model/chance";
import type { CommandResult, Frame, Json, Recording, Row } from "../recording";
import type { Names } from "../names";

/** The simulated machines of one scenario: hosts with an engine each, `gw`, `lan` and `inet`, as they are when a scenario begins. */
export interface World {
  docker(host: string, argv: readonly string[], stdin: string): Promise<CommandResult>;
  /** The name that the next container without one gets: the engine draws it. */
  nextName(host: string, name: string): void;
  /** A command on a machine itself. */
  command(machine: string, argv: readonly string[]): Promise<CommandResult>;
  /** Starts servers on a machine: `tcp:7000`. */
  serve(machine: string, listen: readonly string[]): Promise<void>;
  restartDaemon(host: string): Promise<void>;
  /** The tasks of a service: how many run, and a line for each. */
  tasks(host: string, service: string, wanted: number): Promise<{ readonly running: number; readonly tasks: readonly string[] }>;
  sleep(secs: number): Promise<void>;
  /** Networks and containers that exist by now. */
  learnIds(names: Names): void;
  /** The state of hosts and containers in the form of a recording; devices are told to `names`. */
  observe(names: Names): Promise<{ readonly hosts: Json; readonly containers: Json }>;
  /** Sends probes, all at once, and tells what came of each; those that failed are tried `twice`. */
  probe(rows: readonly Row[], twice: boolean): Promise<readonly Row[]>;
  /** Frames at the taps while `during` runs. */
  capture(taps: readonly string[], filter: string, during: () => Promise<void>): Promise<readonly { readonly tap: string; readonly frames: readonly Frame[] }[]>;
  dispose(): Promise<void>;
}

/** `chance`: what the engines leave to it. */
export type WorldOf = (recording: Recording, chance: Chance) => Promise<World>;
