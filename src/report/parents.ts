import type { ReportTopology } from "./json";
import type { ReportNotice, ReportTraffic } from "./report";

type Endpoint = ReportTopology["containers"][number]["networks"][number] & { readonly container: string; readonly host: string };

/**
 * What puzzles those who run macvlan and ipvlan: containers that cannot reach their own host, several addresses behind one MAC, one MAC
 * in two places, and switches that take one MAC per port. Said only where the run, or the addresses, show it.
 */
export function parentNotices(topology: ReportTopology, traffic: readonly ReportTraffic[]): ReportNotice[] {
  const drivers = new Map(topology.networks.map(({ name, driver }) => [name, driver]));
  const endpoints = topology.containers.flatMap(({ name, host, networks }) =>
    networks.filter(({ network }) => PARENT_DRIVERS.includes(drivers.get(network) ?? "")).map((endpoint) => ({ ...endpoint, container: name, host })),
  );
  return [...isolation(endpoints, topology, traffic), ...sharedMacs(endpoints), ...doubleMacs(endpoints), ...security(endpoints, traffic)];
}

const PARENT_DRIVERS: readonly string[] = ["macvlan", "ipvlan"];

/** Traffic between a container and the host that it is on, of which nothing arrived and ARP got no answer. */
function isolation(endpoints: readonly Endpoint[], { hosts }: ReportTopology, traffic: readonly ReportTraffic[]): ReportNotice[] {
  return traffic.flatMap((item) => {
    const to = item.to.replace(/:\d+(\/\w+)?$/, "");
    const ends = [item.from, to];
    const endpoint = endpoints.find(({ container, ipv4, host }) => {
      const isHost = (end: string | undefined) => end === host && hosts.some(({ name }) => name === host);
      return ends.some((end, index) => (end === container || end === ipv4) && isHost(ends[1 - index]));
    });
    const isUnanswered = item.delivered === 0 && item.drops.some(({ reason }) => reason === "NeighFailed");
    if (!endpoint || !isUnanswered) return [];
    const { container, host, network, hostDevice } = endpoint;
    const below = hostDevice.slice(hostDevice.indexOf(":") + 1);
    const message = `${container} and its host ${host} cannot reach each other: what leaves through ${below} never comes back in; give the host a macvlan interface of its own, or use a bridge network`;
    return [notice("host-isolation", network, message)];
  });
}

/** An interface that answers for several containers: what DHCP servers, ARP inspection and clouds may object to. */
function sharedMacs(endpoints: readonly Endpoint[]): ReportNotice[] {
  return [...groups(endpoints, ({ mac, hostDevice }) => `${hostDevice} ${mac}`)].flatMap(([, members]) => {
    const [first] = members;
    if (!first || members.length < 2) return [];
    const addresses = members.map(({ ipv4, container }) => `${ipv4} (${container})`).join(", ");
    return [notice("shared-mac", first.network, `${first.hostDevice} stands for ${members.length} addresses with one MAC, ${first.mac}: ${addresses}`)];
  });
}

/** Two hosts that gave one address, and so one MAC, to a container each: neighbours see it jump between ports. */
function doubleMacs(endpoints: readonly Endpoint[]): ReportNotice[] {
  return [...groups(endpoints, ({ mac, ipv4 }) => `${mac} ${ipv4}`)].flatMap(([, members]) => {
    const [first, second] = members.filter((member, index) => members.findIndex(({ host }) => host === member.host) === index);
    if (!first || !second) return [];
    const where = `${first.container} on ${first.host} and ${second.container} on ${second.host}`;
    return [notice("same-address", first.network, `${where} have the address ${first.ipv4} and the MAC ${first.mac}: give each host an ip_range of its own`)];
  });
}

/** Frames that a switch did not take. */
function security(endpoints: readonly Endpoint[], traffic: readonly ReportTraffic[]): ReportNotice[] {
  const [first] = endpoints;
  const isRefused = traffic.some(({ drops }) => drops.some(({ reason }) => reason === "PortSecurity"));
  return first && isRefused ? [notice("port-security", first.network, "the switch takes frames from one MAC per port: containers with MACs of their own do not get through")] : [];
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item]);
  return found;
}

function notice(kind: string, network: string, message: string): ReportNotice {
  return { kind, path: `networks.${network}`, message, file: null, line: null, column: null };
}
