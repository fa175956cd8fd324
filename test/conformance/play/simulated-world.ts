/** The machines of a scenario, simulated. */
import { SimulationError } from "../../../src/errors";
import { Daemon } from "../../../src/model/daemon";
import { rulesOf } from "../../../src/model/generations";
import { DockerCommands } from "../../support/docker-command";
import type { CommandResult, Recording, Row } from "../recording";
import type { Names } from "../names";
import type { World, WorldOf } from "./world";

export type EngineChoice = "wasm" | "ts" | "both";

export function simulatedWorld(engine: EngineChoice): WorldOf {
  return async (recording) => new SimulatedWorld(recording, engine);
}

class SimulatedWorld implements World {
  readonly #hosts: ReadonlyMap<string, { readonly daemon: Daemon; readonly commands: DockerCommands }>;

  constructor({ hosts }: Recording, _engine: EngineChoice) {
    this.#hosts = new Map(
      Object.keys(hosts).map((name, index) => {
        const daemon = new Daemon({ host: { name, cpus: 1, backlog: 1000 }, rules: rulesOf("20.10"), seed: index });
        return [name, { daemon, commands: new DockerCommands(daemon) }];
      }),
    );
  }

  async docker(host: string, argv: readonly string[], _stdin: string): Promise<CommandResult> {
    const outcome = this.#hosts.get(host)!.commands.run(argv);
    if (outcome === "ignored") throw new Error("not known");
    if (outcome === "done") return { exit: 0, stdout: "", stderr: "" };
    const error = outcome.refused;
    if (!(error instanceof SimulationError)) throw error;
    return { exit: 1, stdout: "", stderr: `Error response from daemon: ${error.details.daemon ?? error.message}` };
  }

  command = this.#unknown;
  serve = this.#unknown;
  restartDaemon = this.#unknown;
  observe = this.#unknown;
  capture = this.#unknown;

  async sleep(): Promise<void> {}

  learnIds(names: Names): void {
    for (const [host, { daemon }] of this.#hosts) {
      for (const { name, id } of daemon.networks()) names.learnId(id, `net:${host}/${name}`);
      for (const { name, id } of daemon.containers()) names.learnId(id, `ctr:${host}/${name}`);
    }
  }

  async probe(_rows: readonly Row[], _twice: boolean): Promise<readonly Row[]> {
    return this.#unknown();
  }

  async #unknown(): Promise<never> {
    throw new Error("not simulated yet");
  }

  async dispose(): Promise<void> {}
}
