import { SimulationError } from "../../errors";
import { atLeast, type Command } from "../command";
import type { FlagSpec } from "../flags";
import { Failure } from "../outcome";
import { forEachName, responseOf } from "../refusals";
import { readRestart } from "./container-options";

/** Of resources, which nothing here depends on. */
const OF_RESOURCES = ["blkio-weight", "cpu-period", "cpu-quota", "cpu-rt-period", "cpu-rt-runtime", "cpu-shares", "cpus", "cpuset-cpus", "cpuset-mems", "kernel-memory", "memory", "memory-reservation", "memory-swap", "pids-limit"];
const SHORT: Readonly<Record<string, string>> = { "cpu-shares": "c", memory: "m" };

export const UPDATE: Command = {
  path: "update",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  short: "Update configuration of one or more containers",
  count: atLeast(1),
  flags: [
    { name: "restart", kind: "text" },
    ...OF_RESOURCES.map((name): FlagSpec => ({ name, kind: "text", ...(SHORT[name] !== undefined && { short: SHORT[name] }) })),
  ],
  run({ daemon, flags, args, output }) {
    const other = OF_RESOURCES.find((name) => flags.has(name));
    if (!flags.has("restart") && other === undefined) throw new Failure("you must provide one or more flags when using this command");
    if (other !== undefined) throw new SimulationError("UNSUPPORTED", `docker update --${other}: resources are not simulated`);
    const { restart = "no", restartRetries = 0 } = readRestart(flags.text("restart"));
    forEachName(args, (name) => output.line(name), (name) => daemon.updateContainer(name, { restart, restartRetries }), (_, error) => responseOf(error));
  },
};
