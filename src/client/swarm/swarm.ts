import type { NodeRole } from "../../model/swarm/objects";
import { parseCidr } from "../../net/cidr";
import type { SwarmChange } from "../../model/swarm/operations";
import { commandHelp, exactly, NONE, type Call, type Command } from "../command";
import { parseDuration } from "../duration";
import type { FlagSpec, FlagValues } from "../flags";
import { GoError } from "../go";
import { Failure } from "../outcome";
import { ask } from "../refusals";
import { readDuration } from "../values";
import { CERTIFICATES, EXTERNAL_CA } from "./certificates";
import { descriptionOf } from "./groups";
import { refuseOthers } from "./other-flags";

/** docker/cli cli/command/swarm/opts.go: addSwarmFlags. */
const SETTING_FLAGS: readonly FlagSpec[] = [
  { name: "cert-expiry", kind: "text", read: readDuration, about: ["duration", "Validity period for node certificates (ns|us|ms|s|m|h) (default 2160h0m0s)"] },
  { name: "dispatcher-heartbeat", kind: "text", read: readDuration, about: ["duration", "Dispatcher heartbeat period (ns|us|ms|s|m|h) (default 5s)"] },
  { name: "max-snapshots", kind: "number", about: ["uint", "Number of additional Raft snapshots to retain"] },
  { name: "snapshot-interval", kind: "number", about: ["uint", "Number of log entries between Raft snapshots (default 10000)"] },
  { name: "task-history-limit", kind: "number", about: ["int", "Task history retention limit (default 5)"] },
  EXTERNAL_CA,
];

/** docker/cli cli/command/swarm/init.go. */
const INIT: Command = {
  path: "swarm init",
  usage: "[OPTIONS]",
  short: descriptionOf("swarm init"),
  count: NONE,
  flags: [
    { name: "advertise-addr", kind: "text" },
    { name: "data-path-addr", kind: "text" },
    { name: "data-path-port", kind: "number" },
    { name: "default-addr-pool", kind: "list", read: readPool },
    { name: "default-addr-pool-mask-length", kind: "number" },
    { name: "force-new-cluster", kind: "switch" },
    { name: "listen-addr", kind: "text" },
    { name: "autolock", kind: "switch" },
    { name: "availability", kind: "text" },
    ...SETTING_FLAGS,
  ],
  run(call) {
    const { daemon, flags, output } = call;
    refuseOthers(call);
    const port = flags.number("data-path-port", 0);
    const pools = flags.all("default-addr-pool").map((text) => parseCidr(text, "default-addr-pool"));
    const settings = readSettings(flags);
    const node = ask(() =>
      daemon.swarm.init({
        advertiseAddress: flags.text("advertise-addr"),
        ...(flags.text("data-path-addr") !== "" && { dataPathAddress: flags.text("data-path-addr") }),
        ...(flags.text("listen-addr") !== "" && { listenAddress: flags.text("listen-addr") }),
        ...(port !== 0 && { dataPathPort: port }),
        ...(pools.length > 0 && { pools }),
        ...availabilityOf(flags),
        autolock: flags.on("autolock"),
        forceNewCluster: flags.on("force-new-cluster"),
        ...(settings.taskHistoryLimit !== undefined && { taskHistoryLimit: settings.taskHistoryLimit }),
        ...(flags.has("default-addr-pool-mask-length") && { maskLength: flags.number("default-addr-pool-mask-length", 24) }),
      }),
    );
    output.line(`Swarm initialized: current node (${node.id}) is now a manager.\n`);
    printJoin(call, "worker");
    output.line("To add a manager to this swarm, run 'docker swarm join-token manager' and follow the instructions.\n");
    if (flags.on("autolock")) printUnlockKey(call, ask(() => daemon.swarm.unlockKey()) ?? "");
  },
};

function readPool(text: string): string {
  if (!/^[\d.]+\/\d+$/.test(text)) throw new GoError(`invalid string being converted to CIDR: ${text}`);
  return text;
}

function availabilityOf(flags: FlagValues): { readonly availability?: string } {
  if (!flags.has("availability")) return {};
  const text = flags.text("availability").toLowerCase();
  if (!["active", "pause", "drain"].includes(text)) throw new Failure(`invalid availability ${JSON.stringify(flags.text("availability"))}, only active, pause and drain are supported`);
  return { availability: text };
}

function readSettings(flags: FlagValues): SwarmChange {
  return {
    ...(flags.has("autolock") && { autolock: flags.on("autolock") }),
    ...(flags.has("task-history-limit") && { taskHistoryLimit: flags.number("task-history-limit", 0) }),
    ...(flags.has("dispatcher-heartbeat") && { heartbeat: parseDuration(flags.text("dispatcher-heartbeat")) }),
    ...(flags.has("cert-expiry") && { certificateExpiry: parseDuration(flags.text("cert-expiry")) }),
  };
}

/** docker/cli cli/command/swarm/unlock_key.go: printUnlockCommand. */
function printUnlockKey({ output }: Call, key: string): void {
  output.line(
    `To unlock a swarm manager after it restarts, run the \`docker swarm unlock\`\ncommand and provide the following key:\n\n    ${key}\n\n` +
      "Please remember to store this key in a password manager, since without it you\nwill not be able to restart the manager.",
  );
}

function printJoin({ daemon, output }: Call, role: NodeRole): void {
  const { token, remote } = ask(() => daemon.swarm.token(role));
  output.line(`To add a ${role} to this swarm, run the following command:\n\n    docker swarm join --token ${token} ${remote}\n`);
}

const JOIN: Command = {
  path: "swarm join",
  usage: "[OPTIONS] HOST:PORT",
  short: descriptionOf("swarm join"),
  count: exactly(1),
  flags: [
    { name: "advertise-addr", kind: "text" },
    { name: "data-path-addr", kind: "text" },
    { name: "listen-addr", kind: "text" },
    { name: "availability", kind: "text" },
    { name: "token", kind: "text" },
  ],
  run(call) {
    const { daemon, flags, args, output } = call;
    refuseOthers(call);
    const node = ask(() =>
      daemon.swarm.join({
        token: flags.text("token"),
        remote: args[0] ?? "",
        advertiseAddress: flags.text("advertise-addr"),
        ...availabilityOf(flags),
        ...(flags.text("data-path-addr") !== "" && { dataPathAddress: flags.text("data-path-addr") }),
      }),
    );
    output.line(`This node joined a swarm as a ${node.role}.`);
  },
};

const LEAVE: Command = {
  path: "swarm leave",
  usage: "[OPTIONS]",
  short: descriptionOf("swarm leave"),
  count: NONE,
  flags: [{ name: "force", short: "f", kind: "switch" }],
  run({ daemon, flags, output }) {
    ask(() => daemon.swarm.leave(flags.on("force")));
    output.line("Node left the swarm.");
  },
};

const JOIN_TOKEN: Command = {
  path: "swarm join-token",
  usage: "[OPTIONS] (worker|manager)",
  short: descriptionOf("swarm join-token"),
  count: exactly(1),
  flags: [{ name: "quiet", short: "q", kind: "switch" }, { name: "rotate", kind: "switch" }],
  run(call) {
    const { daemon, flags, args, output } = call;
    const role = args[0] ?? "";
    if (role !== "worker" && role !== "manager") throw new Failure(`unknown role ${role}`);
    const isQuiet = flags.on("quiet");
    if (flags.on("rotate")) {
      ask(() => daemon.swarm.rotateToken(role));
      if (!isQuiet) output.line(`Successfully rotated ${role} join token.\n`);
    }
    if (isQuiet) output.line(ask(() => daemon.swarm.token(role)).token);
    else printJoin(call, role);
  },
};

/** docker/cli cli/command/swarm/update.go. */
const UPDATE: Command = {
  path: "swarm update",
  usage: "[OPTIONS]",
  short: descriptionOf("swarm update"),
  count: NONE,
  flags: [{ name: "autolock", kind: "switch", about: ["", "Change manager autolocking setting (true|false)"] }, ...SETTING_FLAGS],
  run(call) {
    const { command, daemon, flags, output } = call;
    refuseOthers(call);
    if (!command.flags.some(({ name }) => flags.has(name))) {
      output.stdout += commandHelp(command);
      return;
    }
    const before = ask(() => daemon.swarm.unlockKey());
    ask(() => daemon.swarm.update(readSettings(flags)));
    output.line("Swarm updated.");
    const after = daemon.swarm.unlockKey();
    if (before === undefined && after !== undefined) printUnlockKey(call, after);
  },
};

/** docker/cli cli/command/swarm/unlock_key.go. */
const UNLOCK_KEY: Command = {
  path: "swarm unlock-key",
  usage: "[OPTIONS]",
  short: descriptionOf("swarm unlock-key"),
  count: NONE,
  flags: [{ name: "quiet", short: "q", kind: "switch" }, { name: "rotate", kind: "switch" }],
  run(call) {
    const { daemon, flags, output } = call;
    const key = wrap("could not fetch unlock key: ", () => ask(() => daemon.swarm.unlockKey()));
    if (flags.on("rotate")) {
      if (key === undefined) throw new Failure("cannot rotate because autolock is not turned on");
      daemon.swarm.rotateUnlockKey();
      if (!flags.on("quiet")) output.line("Successfully rotated manager unlock key.\n");
    }
    const shown = daemon.swarm.unlockKey();
    if (shown === undefined) throw new Failure("no unlock key is set");
    if (flags.on("quiet")) output.line(shown);
    else printUnlockKey(call, shown);
  },
};

function wrap<T>(prefix: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof Failure ? new Failure(`${prefix}${error.message}`) : error;
  }
}

const UNLOCK: Command = {
  path: "swarm unlock",
  usage: "",
  short: descriptionOf("swarm unlock"),
  count: NONE,
  flags: [],
  run({ daemon, stdin }) {
    const { localState } = daemon.swarm;
    if (localState === "inactive") throw new Failure("Error: This node is not part of a swarm");
    if (localState !== "locked") throw new Failure("Error: swarm is not locked");
    ask(() => daemon.swarm.unlock(stdin.split("\n")[0] ?? ""));
  },
};

export const SWARM_VERBS: readonly Command[] = [INIT, JOIN, LEAVE, JOIN_TOKEN, UPDATE, UNLOCK_KEY, UNLOCK, CERTIFICATES];
