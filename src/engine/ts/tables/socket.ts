import { Family } from "../../../../assembly/abi/netfilter";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { SocketRole } from "../../../../assembly/abi/program";
import { NONE } from "../../../../assembly/abi/version";
import { NO_ADDRESS6, type SocketRecord } from "../../program";
import { type AddressTable, LOOPBACK6 } from "../memory/address-table";
import type { Flow } from "./flow";
import type { Namespace } from "./namespace";

/** What a record means that does not say. */
const DEFAULTS = {
  targetIp: 0,
  targetPort: 0,
  responseBytes: 0,
  resolver: NONE,
  flags: 0,
  family: Family.Ipv4,
  ip6: NO_ADDRESS6,
  targetFamily: Family.Ipv4,
  targetIp6: NO_ADDRESS6,
};

/** A socket and what its process does. */
export class Socket {
  namespace: Namespace;
  protocol = 0;
  isIpv6 = false;
  /** UNSPECIFIED: any. */
  ip = 0;
  port = 0;
  role = SocketRole.Sink;
  /** The flow of a client socket. */
  flow: Flow | null = null;
  /** Of a proxy. */
  targetIp = 0;
  targetPort = 0;
  /** Of an identity server. */
  responseBytes = 0;
  /** Of a name server. */
  resolver = NONE;
  flags = 0;
  private record: SocketRecord | null = null;
  /** Datagrams that its process has not read yet. */
  waiting = 0;

  constructor(
    readonly index: number,
    namespace: Namespace,
  ) {
    this.namespace = namespace;
  }

  configure(record: SocketRecord, namespace: Namespace, flow: Flow | null, addresses: AddressTable): void {
    const { ip6 = NO_ADDRESS6, targetIp6 = NO_ADDRESS6 } = record;
    this.namespace = namespace;
    this.isIpv6 = record.family === Family.Ipv6;
    this.protocol = record.protocol;
    this.ip = this.isIpv6 ? addresses.note(ip6) : record.ip | 0;
    this.port = record.port;
    this.role = record.role;
    this.flow = flow;
    const isTargetIpv6 = record.targetFamily === Family.Ipv6;
    this.targetIp = isTargetIpv6 ? addresses.note(targetIp6) || LOOPBACK6 : (record.targetIp ?? 0) | 0;
    this.targetPort = record.targetPort ?? 0;
    this.responseBytes = record.responseBytes ?? 0;
    this.resolver = record.resolver ?? NONE;
    this.flags = record.flags ?? 0;
    this.record = record;
  }

  /** Whether a record says what this socket is already. */
  isAs(record: SocketRecord): boolean {
    if (this.record === record) return true;
    if (this.record === null) return false;
    const known: SocketRecord = { ...DEFAULTS, ...this.record };
    const given: SocketRecord = { ...DEFAULTS, ...record };
    return (Object.keys(given) as (keyof SocketRecord)[]).every((field) => String(known[field]) === String(given[field]));
  }
}

/**
 * Sockets by (namespace, protocol, port). A socket bound to the very address wins over one bound to any address, then
 * the lowest index (the kernel scores them likewise in udp4_lib_lookup2 and inet_lhash2_lookup).
 */
export class SocketTable {
  readonly sockets: Socket[] = [];

  /** Files all sockets anew; they change only by a patch. */
  index(namespaces: readonly Namespace[]): void {
    for (const namespace of namespaces) {
      namespace.udpSockets.clear();
      namespace.tcpSockets.clear();
      namespace.udpSockets6.clear();
      namespace.tcpSockets6.clear();
    }
    for (const socket of this.sockets) {
      const { namespace, isIpv6 } = socket;
      if (socket.protocol === PROTOCOL_UDP) file(isIpv6 ? namespace.udpSockets6 : namespace.udpSockets, socket);
      // A client's TCP socket does not listen: only its connections receive.
      if (socket.protocol === PROTOCOL_TCP && socket.role !== SocketRole.Client) file(isIpv6 ? namespace.tcpSockets6 : namespace.tcpSockets, socket);
    }
  }
}

function file(ports: Map<number, Socket[]>, socket: Socket): void {
  const sockets = ports.get(socket.port);
  if (sockets === undefined) ports.set(socket.port, [socket]);
  else sockets.push(socket);
}

/** The socket of a port that receives what is sent to `ip`, or null. */
export function findSocket(ports: Map<number, Socket[]>, ip: number, port: number): Socket | null {
  const sockets = ports.get(port);
  if (sockets === undefined) return null;
  let any: Socket | null = null;
  for (let i = 0; i < sockets.length; i++) {
    if (sockets[i].ip === ip) return sockets[i];
    if (sockets[i].ip === 0 && any === null) any = sockets[i];
  }
  return any;
}
