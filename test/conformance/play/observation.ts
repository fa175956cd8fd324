/** The state of all hosts and containers, in the form of a recording. */
import { saveLines, type TableState } from "../../../src/model/firewall";
import { inspectContainer } from "../../../src/model/inspect/container";
import { inspectNetwork } from "../../../src/model/inspect/network";
import { toPlain } from "../../../src/model/inspect/answer";
import { isOfSwarm, type ContainerState, type DockerState, type HostState } from "../../../src/model/state";
import type { Names } from "../names";
import { isRecord, type Json } from "../recording";
import { withAdded, type AddedRoute } from "./added-routes";
import { containerView } from "../../../src/programs/container-network";
import { hostView } from "./interfaces";
import type { Kernel } from "./kernel";
import { overlayNamespaces } from "./overlay-namespaces";
import { STANDARD_HOSTS } from "../../../src/programs";

type Fields = { readonly [key: string]: Json | undefined };

/** The fields of `docker network inspect` and `docker inspect` that are about the network. */
const NETWORK_FIELDS = ["Name", "Id", "Scope", "Driver", "EnableIPv4", "EnableIPv6", "IPAM", "Internal", "Attachable", "Ingress", "ConfigFrom", "ConfigOnly", "Containers", "Options", "Labels", "Peers", "Status"];
const HOST_CONFIG_FIELDS = ["NetworkMode", "PortBindings", "PublishAllPorts", "Links", "ExtraHosts", "Dns", "DnsSearch", "DnsOptions"];
const CONFIG_FIELDS = ["Hostname", "Domainname", "ExposedPorts", "MacAddress", "NetworkDisabled"];
/** Random, or never anything but empty. */
const LEFT_OUT_SETTINGS = new Set(["SandboxID", "SandboxKey", "HairpinMode", "SecondaryIPAddresses", "SecondaryIPv6Addresses", "LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen"]);

/** What only the machines themselves know. */
export interface ObservedHost {
  readonly host: HostState;
  readonly networkList: readonly string[];
}

export function observeHost(state: DockerState, { host, networkList }: ObservedHost, kernel: Kernel, names: Names): Json {
  for (const { kind, name, mac, target } of kernel.devicesOf(host.name)) {
    if (kind === "veth") names.learnVeth(host.name, name, mac, target);
    if (kind === "bridge") names.learnBridge(host.name, name, mac);
  }
  const networks = state.networks.filter(({ host: owner, name }) => owner === host.name && name !== "host" && name !== "none").filter((network) => !isOfSwarm(network) || network.isAllotted || state.generation === "20.10");
  const v6 = tables(host.firewall.v6);
  return {
    ...(hostView(state, host, kernel) as unknown as Fields),
    iptables: tables(host.firewall.v4),
    ...(Object.keys(v6).length > 0 && { ip6tables: v6 }),
    // The daemon turns it on.
    ip_forward: host.world.ipForward || host.flags.ipForward ? "1" : "0",
    networks: networks.sort((a, b) => (`${a.name} ${a.id}` < `${b.name} ${b.id}` ? -1 : 1)).map((network) => networkFields(toPlain(inspectNetwork(state, network)) as Fields)),
    network_ls: networkList,
    ...(host.swarm && { overlay_ns: overlayNamespaces(state, host) }),
  };
}

/** Tables without rules are left out. */
function tables(list: readonly TableState[]): Fields {
  return Object.fromEntries(list.filter(({ chains }) => chains.some(({ rules }) => rules.length > 0)).map((table) => [table.name, saveLines(table)]));
}

function networkFields(inspected: Fields): Json {
  const chosen = Object.entries(inspected).filter(([name, value]) => NETWORK_FIELDS.includes(name) && value !== null);
  return Object.fromEntries(chosen.map(([name, value]): [string, Json | undefined] => [name, name === "Peers" ? peersOf(value) : value]).filter(([name, value]) => name === "ConfigOnly" ? value === true : name !== "ConfigFrom" || (isRecord(value) && value.Network !== "")));
}

/** Nodes are called by their addresses, also when they have come back under another name. */
function peersOf(peers: Json | undefined): Json | undefined {
  return Array.isArray(peers) ? peers.map((peer: Json) => (isRecord(peer) ? { ...peer, Name: `<peer:${String(peer.IP)}>` } : peer)) : peers;
}

export function observeContainer(state: DockerState, container: ContainerState, added: readonly AddedRoute[]): Json {
  const inspected = toPlain(inspectContainer(state, container)) as Readonly<Record<"HostConfig" | "Config" | "NetworkSettings", Fields>>;
  const { host, id, status, exitCode, error, running, network, hostsFile, resolvConf, environment } = container;
  // A sandbox of its own: what shares another's shows it there.
  const hasView = running && (network.mode === "sandbox" || network.mode === "none");
  return {
    host, id, image: container.spec.image?.name ?? "", status, exit: exitCode,
    HostConfig: chosen(inspected.HostConfig, HOST_CONFIG_FIELDS),
    Config: chosen(inspected.Config, CONFIG_FIELDS),
    NetworkSettings: Object.fromEntries(Object.entries(inspected.NetworkSettings).filter(([name]) => !LEFT_OUT_SETTINGS.has(name))),
    ...(error !== "" && { error }),
    ...(hostsFile !== undefined && { hosts_file: hostsFile.filter((line) => !STANDARD_HOSTS.includes(line)) }),
    ...(resolvConf !== undefined && { resolv_conf: resolvConf }),
    ...(hasView && { net: withAdded(containerView(state, container), added) as unknown as Json }),
    ...(running && environment !== undefined && { env: [...environment].sort() }),
  };
}

/** Of these fields those that say something. */
function chosen(fields: Fields, wanted: readonly string[]): Fields {
  const isEmpty = (value: Json | undefined) => !value || (typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(wanted.filter((name) => !isEmpty(fields[name])).map((name) => [name, fields[name]]));
}
