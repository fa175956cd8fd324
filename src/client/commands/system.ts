import { SimulationError } from "../../errors";
import { NONE, type Command, type CommandGroup } from "../command";
import { Failure } from "../outcome";
import { filtersOf, readFilter } from "../values";
import { pruneContainers } from "./lifecycle";
import { agrees, pruneNetworks } from "./network";

export const SYSTEM_GROUP: CommandGroup = {
  path: "system",
  short: "Manage Docker",
  commands: [
    ["df", "Show docker disk usage"],
    ["events", "Get real time events from the server"],
    ["info", "Display system-wide information"],
    ["prune", "Remove unused data"],
  ],
};

/** docker/cli cli/command/system/prune.go. */
const WARNING = `WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all dangling images
  - all dangling build cache
`;

const PRUNE: Command = {
  path: "system prune",
  usage: "[OPTIONS]",
  short: "Remove unused data",
  count: NONE,
  flags: [
    { name: "all", short: "a", kind: "switch" },
    { name: "filter", kind: "list", read: readFilter },
    { name: "force", short: "f", kind: "switch" },
    { name: "volumes", kind: "switch" },
  ],
  run({ daemon, flags, stdin, output }) {
    const filters = filtersOf(flags.all("filter"));
    if (flags.on("volumes") && filters.has("until")) throw new Failure('ERROR: The "until" filter is not supported with "--volumes"');
    if (!flags.on("force") && !agrees(WARNING, stdin, output)) return;
    const containers = pruneContainers(daemon, filters);
    const networks = pruneNetworks(daemon, filters);
    if (containers.length > 0) output.line(["Deleted Containers:", ...containers, ""].join("\n"));
    if (networks.length > 0) output.line(["Deleted Networks:", ...networks, ""].join("\n"));
    output.line("Total reclaimed space: 0B");
  },
};

const USAGE: Command = {
  path: "system df",
  usage: "[OPTIONS]",
  short: "Show docker disk usage",
  count: NONE,
  flags: [
    { name: "format", kind: "text" },
    { name: "verbose", short: "v", kind: "switch" },
  ],
  run() {
    throw new SimulationError("UNSUPPORTED", "docker system df: disks are not simulated");
  },
};

export const SYSTEM_COMMANDS: readonly Command[] = [PRUNE, USAGE];
