import type { ServiceSpec } from "../../model/swarm/service-spec";
import type { NetworkState } from "../../model/state";
import type { Call } from "../command";
import { imageOf } from "../commands/run";
import type { ImageSpec } from "../../model/spec";
import { splitPair, type FlagSpec, type FlagValues } from "../flags";
import { GoError, parseCsv, parseUnsigned } from "../go";
import { Failure } from "../outcome";
import { find } from "../refusals";
import { readDnsSearch, readDnsServer, readEnvironment, readExtraHost, readLabel, readSysctl } from "../values";
import { others } from "./other-flags";
import { PORT_READERS, readPort } from "./port-flag";
import { PROCESS_FLAGS, processOf } from "./process-flags";
import { placementOfFlags, checkFileReference, policyOf, POLICY_FLAGS, PREFERENCE_FLAG, readFileReferences, resourcesOf, restartOf } from "./service-policies";

/** What a service may be asked to have, of `docker service create`. */
export const CREATE_FLAGS: readonly FlagSpec[] = [
  { name: "cap-add", kind: "list" },
  { name: "config", kind: "list", read: checkFileReference("config") },
  { name: "constraint", kind: "list" },
  { name: "container-label", kind: "list", read: readLabel },
  { name: "detach", short: "d", kind: "switch" },
  { name: "dns", kind: "list", read: readDnsServer },
  { name: "dns-option", kind: "list" },
  { name: "dns-search", kind: "list", read: readDnsSearch },
  { name: "endpoint-mode", kind: "text" },
  { name: "env", short: "e", kind: "list", read: readEnvironment },
  { name: "host", kind: "list", read: readExtraHost },
  { name: "hostname", kind: "text" },
  { name: "label", short: "l", kind: "list", read: readLabel },
  { name: "max-concurrent", kind: "text", read: readCount },
  { name: "mode", kind: "text" },
  { name: "name", kind: "text" },
  { name: "network", kind: "list", read: readNetworkText },
  { name: "no-resolve-image", kind: "switch" },
  PREFERENCE_FLAG,
  { name: "publish", short: "p", kind: "list", ...PORT_READERS },
  { name: "quiet", short: "q", kind: "switch" },
  { name: "replicas", kind: "text", read: readCount },
  { name: "secret", kind: "list", read: checkFileReference("secret") },
  { name: "sysctl", kind: "list", read: readSysctl },
  { name: "with-registry-auth", kind: "switch" },
  ...POLICY_FLAGS,
  ...PROCESS_FLAGS,
  ...others("credential-spec", "env-file", "generic-resource", "isolation"),
];

const MOST_REPLICAS = 2 ** 53;

/** How many tasks. */
export function readCount(text: string): string {
  parseUnsigned(text, MOST_REPLICAS);
  return text;
}

export function readService(call: Call): ServiceSpec {
  const { flags, args, images, daemon } = call;
  const [reference = "", ...command] = args;
  const mode = modeOf(flags);
  const process = processOf(flags);
  const [update, rollback] = [policyOf(flags, "update", undefined), policyOf(flags, "rollback", undefined)];
  if (mode.job && (update ?? rollback)) throw new Failure("update and rollback configuration is not supported for jobs");
  const [restart, limits, reservations, placement] = [restartOf(flags, undefined), resourcesOf(flags, "limit", undefined), resourcesOf(flags, "reserve", undefined), placementOfFlags(flags)];
  if (placement?.maxPerNode !== undefined && mode.replicas === undefined) throw new Failure("replicas-max-per-node can only be used with replicated or replicated-job mode");
  const files = (kind: "secret" | "config") => readFileReferences(call, kind, flags.all(kind));
  return {
    name: flags.text("name") === "" ? daemon.makeName() : flags.text("name"),
    ...mode,
    endpointMode: endpointModeOf(flags) ?? "vip",
    ports: flags.all("publish").flatMap(readPort),
    networks: flags.all("network").map((text) => readNetwork(call, text)),
    labels: flags.map("label"),
    container: {
      image: imageOfService(images, reference),
      ...(command.length > 0 && { command }),
      env: flags.all("env").filter((text) => text.includes("=")),
      labels: flags.map("container-label"),
      ...(flags.text("hostname") !== "" && { hostname: flags.text("hostname") }),
      ...containerFlags(flags),
    },
    ...(process && { process }),
    ...(restart && { restart }),
    ...(update && { update }),
    ...(rollback && { rollback }),
    ...(placement && { placement }),
    ...(limits && { limits }),
    ...(reservations && { reservations }),
    ...(flags.has("secret") && { secrets: files("secret") }),
    ...(flags.has("config") && { configs: files("config") }),
  };
}

function containerFlags(flags: FlagValues): Partial<ServiceSpec["container"]> {
  return {
    ...(flags.has("cap-add") && { capAdd: flags.all("cap-add") }),
    ...(flags.has("dns") && { dns: flags.all("dns") }),
    ...(flags.has("dns-search") && { dnsSearch: flags.all("dns-search") }),
    ...(flags.has("dns-option") && { dnsOptions: flags.all("dns-option") }),
    ...(flags.has("sysctl") && { sysctls: flags.map("sysctl") }),
    ...(flags.has("host") && { extraHosts: flags.all("host").map(hostOf) }),
  };
}

/** `db:10.0.0.5`. */
export function hostOf(text: string): { readonly name: string; readonly address: string } {
  return { name: text.slice(0, text.indexOf(":")), address: text.slice(text.indexOf(":") + 1) };
}

/** The client names images by their tag to the managers; a node that has none of that name cannot run a task of it. */
export function imageOfService(images: Call["images"], reference: string): ImageSpec {
  const found = imageOf(images, reference) ?? { name: reference, expose: [], env: [], labels: {}, command: [], isMissing: true };
  return { ...found, name: found.name.includes(":") ? found.name : `${found.name}:latest` };
}

/** docker/cli cli/command/service/opts.go: ToServiceMode. */
function modeOf(flags: FlagValues): Pick<ServiceSpec, "replicas" | "job"> {
  const mode = flags.has("mode") ? flags.text("mode") : "replicated";
  const isJob = mode === "replicated-job" || mode === "global-job";
  if (mode === "global" || mode === "global-job") {
    if (flags.has("replicas")) throw new Failure("replicas can only be used with replicated or replicated-job mode");
    if (flags.has("max-concurrent")) throw new Failure("max-concurrent can only be used with replicated-job mode");
    return { replicas: undefined, ...(isJob && { job: { maxConcurrent: 0 } }) };
  }
  if (mode !== "replicated" && !isJob) throw new Failure(`Unknown mode: ${mode}, only replicated and global supported`);
  if (flags.has("max-concurrent") && !isJob) throw new Failure("max-concurrent can only be used with replicated-job mode");
  const replicas = flags.has("replicas") ? Number(flags.text("replicas")) : 1;
  return { replicas, ...(isJob && { job: { maxConcurrent: flags.has("max-concurrent") ? Number(flags.text("max-concurrent")) : replicas } }) };
}

export function endpointModeOf(flags: FlagValues): "vip" | "dnsrr" | undefined {
  const mode = flags.text("endpoint-mode");
  if (mode === "") return undefined;
  if (mode !== "vip" && mode !== "dnsrr") throw new Failure(`Error response from daemon: invalid resolution mode: ${JSON.stringify(mode)}`);
  return mode;
}

/** docker/cli opts/network.go: `back`, or `name=back,alias=db`. */
export function readNetworkText(text: string): string {
  if (!text.includes("=")) return text;
  const unknown = parseCsv(text).map(splitPair).find(([key]) => !["name", "alias", "driver-opt"].includes(key));
  if (unknown) throw new GoError(`invalid field key ${unknown[0]}`);
  return text;
}

/** The client asks the daemon for its ID. */
export function readNetwork({ daemon }: Call, text: string): { readonly network: string; readonly aliases: readonly string[] } {
  const fields = text.includes("=") ? text.split(",").map(splitPair) : [["name", text] as const];
  const name = fields.find(([key]) => key === "name")?.[1] ?? "";
  const network = find("network", name, () => daemon.findNetwork(name));
  return { network: keyOf(network, name), aliases: fields.filter(([key]) => key === "alias").map(([, alias]) => alias) };
}

/** Of networks of each node, services can have those that every node has, by name. */
function keyOf(network: NetworkState, name: string): string {
  if (network.scope === "swarm") return network.id;
  if (network.name === "bridge" || network.name === "host") return network.name;
  throw new Failure(`Error: No such network: ${name}`);
}
