import { SimulationError } from "../../errors";
import type { ServicePort, ServiceSpec } from "../../model/swarm/service-spec";
import type { NetworkState } from "../../model/state";
import type { Call } from "../command";
import { readPublish } from "../commands/container-options";
import { imageOf } from "../commands/run";
import { splitPair, type FlagSpec, type FlagValues } from "../flags";
import { Failure } from "../outcome";
import { find } from "../refusals";
import { readEnvironment, readLabel } from "../values";
import { others } from "./other-flags";

/** What a service may be asked to have, of `docker service create`. */
export const CREATE_FLAGS: readonly FlagSpec[] = [
  { name: "container-label", kind: "list", read: readLabel },
  { name: "detach", short: "d", kind: "switch" },
  { name: "endpoint-mode", kind: "text" },
  { name: "env", short: "e", kind: "list", read: readEnvironment },
  { name: "hostname", kind: "text" },
  { name: "label", short: "l", kind: "list", read: readLabel },
  { name: "mode", kind: "text" },
  { name: "name", kind: "text" },
  { name: "network", kind: "list" },
  { name: "publish", short: "p", kind: "list" },
  { name: "quiet", short: "q", kind: "switch" },
  { name: "replicas", kind: "number" },
  ...others(
    "cap-add", "cap-drop", "config", "constraint", "credential-spec", "dns", "dns-option", "dns-search", "entrypoint", "env-file", "generic-resource", "group",
    "health-cmd", "health-interval", "health-retries", "health-start-period", "health-timeout", "host", "init", "isolation", "limit-cpu", "limit-memory", "limit-pids",
    "log-driver", "log-opt", "max-concurrent", "mount", "no-healthcheck", "no-resolve-image", "placement-pref", "read-only", "replicas-max-per-node", "reserve-cpu",
    "reserve-memory", "restart-condition", "restart-delay", "restart-max-attempts", "restart-window", "rollback-delay", "rollback-failure-action", "rollback-max-failure-ratio",
    "rollback-monitor", "rollback-order", "rollback-parallelism", "secret", "stop-grace-period", "stop-signal", "sysctl", "tty", "ulimit", "update-delay",
    "update-failure-action", "update-max-failure-ratio", "update-monitor", "update-order", "update-parallelism", "user", "with-registry-auth", "workdir",
  ),
];

export function readService(call: Call): ServiceSpec {
  const { flags, args, images } = call;
  const [reference = "", ...command] = args;
  const image = imageOf(images, reference);
  if (!image) throw new SimulationError("UNSUPPORTED", `docker service create ${reference}: a service of an image that the host does not have is not simulated`);
  const name = flags.text("name");
  if (name === "") throw new SimulationError("UNSUPPORTED", "docker service create: expected --name, as names that managers draw are not simulated");
  return {
    name,
    replicas: replicasOf(flags),
    endpointMode: endpointModeOf(flags) ?? "vip",
    ports: flags.all("publish").flatMap(readPort),
    networks: flags.all("network").map((text) => readNetwork(call, text)),
    labels: flags.map("label"),
    container: {
      // The client names images by their tag to the managers.
      image: { ...image, name: image.name.includes(":") ? image.name : `${image.name}:latest` },
      ...(command.length > 0 && { command }),
      env: flags.all("env").filter((text) => text.includes("=")),
      labels: flags.map("container-label"),
      ...(flags.text("hostname") !== "" && { hostname: flags.text("hostname") }),
    },
  };
}

/** docker/cli cli/command/service/opts.go. */
function replicasOf(flags: FlagValues): number | undefined {
  const mode = flags.has("mode") ? flags.text("mode") : "replicated";
  if (mode === "global") {
    if (flags.has("replicas")) throw new Failure("replicas can only be used with replicated or replicated-job mode");
    return undefined;
  }
  if (mode !== "replicated") throw new SimulationError("UNSUPPORTED", `docker service create --mode ${mode}: expected replicated or global`);
  return flags.number("replicas", 1);
}

export function endpointModeOf(flags: FlagValues): "vip" | "dnsrr" | undefined {
  const mode = flags.text("endpoint-mode");
  if (mode === "") return undefined;
  if (mode !== "vip" && mode !== "dnsrr") throw new SimulationError("UNSUPPORTED", `docker service --endpoint-mode ${mode}: expected vip or dnsrr`);
  return mode;
}

/** `8080:80/tcp`, or `published=8080,target=80,mode=host`. */
export function readPort(text: string): ServicePort[] {
  const isLong = /^\w+=/.test(text);
  const mode = isLong ? (new Map(text.split(",").map(splitPair)).get("mode") ?? "ingress") : "ingress";
  if (mode !== "ingress" && mode !== "host") throw new Failure(`invalid publish mode value (${mode}): must be either '${"ingress"}' or '${"host"}'`);
  const plain = isLong ? text.split(",").filter((field) => !field.startsWith("mode=")).join(",") : text;
  return readPublish(plain).map(({ containerPort, hostPort, protocol }) => {
    if (hostPort && hostPort.from !== hostPort.to) throw new SimulationError("UNSUPPORTED", `docker service --publish ${text}: a range to choose from is not simulated`);
    return { protocol, target: containerPort, published: hostPort?.from ?? 0, mode };
  });
}

/** `back`, or `name=back,alias=db`; the client asks the daemon for its ID. */
export function readNetwork({ daemon }: Call, text: string): { readonly network: string; readonly aliases: readonly string[] } {
  const fields = text.includes("=") ? text.split(",").map(splitPair) : [["name", text] as const];
  const name = fields.find(([key]) => key === "name")?.[1] ?? "";
  const network = find("network", name, () => daemon.findNetwork(name));
  return { network: keyOf(network), aliases: fields.filter(([key]) => key === "alias").map(([, alias]) => alias) };
}

/** Networks of each node are known by name. */
function keyOf(network: NetworkState): string {
  if (network.scope === "swarm") return network.id;
  if (["bridge", "host", "none"].includes(network.name)) return network.name;
  const words = `The network ${network.name} cannot be used with services. Only networks scoped to the swarm can be used, such as those created with the overlay driver.`;
  throw new Failure(`Error response from daemon: rpc error: code = InvalidArgument desc = ${words}`);
}
