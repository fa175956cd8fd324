import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { SocketRole } from "../../../../assembly/abi/program";
import type { SocketRecord } from "../../program";
import type { Flow } from "./flow";
import type { Namespace } from "./namespace";

/** A socket and what its process does. */
export class Socket {
  namespace: Namespace;
  protocol = 0;
  ip = 0;
  port = 0;
  role = SocketRole.Sink;
  /** The flow of a client socket. */
  flow: Flow | null = null;
  /** Datagrams that its process has not read yet. */
  waiting = 0;

  constructor(
    readonly index: number,
    namespace: Namespace,
  ) {
    this.namespace = namespace;
  }

  configure(record: SocketRecord, namespace: Namespace, flow: Flow | null): void {
    this.namespace = namespace;
    this.protocol = record.protocol;
    this.ip = record.ip | 0;
    this.port = record.port;
    this.role = record.role;
    this.flow = flow;
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
    }
    for (const socket of this.sockets) {
      if (socket.protocol === PROTOCOL_UDP) file(socket.namespace.udpSockets, socket);
      // A client's TCP socket does not listen: only its connections receive.
      if (socket.protocol === PROTOCOL_TCP && socket.role !== SocketRole.Client) file(socket.namespace.tcpSockets, socket);
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
