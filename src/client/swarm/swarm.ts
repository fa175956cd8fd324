import type { NodeRole } from "../../model/swarm/objects";
import { parseCidr } from "../../net/cidr";
import { exactly, NONE, type Call, type Command } from "../command";
import { Failure } from "../outcome";
import { ask } from "../refusals";
import { descriptionOf } from "./groups";
import { others, refuseOthers } from "./other-flags";

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
    { name: "default-addr-pool", kind: "list" },
    { name: "default-addr-pool-mask-length", kind: "number" },
    { name: "force-new-cluster", kind: "switch" },
    { name: "listen-addr", kind: "text" },
    ...others("autolock", "availability", "cert-expiry", "dispatcher-heartbeat", "external-ca", "max-snapshots", "snapshot-interval", "task-history-limit"),
  ],
  run(call) {
    const { daemon, flags, output } = call;
    refuseOthers(call);
    const port = flags.number("data-path-port", 0);
    if (port !== 0 && (port < 1024 || port > 49151)) {
      throw new Failure(`Error response from daemon: invalid data path port: VXLAN UDP port number is not in valid range (1024-49151): ${port}`);
    }
    const pools = flags.all("default-addr-pool").map((text) => parseCidr(text, "default-addr-pool"));
    const node = ask(() =>
      daemon.swarm.init({
        advertiseAddress: flags.text("advertise-addr"),
        ...(flags.text("data-path-addr") !== "" && { dataPathAddress: flags.text("data-path-addr") }),
        ...(port !== 0 && { dataPathPort: port }),
        ...(pools.length > 0 && { pools }),
        ...(flags.has("default-addr-pool-mask-length") && { maskLength: flags.number("default-addr-pool-mask-length", 24) }),
      }),
    );
    output.line(`Swarm initialized: current node (${node.id}) is now a manager.\n`);
    printJoin(call, "worker");
    output.line("To add a manager to this swarm, run 'docker swarm join-token manager' and follow the instructions.\n");
  },
};

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
    { name: "token", kind: "text" },
    ...others("availability"),
  ],
  run(call) {
    const { daemon, flags, args, output } = call;
    refuseOthers(call);
    const node = ask(() =>
      daemon.swarm.join({
        token: flags.text("token"),
        remote: args[0] ?? "",
        advertiseAddress: flags.text("advertise-addr"),
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
  flags: [{ name: "quiet", short: "q", kind: "switch" }, ...others("rotate")],
  run(call) {
    const { daemon, flags, args, output } = call;
    const role = args[0] ?? "";
    if (role !== "worker" && role !== "manager") throw new Failure(`unknown role ${role}`);
    refuseOthers(call);
    if (flags.on("quiet")) output.line(ask(() => daemon.swarm.token(role)).token);
    else printJoin(call, role);
  },
};

export const SWARM_VERBS: readonly Command[] = [INIT, JOIN, LEAVE, JOIN_TOKEN];
