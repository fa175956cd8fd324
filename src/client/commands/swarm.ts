import { SimulationError } from "../../errors";
import { atLeast, exactly, NONE, type ArgumentCount, type Command, type CommandGroup } from "../command";
import { Failure, type Output } from "../outcome";

/** What a daemon says that has no swarm (moby daemon/cluster/errors.go). */
const NO_MANAGER =
  'Error response from daemon: This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const NO_SWARM = "Error response from daemon: This node is not part of a swarm";

export const SWARM_GROUPS: readonly CommandGroup[] = [
  {
    path: "swarm",
    short: "Manage Swarm",
    commands: [
      ["ca", "Display and rotate the root CA"],
      ["init", "Initialize a swarm"],
      ["join", "Join a swarm as a node and/or manager"],
      ["join-token", "Manage join tokens"],
      ["leave", "Leave the swarm"],
      ["unlock", "Unlock swarm"],
      ["unlock-key", "Manage the unlock key"],
      ["update", "Update the swarm"],
    ],
  },
  {
    path: "service",
    short: "Manage services",
    commands: [
      ["create", "Create a new service"],
      ["inspect", "Display detailed information on one or more services"],
      ["logs", "Fetch the logs of a service or task"],
      ["ls", "List services"],
      ["ps", "List the tasks of one or more services"],
      ["rm", "Remove one or more services"],
      ["rollback", "Revert changes to a service's configuration"],
      ["scale", "Scale one or multiple replicated services"],
      ["update", "Update a service"],
    ],
  },
  {
    path: "node",
    short: "Manage Swarm nodes",
    commands: [
      ["demote", "Demote one or more nodes from manager in the swarm"],
      ["inspect", "Display detailed information on one or more nodes"],
      ["ls", "List nodes in the swarm"],
      ["promote", "Promote one or more nodes to manager in the swarm"],
      ["ps", "List tasks running on one or more nodes, defaults to current node"],
      ["rm", "Remove one or more nodes from the swarm"],
      ["update", "Update a node"],
    ],
  },
  {
    path: "secret",
    short: "Manage Docker secrets",
    commands: [
      ["create", "Create a secret from a file or STDIN as content"],
      ["inspect", "Display detailed information on one or more secrets"],
      ["ls", "List secrets"],
      ["rm", "Remove one or more secrets"],
    ],
  },
  {
    path: "config",
    short: "Manage Docker configs",
    commands: [
      ["create", "Create a config from a file or STDIN"],
      ["inspect", "Display detailed information on one or more configs"],
      ["ls", "List configs"],
      ["rm", "Remove one or more configs"],
    ],
  },
];

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

function refuseToken([role = ""]: readonly string[]): never {
  throw new Failure(role === "worker" || role === "manager" ? NO_MANAGER : `unknown role ${role}`);
}

/** Every command that needs a swarm, as a host without one answers it. */
const REFUSED: Readonly<Record<string, Refused>> = {
  "swarm ca": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "swarm join-token": { usage: "[OPTIONS] (worker|manager)", count: exactly(1), refuse: refuseToken },
  "swarm leave": { usage: "[OPTIONS]", count: NONE, refuse: say(NO_SWARM) },
  "swarm unlock-key": { usage: "[OPTIONS]", count: NONE, refuse: say(`could not fetch unlock key: ${NO_MANAGER}`) },
  "service create": { usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]", count: atLeast(1), refuse: noManager },
  "service inspect": { usage: "[OPTIONS] SERVICE [SERVICE...]", count: atLeast(1), refuse: refuseInspection },
  "service ls": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "service ps": { usage: "[OPTIONS] SERVICE [SERVICE...]", count: atLeast(1), refuse: noManager },
  "service rm": { usage: "SERVICE [SERVICE...]", count: atLeast(1), refuse: noManager },
  "node inspect": { usage: "[OPTIONS] self|NODE [NODE...]", count: atLeast(1), refuse: refuseInspection },
  "node ls": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "secret ls": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "config ls": { usage: "[OPTIONS]", count: NONE, refuse: noManager },
  "node ps": { usage: "[OPTIONS] [NODE...]", count: atLeast(0), refuse: noManager },
};

function descriptionOf(path: string): string {
  const [group = "", name = ""] = path.split(" ");
  return SWARM_GROUPS.find((candidate) => candidate.path === group)?.commands.find(([command]) => command === name)?.[1] ?? "";
}

/** The commands of `SWARM_GROUPS`. Differs from Docker: no host is in a swarm, and none can be brought into one. */
export const SWARM_COMMANDS: readonly Command[] = SWARM_GROUPS.flatMap(({ path: group, commands }) => commands.map(([name]) => `${group} ${name}`)).map((path) => {
  const refused = REFUSED[path];
  return {
    path,
    usage: refused?.usage ?? "[OPTIONS]",
    short: descriptionOf(path),
    count: refused?.count ?? atLeast(0),
    flags: [],
    takesAnyFlag: true,
    run({ args, output }) {
      if (refused) refused.refuse(args, output);
      throw new SimulationError("UNSUPPORTED", `docker ${path}: swarms are not simulated yet`);
    },
  };
});
