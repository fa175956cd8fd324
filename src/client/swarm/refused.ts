import { SimulationError } from "../../errors";
import { SWARM_WORDS } from "../../model/swarm/words";
import { atLeast, NONE, type ArgumentCount, type Command } from "../command";
import { Failure, type Output } from "../outcome";
import { ask } from "../refusals";
import { descriptionOf, SWARM_GROUPS } from "./groups";

const NO_MANAGER = `Error response from daemon: ${SWARM_WORDS.noManager}`;

interface Refused {
  readonly usage: string;
  readonly count: ArgumentCount;
  readonly refuse: (args: readonly string[], output: Output) => never;
}

const say = (text: string) => (): never => {
  throw new Failure(text);
};
const noManager = say(NO_MANAGER);

/** `inspect` prints an empty list, and the refusal wrapped in its own words. */
function refuseInspection(_: readonly string[], output: Output): never {
  output.line("[]");
  throw new Failure(`Status: ${NO_MANAGER}, Code: 1`);
}

/** Commands that are not simulated, as a host without a swarm answers them. */
const REFUSED: Readonly<Record<string, Refused>> = {
  "swarm ca": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "swarm unlock-key": { usage: "[OPTIONS]", count: NONE, refuse: say(`could not fetch unlock key: ${NO_MANAGER}`) },
  "node inspect": { usage: "[OPTIONS] self|NODE [NODE...]", count: atLeast(1), refuse: refuseInspection },
  "secret ls": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "config ls": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "node ps": { usage: "[OPTIONS] [NODE...]", count: atLeast(0), refuse: noManager },
};

/** The commands of `SWARM_GROUPS` that `made` lacks: refused without a swarm as Docker does, not simulated in one. */
export function refusedCommands(made: readonly Command[]): Command[] {
  const paths = SWARM_GROUPS.flatMap(({ path: group, commands }) => commands.map(([name]) => `${group} ${name}`));
  return paths.filter((path) => !made.some((command) => command.path === path)).map((path) => {
    const refused = REFUSED[path];
    return {
      path,
      usage: refused?.usage ?? "[OPTIONS]",
      short: descriptionOf(path),
      count: refused?.count ?? atLeast(0),
      flags: [],
      takesAnyFlag: true,
      run({ daemon, args, output }) {
        if (refused && daemon.state().hosts[0]?.swarm?.role === undefined) refused.refuse(args, output);
        throw new SimulationError("UNSUPPORTED", `docker ${path}: this command is not simulated`);
      },
    };
  });
}

/** Refuses what only a manager answers. */
export function checkManager(call: { readonly daemon: Parameters<Command["run"]>[0]["daemon"] }): void {
  ask(() => call.daemon.swarm.nodes());
}

