import { openSandboxes } from "../../compile/overlay/knowledge";
import { type ContainerState, type DockerState, type EndpointState, type HostState, isOfSwarm } from "../../model/state";
import { asView } from "../../model/views";

/** What gossip tells of an endpoint of an overlay network: rows of overlay_peer_table and endpoint_table. */
export interface Row {
  readonly key: string;
  readonly networkId: string;
  /** Whose it is. */
  readonly host: string;
  readonly endpoint: EndpointState;
  /** Undefined: a load balancer. */
  readonly container: ContainerState | undefined;
}

export type Rows = ReadonlyMap<string, Row>;

const keyOf = (endpoint: EndpointState, host: string, owner: string) => `${endpoint.networkId}/${host}/${owner}`;
/** Only endpoints of overlay networks have numbered cables. */
const isGossiped = ({ cable }: EndpointState) => cable !== undefined;

const known = new WeakMap<DockerState, Rows>();

/** All rows of a state, by key. */
export function rowsOf(state: DockerState): Rows {
  const rows = known.get(state) ?? listRows(state);
  known.set(state, rows);
  return rows;
}

function listRows(state: DockerState): Rows {
  const rows = new Map<string, Row>();
  const add = (host: string, owner: string, endpoint: EndpointState, container?: ContainerState) => {
    if (!isGossiped(endpoint)) return;
    const key = keyOf(endpoint, host, owner);
    rows.set(key, { key, networkId: endpoint.networkId, host, endpoint, container });
  };
  for (const container of state.containers) if (container.running) for (const endpoint of container.endpoints) add(container.host, container.id, endpoint, container);
  for (const host of state.hosts) for (const sandbox of openSandboxes(host)) for (const endpoint of sandbox.endpoints) add(host.name, sandbox.key, endpoint);
  return rows;
}

export function isSameRow(one: Row | undefined, other: Row | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const [a, b] = [one.endpoint, other.endpoint];
  return a.ip === b.ip && a.mac === b.mac && a.dnsNames.join() === b.dnsNames.join();
}

/** The overlay networks that each host uses. */
export function localNetworks({ networks }: DockerState): ReadonlyMap<string, ReadonlySet<string>> {
  const local = new Map<string, Set<string>>();
  for (const { host, id, isLocal } of networks.filter(isOfSwarm)) {
    if (isLocal) local.set(host, (local.get(host) ?? new Set()).add(id));
  }
  return local;
}

/** What one host believes that is not so: rows that it has not heard of or has old versions of, and hosts that it takes for failed. */
export interface Mistakes {
  readonly stale: ReadonlyMap<string, Row | undefined>;
  readonly failed: ReadonlySet<string>;
}

/** A state as a host with wrong beliefs sees it. What it is right about are the very objects of the state. */
export function mistakenView(state: DockerState, observer: string, rows: Rows, { stale, failed }: Mistakes): DockerState {
  const believe = (endpoint: EndpointState, host: string, owner: string): EndpointState[] => {
    if (!isGossiped(endpoint)) return [endpoint];
    if (failed.has(host)) return [];
    const key = keyOf(endpoint, host, owner);
    const believed = stale.get(key);
    return stale.has(key) ? (believed ? [believed.endpoint] : []) : [endpoint];
  };
  const isDoubtful = ownersOf(stale);
  const containers = state.containers.map((container) => {
    const { host, id, endpoints } = container;
    if (host === observer || !(failed.has(host) || isDoubtful.has(`${host}/${id}`))) return container;
    return { ...container, endpoints: endpoints.flatMap((endpoint) => believe(endpoint, host, id)) };
  });
  const ghosts = [...stale.values()].flatMap((row): ContainerState[] => {
    if (row?.container === undefined || rows.has(row.key) || failed.has(row.host)) return [];
    return [{ ...row.container, endpoints: [row.endpoint] }];
  });
  const view = { ...state, containers: [...containers, ...ghosts], hosts: state.hosts.map((host) => (host.name === observer ? withoutServers(host, hiddenBy(rows, { stale, failed })) : believeHost(host, isDoubtful, failed, believe))) };
  return asView(view, { whole: state, networks: beliefs(rows, { stale, failed }), past: new Set([...stale.values()].flatMap((row) => row?.endpoint ?? [])) });
}

/** `host/owner` of the endpoints of some rows. */
function ownersOf(stale: Mistakes["stale"]): ReadonlySet<string> {
  return new Set([...stale.keys()].map((key) => key.slice(key.indexOf("/") + 1)));
}

const numbers = new WeakMap<Row, number>();
let nextNumber = 1;

/** What is believed of each network that is not so: equal texts for equal beliefs. */
function beliefs(rows: Rows, { stale, failed }: Mistakes): ReadonlyMap<string, string> {
  const lists = new Map<string, string[]>();
  const add = (networkId: string, text: string) => {
    const list = lists.get(networkId);
    if (list) list.push(text);
    else lists.set(networkId, [text]);
  };
  for (const [key, row] of stale) {
    if (row && !numbers.has(row)) numbers.set(row, nextNumber++);
    add(key.slice(0, key.indexOf("/")), `${key}=${row ? numbers.get(row) : ""}`);
  }
  const lost = failed.size === 0 ? [] : [...rows.values()].filter(({ host }) => failed.has(host));
  for (const { networkId, host } of lost) add(networkId, host);
  return new Map([...lists].map(([networkId, list]) => [networkId, [...new Set(list)].sort().join(" ")]));
}

function believeHost(host: HostState, isDoubtful: ReadonlySet<string>, failed: ReadonlySet<string>, believe: (endpoint: EndpointState, host: string, owner: string) => EndpointState[]): HostState {
  const { swarm, name } = host;
  if (swarm === undefined) return host;
  const isRight = !failed.has(name) && swarm.sandboxes.every(({ key }) => !isDoubtful.has(`${name}/${key}`));
  if (isRight) return host;
  const sandboxes = swarm.sandboxes.map((sandbox) => ({ ...sandbox, endpoints: sandbox.endpoints.flatMap((endpoint) => believe(endpoint, name, sandbox.key)) }));
  return { ...host, swarm: { ...swarm, sandboxes } };
}

/** `network/address` of the endpoints that a host takes for gone or has never heard of. */
function hiddenBy(rows: Rows, { stale, failed }: Mistakes): ReadonlySet<string> {
  const unheard = [...stale].flatMap(([key, believed]) => (believed === undefined ? (rows.get(key) ?? []) : []));
  const lost = failed.size === 0 ? [] : [...rows.values()].filter(({ host }) => failed.has(host));
  return new Set([...unheard, ...lost].map(({ networkId, endpoint }) => `${networkId}/${endpoint.ip}`));
}

/** A load balancer leads to tasks that its host knows. */
function withoutServers(host: HostState, hidden: ReadonlySet<string>): HostState {
  const { swarm } = host;
  if (swarm === undefined || hidden.size === 0) return host;
  const sandboxes = swarm.sandboxes.map((sandbox) => {
    const isHidden = ({ ip }: { readonly ip: number }) => hidden.has(`${sandbox.networkId}/${ip}`);
    const services = sandbox.services.map((service) => (service.servers.some(isHidden) ? { ...service, servers: service.servers.filter((server) => !isHidden(server)) } : service));
    return { ...sandbox, services };
  });
  return { ...host, swarm: { ...swarm, sandboxes } };
}
