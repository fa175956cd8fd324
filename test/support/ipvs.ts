import { Forwarding, Scheduler } from "../../assembly/abi/ipvs";
import { Hook, Table, Target } from "../../assembly/abi/netfilter";
import { RouteType, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { type Endpoint, ip, ProgramDraft } from "./program";
import { addChain } from "./rules";

export interface ServerSpec {
  readonly address: string;
  readonly weight?: number;
  readonly forwarding?: Forwarding;
}

/** Adds a virtual service; its real servers are those that were added last to the kernel, first. */
export function addService(draft: ProgramDraft, namespace: number, fwmark: number, servers: readonly ServerSpec[]): number {
  const first = draft.realServers.length;
  for (const { address, weight = 1, forwarding = Forwarding.Masquerade } of servers) draft.realServers.push({ address: ip(address), weight, forwarding });
  return draft.virtualServices.push({ namespace, fwmark, scheduler: Scheduler.RoundRobin, first, count: servers.length }) - 1;
}

/** The virtual address, the load balancer's own, and the mark of the service. */
export const VIP = "10.0.1.2";
export const BALANCER = "10.0.1.4";
export const MARK = 256;

export interface BalancedOptions {
  readonly servers?: readonly ServerSpec[];
  /** Of the bridge and all that is on it. */
  readonly mtu?: number;
  /** No SNAT, as the network option `dsr` leaves it out. */
  readonly direct?: boolean;
}

/**
 * A network as libnetwork makes an overlay: a client (10.0.1.10), a load balancer with the rules of its sandbox, and servers that answer
 * on port 80 of TCP and UDP.
 */
export function balanced({ servers = [{ address: "10.0.1.3" }, { address: "10.0.1.5" }], mtu, direct = false }: BalancedOptions = {}) {
  const draft = new ProgramDraft();
  const root = draft.namespace(draft.host(4));
  const bridge = draft.bridge(root, "10.0.1.1", 24, mtu);
  const client = draft.container(bridge, "10.0.1.10", { prefix: 24 });
  const balancer = draft.container(bridge, BALANCER, { prefix: 24 });
  draft.namespaces[balancer.namespace] = { ...draft.namespaces[balancer.namespace], forwarding: 1 };
  addAlias(draft, balancer.device, VIP);
  addChain(draft, balancer.namespace, {
    table: Table.Mangle,
    hook: Hook.Input,
    rules: [{ destination: `${VIP}/32`, target: Target.Mark, setMark: [MARK, 0xffffffff] }],
  });
  const snat = { destination: "10.0.1.0/24", ipvs: true, target: Target.Snat, to: BALANCER } as const;
  addChain(draft, balancer.namespace, { table: Table.Nat, hook: Hook.Postrouting, rules: direct ? [] : [snat] });
  addService(draft, balancer.namespace, MARK, servers);
  const ends = servers.map(({ address }) => serve(draft, bridge, address));
  return { draft, bridge, client, balancer, servers: ends, virtual: { namespace: balancer.namespace, ip: ip(VIP) } };
}

/** An address with nothing around it (/32). */
export function addAlias(draft: ProgramDraft, device: number, address: string): void {
  const { namespace } = draft.devices[device];
  draft.addresses.push({ device, ip: ip(address), prefix: 32 });
  draft.route({ namespace, destination: ip(address), prefix: 32, type: RouteType.Local, device, source: ip(address) });
}

/** A server on the bridge. */
export function serve(draft: ProgramDraft, bridge: number, address: string): Endpoint {
  const server = draft.container(bridge, address, { prefix: 24 });
  for (const protocol of [PROTOCOL_TCP, PROTOCOL_UDP]) draft.socket({ namespace: server.namespace, protocol, port: 80, role: SocketRole.Responder });
  return server;
}
