import { Answer, Nothing, textMap, type AnswerField } from "../../model/inspect/answer";
import { CREATED } from "../../model/inspect/network";
import { PLATFORM } from "../../model/swarm/constraints";
import { MANAGER_PORT } from "../../model/swarm/manager-port";
import { isInTouch, type ClusterNode } from "../../model/swarm/objects";
import type { RootCertificate } from "./root-certificate";
import { tlsInfo } from "./tls-info";
import { capital } from "./words";

/** What Debian's 20.10 names. */
const PLUGINS: Readonly<Record<string, readonly string[]>> = {
  Log: ["awslogs", "fluentd", "gcplogs", "gelf", "journald", "json-file", "local", "logentries", "splunk", "syslog"],
  Network: ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"],
  Volume: ["local"],
};

/** moby api/types/swarm. */
export const NODE_TYPES = {
  "": "swarm.Node", Version: "swarm.Version", Spec: "swarm.NodeSpec", Description: "swarm.NodeDescription", "Description.Platform": "swarm.Platform", "Description.Resources": "swarm.Resources",
  "Description.Engine": "swarm.EngineDescription", "Description.TLSInfo": "swarm.TLSInfo", Status: "swarm.NodeStatus", ManagerStatus: "*swarm.ManagerStatus",
};

/** What is so of all nodes: the version of their engines, and who issued their certificates. */
export interface NodeFacts {
  readonly engine: string;
  readonly root: RootCertificate;
}

/** What `docker node inspect` shows. Differs from Docker: nodes that are gone have got a certificate of a new root as well. */
export function inspectNode(node: ClusterNode, leader: ClusterNode | undefined, { engine, root }: NodeFacts): Answer {
  const { id, version, labels, role, availability, hostname, status, statusText, address } = node;
  const plugins = Object.entries(PLUGINS).flatMap(([type, names]) => names.map((name) => Answer.of({ Type: type, Name: name })));
  const description = Answer.of({
    Hostname: hostname,
    Platform: Answer.of({ Architecture: PLATFORM.arch, OS: PLATFORM.os }),
    Resources: Answer.of({ NanoCPUs: node.resources.nanoCpus ?? 0, MemoryBytes: node.resources.memoryBytes ?? 0 }),
    Engine: new Answer([{ json: "EngineVersion", value: engine }, ...labelsOf(node), { json: "Plugins", value: plugins }]),
    TLSInfo: tlsInfo(root),
  });
  const manager = role === "manager" ? managerOf(node, leader) : new Nothing("pointer");
  return new Answer([
    { json: "ID", value: id },
    { json: "Version", value: Answer.of({ Index: version }) },
    { json: "CreatedAt", value: CREATED },
    { json: "UpdatedAt", value: CREATED },
    { json: "Spec", value: Answer.of({ Labels: textMap(labels), Role: role, Availability: availability }) },
    { json: "Description", value: description },
    { json: "Status", value: new Answer([{ json: "State", value: status }, { json: "Message", value: statusText, omitEmpty: true }, { json: "Addr", value: address }]) },
    { json: "ManagerStatus", value: manager, omitEmpty: true },
  ]);
}

function labelsOf({ engineLabels }: ClusterNode): AnswerField[] {
  return Object.keys(engineLabels).length === 0 ? [] : [{ json: "Labels", value: textMap(engineLabels) }];
}

function managerOf(node: ClusterNode, leader: ClusterNode | undefined): Answer {
  return new Answer([
    { json: "Leader", value: node === leader, omitEmpty: true },
    { json: "Reachability", value: isInTouch(node) ? "reachable" : "unreachable" },
    { json: "Addr", value: `${node.address}:${MANAGER_PORT}` },
  ]);
}

/** docker/cli cli/command/node/formatter.go. */
export function prettyNode(node: ClusterNode, leader: ClusterNode | undefined, { engine, root }: NodeFacts): string {
  const { id, labels, hostname, status, statusText, availability, address, role, resources } = node;
  const names = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `ID:\t\t\t${id}`,
    ...(names.length > 0 ? ["Labels:", ...names.map(([key, value]) => ` - ${key}${value === "" ? "" : `=${value}`}`)] : []),
    `Hostname:              \t${hostname}`,
    `Joined at:             \t${CREATED.replace("T", " ").replace("Z", " +0000 utc")}`,
    "Status:",
    ` State:\t\t\t${capital(status)}`,
    ...(statusText === "" ? [] : [` Message:\t\t${capital(statusText)}`]),
    ` Availability:         \t${capital(availability)}`,
    ` Address:\t\t${address}`,
    ...(role === "manager"
      ? ["Manager Status:", ` Address:\t\t${address}:${MANAGER_PORT}`, ` Raft Status:\t\t${isInTouch(node) ? "Reachable" : "Unreachable"}`, ` Leader:\t\t${node === leader ? "Yes" : "No"}`]
      : []),
    "Platform:",
    ` Operating System:\t${PLATFORM.os}`,
    ` Architecture:\t\t${PLATFORM.arch}`,
    "Resources:",
    ` CPUs:\t\t\t${Math.floor((resources.nanoCpus ?? 0) / 1e9)}`,
    ` Memory:\t\t${bytesText(resources.memoryBytes ?? 0)}`,
    "Plugins:",
    ...Object.entries(PLUGINS).map(([type, list]) => ` ${type}:\t\t${list.join(", ")}`),
    `Engine Version:\t\t${engine}`,
    "TLS Info:",
    " TrustRoot:",
    root.pem,
    ` Issuer Subject:\t${root.subject}`,
    ` Issuer Public Key:\t${root.publicKey}`,
  ].join("\n");
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** docker/go-units: BytesSize: four digits. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}
