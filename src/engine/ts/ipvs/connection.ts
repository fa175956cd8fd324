import { Forwarding } from "../../../../assembly/abi/ipvs";
import { finishHash, HashTable, mixHash } from "../memory/hash-table";
import type { ConntrackTable } from "../netfilter/conntrack";
import type { Entry } from "../netfilter/entry";
import type { Namespace } from "../tables/namespace";
import type { RealServer } from "./service";
import { IpvsTcp } from "./tcp-state";

/** A connection that has its real server (struct ip_vs_conn). Pooled: see `IpvsTable`. Addresses are signed words. */
export class IpvsConnection {
  namespace: Namespace | null = null;
  /** Null: the record is free. */
  server: RealServer | null = null;
  forwarding = Forwarding.Masquerade;
  protocol = 0;
  client = 0;
  clientPort = 0;
  virtual = 0;
  /** Of the virtual and of the real address. */
  port = 0;
  real = 0;
  tcp = IpvsTcp.None;
  deadline = 0;
  /** What connection tracking knows it by. */
  entry: Entry | null = null;

  constructor(readonly index: number) {}
}

/**
 * The balanced connections of all namespaces. Keys: (namespace, protocol, client, its port, virtual or real address, port), a real
 * one for masquerading alone; value: the connection. `capacity.ipvsConnections` places. They end by their deadline, which nobody
 * waits for: a dead one is found out when something looks for it, or when room is needed.
 */
export class IpvsTable {
  private index: HashTable | null = null;
  private readonly connections: IpvsConnection[] = [];
  private readonly free: IpvsConnection[] = [];

  constructor(
    private readonly capacity: number,
    private readonly conntrack: ConntrackTable,
  ) {}

  enable(): void {
    this.index ??= new HashTable(2 * this.capacity);
  }

  /** The live connection of a packet to the virtual address (`isReply` false), or from the real one; the last one made of several. */
  find(isReply: boolean, namespace: Namespace, protocol: number, client: number, clientPort: number, address: number, port: number, clock: number): IpvsConnection | null {
    const { index, connections } = this;
    if (index === null) return null;
    const hash = hashOf(namespace, protocol, client, clientPort, address, port);
    for (let at = index.first(hash); at >= 0; ) {
      const connection = connections[at >> 1];
      const isOfReplies = (at & 1) !== 0;
      at = index.next(at);
      if (isOfReplies !== isReply || connection.namespace !== namespace || connection.protocol !== protocol) continue;
      if (connection.client !== client || connection.clientPort !== clientPort || connection.port !== port) continue;
      if ((isReply ? connection.real : connection.virtual) !== address) continue;
      if (clock < connection.deadline) return connection;
      this.remove(connection);
    }
    return null;
  }

  /** A new connection, or null if the table is full of live ones. */
  create(
    namespace: Namespace,
    server: RealServer,
    protocol: number,
    client: number,
    clientPort: number,
    virtual: number,
    port: number,
    clock: number,
  ): IpvsConnection | null {
    const { index } = this;
    if (this.free.length === 0 && this.connections.length >= this.capacity) this.sweep(clock);
    if (index === null || (this.free.length === 0 && this.connections.length >= this.capacity)) return null;
    let connection = this.free.pop();
    if (connection === undefined) {
      connection = new IpvsConnection(this.connections.length);
      this.connections.push(connection);
    }
    connection.namespace = namespace;
    connection.server = server;
    connection.forwarding = server.forwarding;
    connection.protocol = protocol;
    connection.client = client;
    connection.clientPort = clientPort;
    connection.virtual = virtual;
    connection.port = port;
    connection.real = server.address;
    connection.tcp = IpvsTcp.None;
    index.insert(hashRequest(connection, namespace), connection.index * 2);
    if (connection.forwarding === Forwarding.Masquerade) index.insert(hashReply(connection, namespace), connection.index * 2 + 1);
    return connection;
  }

  /** ip_vs_conn_put: it lives that long from now on, and so does its entry. */
  setDeadline(connection: IpvsConnection, deadline: number): void {
    connection.deadline = deadline;
    this.conntrack.expect(deadline);
  }

  /** ip_vs_update_conntrack, ip_vs_conn_drop_conntrack: the entry ends with the connection. */
  bind(connection: IpvsConnection, entry: Entry): void {
    if (connection.entry === entry) return;
    if (connection.entry !== null) connection.entry.balanced = null;
    if (entry.balanced !== null) entry.balanced.entry = null;
    connection.entry = entry;
    entry.balanced = connection;
  }

  /** The connection goes, and its entry with it. */
  remove(connection: IpvsConnection): void {
    const { namespace, entry } = connection;
    if (this.index === null || namespace === null) return;
    this.index.remove(hashRequest(connection, namespace), connection.index * 2);
    if (connection.forwarding === Forwarding.Masquerade) this.index.remove(hashReply(connection, namespace), connection.index * 2 + 1);
    if (entry !== null) this.conntrack.remove(entry);
    connection.namespace = null;
    connection.server = null;
    this.free.push(connection);
  }

  /** expire_nodest_conn: nobody waits for a real server that is not there any more. */
  forgetStrays(): void {
    for (const connection of this.connections) if (connection.server?.gone === true) this.remove(connection);
  }

  private sweep(clock: number): void {
    for (const connection of this.connections) if (connection.server !== null && clock >= connection.deadline) this.remove(connection);
  }
}

function hashOf({ index }: Namespace, protocol: number, client: number, clientPort: number, address: number, port: number): number {
  const hash = mixHash(mixHash(index, client), address);
  return finishHash(mixHash(mixHash(hash, (clientPort << 16) | port), protocol));
}

function hashRequest({ protocol, client, clientPort, virtual, port }: IpvsConnection, namespace: Namespace): number {
  return hashOf(namespace, protocol, client, clientPort, virtual, port);
}

function hashReply({ protocol, client, clientPort, real, port }: IpvsConnection, namespace: Namespace): number {
  return hashOf(namespace, protocol, client, clientPort, real, port);
}
