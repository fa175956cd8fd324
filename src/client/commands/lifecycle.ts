import { SimulationError } from "../../errors";
import { atLeast, exactly, NONE, type Call, type Command } from "../command";
import type { FlagSpec } from "../flags";
import { Failure } from "../outcome";
import { find, forEachName, notFoundOr, responseOf } from "../refusals";
import { filtersOf, hasLabel, readFilter } from "../values";
import { agrees } from "./network";
import { runStarted } from "./processes";

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
    // To attach to it, the client looks at the container first.
    const attached = call.flags.on("attach") || call.flags.on("interactive") ? (call.args[0] ?? "") : undefined;
    if (attached !== undefined) find("container", attached, () => call.daemon.findContainer(attached));
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
  run: (call) => void each(call, (name) => call.daemon.killContainer(name)),
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
    if (flags.on("link")) throw new SimulationError("UNSUPPORTED", "docker rm --link: removing links is not simulated");
    const refusals: string[] = [];
    for (const name of args) {
      try {
        daemon.removeContainer(name, { force });
        output.line(name);
      } catch (error) {
        const text = notFoundOr("container", name, error);
        // With --force, what is not there need not be removed: it is said, and is no failure.
        if (force && text.startsWith("Error: No such container")) output.warn(text);
        else refusals.push(text);
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
    if (from === "" || to === "") throw new Failure("Error: Neither old nor new names may be empty");
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
      output.line("Total reclaimed space: 0B");
      return;
    }
    const filters = filtersOf(flags.all("filter"));
    const labelled = (labels: Readonly<Record<string, string>>) =>
      (filters.get("label") ?? []).every((label) => hasLabel(labels, label)) && !(filters.get("label!") ?? []).some((label) => hasLabel(labels, label));
    const stopped = daemon.state().containers.filter(({ running, spec }) => !running && labelled(spec.labels ?? {}));
    for (const { id } of stopped) daemon.removeContainer(id);
    if (stopped.length > 0) output.line(["Deleted Containers:", ...stopped.map(({ id }) => id), ""].join("\n"));
    output.line("Total reclaimed space: 0B");
  },
};

export const LIFECYCLE_COMMANDS: readonly Command[] = [START, STOP, RESTART, KILL, REMOVE, RENAME, PAUSE, UNPAUSE, WAIT, PRUNE];
