import type { ClusterService, UpdateStatus } from "../../model/swarm/objects";
import { placementOf, updatePolicyOf, type ResourceSpec, type ServicePort, type ServiceSpec, type UpdatePolicy } from "../../model/swarm/service-spec";
import { formatDuration, humanDuration } from "../duration";
import { bytesText } from "./node-inspect";
import { healthLines, logDriverLines, mountLines } from "./process-answer";
import { capabilityName } from "./process-flags";
import { isOfStack } from "./service-inspect";
import { taggedImage } from "./tasks";

/** `docker service inspect --pretty` (docker/cli cli/command/service/formatter.go). `nameOf`: of a network by its ID. */
export function prettyService({ id, spec, ports, updateStatus }: ClusterService, now: number, nameOf: (network: string) => string): string {
  const networks = spec.networks.map(({ network }) => `${nameOf(network)} `).join("");
  return [
    "",
    `ID:\t\t${id}`,
    `Name:\t\t${spec.name}`,
    ...labelLines(spec),
    ...modeLines(spec),
    ...statusLines(updateStatus, now),
    "Placement:",
    ...placementLines(spec),
    ...policyLines("UpdateConfig", "Update", updatePolicyOf(spec.update)),
    ...policyLines("RollbackConfig", "Rollback", updatePolicyOf(spec.rollback)),
    ...containerLines(spec),
    "Resources:",
    ...resourceLines("Reservations", spec.reservations),
    ...resourceLines("Limits", spec.limits),
    ...(networks === "" ? [] : [`Networks: ${networks}`]),
    `Endpoint Mode:\t${spec.endpointMode}`,
    ...(ports.length === 0 ? [] : ["Ports:", `${ports.flatMap(portLines).join("\n")} `]),
    ...healthLines(spec.process ?? {}),
  ].join("\n");
}

function labelLines({ labels }: ServiceSpec): string[] {
  const names = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return names.length === 0 ? [] : ["Labels:", ...names.map(([key, value]) => ` ${key}${value === "" ? "" : `=${value}`}`)];
}

function modeLines({ replicas, job }: ServiceSpec): string[] {
  if (job) return ["Service Mode:"];
  return replicas === undefined ? ["Service Mode:\tGlobal"] : ["Service Mode:\tReplicated", ` Replicas:\t${replicas}`];
}

function statusLines(status: UpdateStatus | undefined, now: number): string[] {
  if (!status) return [];
  const completed = status.state === "completed" && status.completedAt !== undefined ? [` Completed:\t${humanDuration(now - status.completedAt)} ago`] : [];
  return ["UpdateStatus:", ` State:\t\t${status.state}`, ` Started:\t${humanDuration(now - status.startedAt)} ago`, ...completed, ` Message:\t${status.message}`];
}

function placementLines(spec: ServiceSpec): string[] {
  const { constraints, preferences, maxPerNode } = placementOf(spec);
  return [
    ...(constraints.length === 0 ? [] : [` Constraints:\t[${constraints.join(" ")}]`]),
    ...(preferences.length === 0 ? [] : [` Preferences:   [${preferences.map((descriptor) => `spread=${descriptor}`).join(" ")}]`]),
    ...(maxPerNode === 0 ? [] : [` Max Replicas Per Node:   ${maxPerNode}`]),
  ];
}

const ORDER_WIDTH = " Update order:      ".length;

function policyLines(title: string, word: string, { parallelism, delay, failureAction, monitor, maxFailureRatio, order }: UpdatePolicy): string[] {
  return [
    `${title}:`,
    ` Parallelism:\t${parallelism}`,
    ...(delay === 0 ? [] : [` Delay:\t\t${formatDuration(delay)}`]),
    ` On failure:\t${failureAction}`,
    ` Monitoring Period: ${formatDuration(monitor)}`,
    ` Max failure ratio: ${maxFailureRatio}`,
    `${` ${word} order:`.padEnd(ORDER_WIDTH)}${order}`,
  ];
}

function containerLines(spec: ServiceSpec): string[] {
  const { container, secrets = [], configs = [], process = {} } = spec;
  const { image, command = [], env = [], capAdd = [], sysctls = {} } = container;
  const { workdir = "", user = "", init = false, capDrop = [] } = process;
  const words = (list: readonly string[]) => list.map((text) => `${text} `).join("");
  const names = Object.entries(sysctls).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    "ContainerSpec:",
    ` Image:\t\t${taggedImage(image?.name)}`,
    ...(command.length === 0 ? [] : [` Args:\t\t${words(command)}`]),
    ...(env.length === 0 ? [] : [` Env:\t\t${words(env)}`]),
    ...(workdir === "" ? [] : [` Dir:\t\t${workdir}`]),
    ...(isOfStack(spec) ? [] : [` Init:\t\t${init}`]),
    ...(user === "" ? [] : [` User: ${user}`]),
    ...(capAdd.length + capDrop.length === 0 ? [] : ["Capabilities:"]),
    ...(capAdd.length === 0 ? [] : [` Add: ${capAdd.map(capabilityName).join(", ")}`]),
    ...(capDrop.length === 0 ? [] : [` Drop: ${capDrop.join(", ")}`]),
    ...(names.length === 0 ? [] : ["SysCtls:", ...names.map(([key, value]) => ` ${key}${value === "" ? "" : `: ${value}`}`)]),
    ...mountLines(process),
    ...(configs.length === 0 ? [] : ["Configs:", ...configs.map(({ name, target }) => ` Target:\t${target}\n  Source:\t${name}`)]),
    ...(secrets.length === 0 ? [] : ["Secrets:", ...secrets.map(({ name, target }) => ` Target:\t${target}\n  Source:\t${name}`)]),
    ...logDriverLines(process),
  ];
}

function resourceLines(title: string, resources: ResourceSpec | undefined): string[] {
  const { nanoCpus = 0, memoryBytes = 0, pids = 0 } = resources ?? {};
  if (nanoCpus === 0 && memoryBytes === 0 && pids === 0) return [];
  return [
    ` ${title}:`,
    ...(nanoCpus === 0 ? [] : [`  CPU:\t\t${nanoCpus / 1e9}`]),
    ...(memoryBytes === 0 ? [] : [`  Memory:\t${bytesText(memoryBytes)}`]),
    ...(pids === 0 ? [] : [`  PIDs:\t\t${pids}`]),
  ];
}

function portLines({ published, protocol, target, mode }: ServicePort): string[] {
  return [` PublishedPort = ${published}`, `  Protocol = ${protocol}`, `  TargetPort = ${target}`, `  PublishMode = ${mode}`];
}
