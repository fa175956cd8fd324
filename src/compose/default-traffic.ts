import type { TargetSpec, TrafficSpec } from "../api/spec";
import type { Notices } from "./notice";
import type { ComposeProject, ComposeService, Dependency } from "./project";
import { wellKnownPort } from "./well-known-ports";

/**
 * What an application exchanges when its file does not say: every `depends_on` (or `links`) edge is a client that sends 128 bytes, waits
 * for 1024, thinks for 10 ms, and asks again. Where a file has no such edge, every two services that share a network ping each other's
 * first replica ten times a second, so that something happens, and a client on the host's network asks every published port.
 */
const REQUEST = { sizeBytes: 128, responseBytes: 1024, thinkNs: 10_000_000, timeoutNs: 1_000_000_000 };
/** Without its header, as ping(8) counts. */
const PING_BYTES = 56;
const PINGS_PER_SECOND = 10;

const HTTP_PORT = 80;

/** The traffic of a project without `x-dockwire.traffic`. What cannot be is left out with a notice. */
export function defaultTraffic(project: ComposeProject, notices: Notices, host: string): TrafficSpec[] {
  const services = new Map(project.services.filter((service) => service.containers.length > 0).map((service) => [service.name, service]));
  const edges = [...services.values()].flatMap((client) =>
    client.dependsOn.flatMap((dependency) => {
      const server = services.get(dependency.service);
      return server && (dependency.by === "depends_on" || dependency.by === "links") ? [{ client, server, dependency }] : [];
    }),
  );
  const reach = new Reach(project);
  const traffic = edges.length === 0
    ? [...askPublished([...services.values()], project, host), ...pings([...services.values()], reach)]
    : edges.flatMap(({ client, server, dependency }) => requests(client, server, dependency, reach, notices));
  if (traffic.length === 0) notices.add("ignored", project.place("services"), "none of them talks to another one or publishes a port: x-dockwire.traffic can say who sends what");
  return traffic;
}

function requests(client: ComposeService, server: ComposeService, dependency: Dependency, reach: Reach, notices: Notices): TrafficSpec[] {
  const host = reach.nameOf(server, client);
  if (typeof host !== "string") {
    notices.add("ignored", dependency.place, `${client.name} depends on ${server.name}, but ${host.reason}: no traffic`);
    return [];
  }
  const to: TargetSpec = { host, ...serverPort(server) };
  return [traffic(`${client.name}-${server.name}`, client.name, to, { kind: "request", ...REQUEST, ...positionOf(dependency) })];
}

function pings(services: readonly ComposeService[], reach: Reach): TrafficSpec[] {
  return services.flatMap((client, index) =>
    services.slice(index + 1).flatMap((server) => {
      const host = reach.nameOf(server, client);
      if (typeof host !== "string") return [];
      const rate = { perSecond: PINGS_PER_SECOND };
      return [traffic(`${client.name}-${server.name}`, client.name, { host, protocol: "icmp" }, { kind: "ping", rate, sizeBytes: PING_BYTES })];
    }),
  );
}

/** Clients of published ports: on the host's network, and on the host for those that only it can ask. */
function askPublished(services: readonly ComposeService[], { networks }: ComposeProject, host: string): TrafficSpec[] {
  const isOnLan = ({ driver }: { readonly driver: string | undefined }) => driver === "macvlan" || driver === "ipvlan";
  // What such a network's host is called on its LAN is not said in the file.
  if (networks.some((network) => network.used && isOnLan(network))) return [];
  return services.flatMap((service) => {
    const discards = service.networkMode !== undefined && service.networkMode.kind !== "bridge" && service.networkMode.kind !== "network";
    return discards ? [] : service.ports.flatMap((port) => askPort(service, port, host));
  });
}

function askPort({ name }: ComposeService, { published, protocol, hostIp = "", place }: ComposeService["ports"][number], host: string): TrafficSpec[] {
  if (published === undefined || published.from !== published.to || protocol === "sctp") return [];
  const isLocal = hostIp.startsWith("127.");
  if (!isLocal && hostIp !== "" && hostIp !== "0.0.0.0") return [];
  const to: TargetSpec = { host: isLocal ? hostIp : host, port: published.from, protocol };
  const from = isLocal ? host : "lan";
  return [traffic(`${from}-${name}-${published.from}${protocol === "udp" ? "-udp" : ""}`, from, to, { kind: "request", ...REQUEST, ...positionOf({ place }) })];
}

function traffic(name: string, from: string, to: TargetSpec, rest: Pick<TrafficSpec, "kind" | "sizeBytes"> & Partial<TrafficSpec>): TrafficSpec {
  const defaults = { responseBytes: 0, onNs: 0, offNs: 0, thinkNs: 0, timeoutNs: 1_000_000_000, startNs: 0, clients: 1, dontFragment: false };
  return { ...defaults, name, from, to, ...rest };
}

function positionOf({ place }: Pick<Dependency, "place">): Pick<TrafficSpec, "position"> {
  return place.position ? { position: place.position } : {};
}

/** The port of the image if the service names it or none at all; else the first that it exposes, else the first that it publishes. */
function serverPort(server: ComposeService): { port: number; protocol: "tcp" | "udp" } {
  const exposed = server.expose.map(({ from, protocol }) => ({ port: from, protocol }));
  const published = server.ports.map(({ target, protocol }) => ({ port: target, protocol }));
  const named = [...exposed, ...published].flatMap(({ port, protocol }) => (protocol === "sctp" ? [] : [{ port, protocol }]));
  const usual = wellKnownPort(server.image ?? server.name);
  if (usual !== undefined && (named.length === 0 || named.some(({ port }) => port === usual))) return { port: usual, protocol: "tcp" };
  return named.find(({ protocol }) => protocol === "tcp") ?? named[0] ?? { port: HTTP_PORT, protocol: "tcp" };
}

/** Which name, if any, leads from one service to another. */
class Reach {
  readonly #services: ReadonlyMap<string, ComposeService>;

  constructor(project: ComposeProject) {
    this.#services = new Map(project.services.map((service) => [service.name, service]));
  }

  /** What the client would look up, or why no name would help it. */
  nameOf(server: ComposeService, client: ComposeService): string | { readonly reason: string } {
    const [here, there] = [this.#sandboxOf(client), this.#sandboxOf(server)];
    const [mode, otherMode] = [here.networkMode?.kind, there.networkMode?.kind];
    if (here === there && here.containers.length === 1 && mode !== "none") return "localhost";
    if (mode === "host" && otherMode === "host") return "localhost";
    if (mode === "host" || otherMode === "host") return { reason: "one of them uses the host's network, where names of containers mean nothing" };
    const links = client.links.find((link) => link.service === server.name);
    if (mode === "bridge" && otherMode === "bridge") {
      return links?.alias ?? { reason: "they share only the default bridge, which resolves no names" };
    }
    const shared = networksOf(here).some((network) => networksOf(there).includes(network));
    return shared ? there.name : { reason: "they share no network" };
  }

  /** The service whose network a service really uses. */
  #sandboxOf(service: ComposeService): ComposeService {
    const mode = service.networkMode;
    const owner = mode?.kind === "service" ? this.#services.get(mode.service) : undefined;
    return owner === undefined || owner === service ? service : this.#sandboxOf(owner);
  }
}

function networksOf(service: ComposeService): string[] {
  const mode = service.networkMode;
  return mode?.kind === "network" ? [`daemon:${mode.network}`] : service.networks.map(({ network }) => network);
}
