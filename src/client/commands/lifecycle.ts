import { SimulationError } from "../../errors";
import { atLeast, exactly, isOf29, NONE, type Call, type Command } from "../command";
import type { FlagSpec } from "../flags";
import { Failure } from "../outcome";
import { ask, find, forEachName, notFoundOr, responseOf } from "../refusals";
import { labelsOf } from "../../model/inspect/container";
import { checkUntil, filtersOf, hasLabel, readFilter } from "../values";
import { agrees } from "./network";
import { runStarted, settle, startOf } from "./processes";

const SEVERAL = { usage: "[OPTIONS] CONTAINER [CONTAINER...]", count: atLeast(1) } as const;
const SIGNAL: FlagSpec = { name: "signal", short: "s", kind: "text" };
const TIME: FlagSpec = { name: "time", short: "t", kind: "number" };

/** Does something with each container that was named, and prints the names for which it worked. */
function each({ args, output }: Call, act: (name: string) => void, say: (name: string, error: unknown) => string = (_, error) => responseOf(error)): string[] {
  const done: string[] = [];
  forEachName(args, (name) => output.line(name), (name) => {
    act(name);
    done.push(name);
  }, say);
  return done;
}

const START: Command = {
  path: "start",
  ...SEVERAL,
  short: "Start one or more stopped containers",
  flags: [
    { name: "attach", short: "a", kind: "switch" },
    { name: "detach-keys", kind: "text" },
    { name: "interactive", short: "i", kind: "switch" },
  ],
  async run(call) {
    const refused: string[] = [];
    const started: string[] = [];
    if (call.flags.on("attach") || call.flags.on("interactive")) return startAttached(call);
    for (const name of call.args) {
      try {
        const wasRunning = call.daemon.findContainer(name).running;
        call.daemon.startContainer(name);
        call.output.line(name);
        if (!wasRunning) started.push(name);
      } catch (error) {
        call.output.warn(responseOf(error));
        refused.push(name);
      }
    }
    await runStarted(call, started);
    if (refused.length > 0) throw new Failure(`Error: failed to start containers: ${refused.join(", ")}`);
  },
};

/** To attach to it, the client looks at the container first, and then waits for its end. */
async function startAttached(call: Call): Promise<void> {
  const [name = "", another] = call.args;
  if (another !== undefined) throw new Failure("you cannot start and attach multiple containers at once");
  const { running } = find("container", name, () => call.daemon.findContainer(name));
  if (!running) ask(() => call.daemon.startContainer(name));
  const outcome = running ? undefined : await startOf(call, name);
  if (!outcome) throw new SimulationError("UNSUPPORTED", `docker start --attach ${name}: the container's process does not end; the terminal is not simulated`);
  await settle(call, name, outcome);
  if (call.flags.on("attach")) {
    call.output.stdout += outcome.stdout;
    call.output.stderr += outcome.stderr;
  }
  if (outcome.exit !== 0) throw new Failure("", outcome.exit);
}

const STOP: Command = {
  path: "stop",
  ...SEVERAL,
  short: "Stop one or more running containers",
  flags: [TIME],
  run: (call) => void each(call, (name) => call.daemon.stopContainer(name)),
};

const RESTART: Command = {
  path: "restart",
  ...SEVERAL,
  short: "Restart one or more containers",
  flags: [TIME],
  async run(call) {
    const started: string[] = [];
    try {
      each(call, (name) => {
        call.daemon.restartContainer(name);
        started.push(name);
      });
    } finally {
      await runStarted(call, started);
    }
  },
};

const KILL: Command = {
  path: "kill",
  ...SEVERAL,
  short: "Kill one or more running containers",
  flags: [SIGNAL],
  run: (call) => void each(call, (name) => call.daemon.killContainer(name, call.flags.has("signal") ? call.flags.text("signal") : "KILL")),
};

const REMOVE: Command = {
  path: "rm",
  ...SEVERAL,
  short: "Remove one or more containers",
  flags: [
    { name: "force", short: "f", kind: "switch" },
    { name: "link", short: "l", kind: "switch" },
    { name: "volumes", short: "v", kind: "switch" },
  ],
  run({ daemon, flags, args, output }) {
    const force = flags.on("force");
    const refusals: string[] = [];
    for (const [index, name] of args.entries()) {
      // The client removes all at once, and the second request meets the first.
      if (!flags.on("link") && args.indexOf(name) < index) {
        refusals.push(`Error response from daemon: removal of container ${name} is already in progress`);
        continue;
      }
      try {
        if (flags.on("link")) daemon.removeLink(name);
        else daemon.removeContainer(name, { force });
        output.line(name);
      } catch (error) {
        const text = notFoundOr("container", name, error);
        // With --force, what is not there need not be removed: 20.10 says so, and it is no failure.
        if (!force || !text.startsWith("Error: No such container")) refusals.push(text);
        else if (!isOf29(daemon)) output.warn(text);
      }
    }
    if (refusals.length > 0) throw new Failure(refusals.join("\n"));
  },
};

const RENAME: Command = {
  path: "rename",
  usage: "CONTAINER NEW_NAME",
  short: "Rename a container",
  count: exactly(2),
  flags: [],
  run({ daemon, args, output }) {
    const [from = "", to = ""] = args.map((name) => name.trim());
    if (from === "" || to === "") throw new Failure(isOf29(daemon) ? `failed to rename container: ${from === "" ? "invalid container name or ID: value is empty" : "new name cannot be blank"}` : "Error: Neither old nor new names may be empty");
    try {
      daemon.renameContainer(from, to);
    } catch (error) {
      output.warn(responseOf(error));
      throw new Failure(`Error: failed to rename container named ${from}`);
    }
  },
};

const PAUSE: Command = {
  path: "pause",
  usage: "CONTAINER [CONTAINER...]",
  short: "Pause all processes within one or more containers",
  count: atLeast(1),
  flags: [],
  run: (call) => void each(call, (name) => call.daemon.pauseContainer(name)),
};

const UNPAUSE: Command = {
  path: "unpause",
  usage: "CONTAINER [CONTAINER...]",
  short: "Unpause all processes within one or more containers",
  count: atLeast(1),
  flags: [],
  run: (call) => void each(call, (name) => call.daemon.unpauseContainer(name)),
};

const WAIT: Command = {
  path: "wait",
  usage: "CONTAINER [CONTAINER...]",
  short: "Block until one or more containers stop, then print their exit codes",
  count: atLeast(1),
  flags: [],
  run({ daemon, args, output }) {
    const refusals: string[] = [];
    for (const name of args) {
      try {
        output.line(String(daemon.findContainer(name).exitCode));
      } catch (error) {
        refusals.push(responseOf(error));
      }
    }
    if (refusals.length > 0) throw new Failure(refusals.join("\n"));
  },
};

/** moby daemon/prune.go: containersAcceptedFilters. */
const PRUNE_FILTERS: ReadonlySet<string> = new Set(["label", "label!", "until"]);

/**
 * Removes the stopped containers that a prune takes, and returns their IDs.
 *
 * @throws Failure for filters that the daemon does not know.
 */
export function pruneContainers(daemon: Call["daemon"], filters: ReadonlyMap<string, readonly string[]>): string[] {
  const unknown = [...filters.keys()].find((name) => !PRUNE_FILTERS.has(name));
  if (unknown !== undefined) throw new Failure(`Error response from daemon: Invalid filter '${unknown}'`);
  checkUntil(filters);
  // Nothing is older than any time there was, as no clock runs between commands.
  const isRecent = filters.has("until");
  const labelled = (labels: Readonly<Record<string, string>>) =>
    (filters.get("label") ?? []).every((label) => hasLabel(labels, label)) && !(filters.get("label!") ?? []).some((label) => hasLabel(labels, label));
  const stopped = daemon.state().containers.filter(({ running, spec }) => !running && !isRecent && labelled(labelsOf(spec, spec.image))).reverse();
  for (const { id } of stopped) daemon.removeContainer(id);
  return stopped.map(({ id }) => id);
}

const PRUNE: Command = {
  path: "container prune",
  usage: "[OPTIONS]",
  short: "Remove all stopped containers",
  count: NONE,
  flags: [
    { name: "filter", kind: "list", read: readFilter },
    { name: "force", short: "f", kind: "switch" },
  ],
  run({ daemon, flags, stdin, output }) {
    if (!flags.on("force") && !agrees("WARNING! This will remove all stopped containers.", stdin, output)) {
      if (!isOf29(daemon)) output.line("Total reclaimed space: 0B");
      return;
    }
    const gone = pruneContainers(daemon, filtersOf(flags.all("filter")));
    if (gone.length > 0) output.line(["Deleted Containers:", ...gone, ""].join("\n"));
    output.line("Total reclaimed space: 0B");
  },
};

export const LIFECYCLE_COMMANDS: readonly Command[] = [START, STOP, RESTART, KILL, REMOVE, RENAME, PAUSE, UNPAUSE, WAIT, PRUNE];
