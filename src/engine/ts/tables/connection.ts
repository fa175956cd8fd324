import { TCP_HOLES_MAX, TCP_RTO_INITIAL_NS, TCP_RTO_MAX_NS, TCP_RTO_MIN_NS } from "../../../../assembly/abi/limits";
import { SocketRole } from "../../../../assembly/abi/program";
import { finishHash, HashTable, mixHash } from "../memory/hash-table";
import { TCP_OPTIONS } from "../wire/tcp";
import type { Flow } from "./flow";
import type { Namespace } from "./namespace";
import { NO_DEADLINE } from "./neighbour";
import type { Socket } from "./socket";
import type { Stream } from "./stream";

/** RFC 9293 §3.3.2. A listening socket is a socket, not a connection. */
export enum TcpState {
  Closed,
  SynSent,
  SynReceived,
  Established,
  FinWait1,
  FinWait2,
  CloseWait,
  Closing,
  LastAck,
  TimeWait,
}

/** Whether sequence number `a` comes before `b`, modulo 2^32. Sequence numbers are signed words here. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** One end of a TCP connection. Times are ns, sequence numbers signed words. */
export class Connection {
  namespace: Namespace | null = null;
  localIp = 0;
  localPort = 0;
  remoteIp = 0;
  remotePort = 0;
  state = TcpState.Closed;
  flow: Flow | null = null;
  /** The listening socket that made it; null at the client's end. */
  listener: Socket | null = null;
  /** What the listening socket's process did when it accepted. */
  role = SocketRole.Client;

  iss = 0;
  sndUna = 0;
  sndNxt = 0;
  /** The highest sequence number ever sent. */
  sndMax = 0;
  /** End of what the process has written. */
  writeEnd = 0;
  sndWnd = 0;
  irs = 0;
  rcvNxt = 0;
  /** What this end announces, and what segments may carry. */
  ownMss = 0;
  mss = 0;
  /** The last timestamp of the other end. */
  echo = 0;
  /** The process has closed its end: a FIN follows the data. */
  closing = false;

  /** Of a process that speaks DNS. */
  stream: Stream | null = null;

  /** A proxy's, and what it is spliced to. */
  isSpliced = false;
  partner: Connection | null = null;
  /** It has no partner any more, or never got one. */
  isSevered = false;
  /** Bytes that the process has not passed on or read yet, and whether more may come. */
  unread = 0;
  eof = false;
  /** An acknowledgement waits for the timer, or for something that carries it. */
  ackDelayed = false;

  cwnd = 0;
  ssthresh = 0;
  duplicateAcks = 0;
  inRecovery = false;
  recover = 0;

  srtt = -1;
  rttvar = 0;
  rto = TCP_RTO_INITIAL_NS;
  retries = 0;
  /** One segment at a time is timed: its end, and when it was sent. */
  isTiming = false;
  timedEnd = 0;
  timedAt = 0;

  deadline = NO_DEADLINE;
  outputWanted = false;
  /** These three say what is in the event queue, whoever used the record then. */
  dueAt = NO_DEADLINE;
  timersQueued = 0;
  outputQueued = false;
  wakeQueued = false;

  /** Bytes of a message that is not complete, and requests that the process has not answered. */
  pending = 0;
  owed = 0;

  /** Ranges received out of order, sorted. */
  holes = 0;
  readonly holeStarts = new Int32Array(TCP_HOLES_MAX);
  readonly holeEnds = new Int32Array(TCP_HOLES_MAX);

  constructor(readonly index: number) {}

  /** Payload bytes of a full segment: timestamps take 12 of the MSS. */
  get segmentBytes(): number {
    return this.mss - TCP_OPTIONS;
  }

  get inFlight(): number {
    return (this.sndNxt - this.sndUna) | 0;
  }

  get isFinSent(): boolean {
    return before(this.writeEnd, this.sndNxt);
  }

  begin(iss: number): void {
    this.iss = iss | 0;
    this.sndUna = this.sndNxt = this.sndMax = this.iss;
    this.writeEnd = (iss + 1) | 0;
    this.sndWnd = 0;
    this.irs = this.rcvNxt = this.echo = 0;
    this.closing = false;
    this.isSpliced = this.isSevered = this.eof = this.ackDelayed = false;
    this.partner = null;
    this.unread = 0;
    this.cwnd = this.ssthresh = this.duplicateAcks = this.recover = 0;
    this.inRecovery = false;
    this.srtt = -1;
    this.rttvar = 0;
    this.rto = TCP_RTO_INITIAL_NS;
    this.retries = 0;
    this.isTiming = false;
    this.deadline = NO_DEADLINE;
    this.outputWanted = false;
    this.pending = this.owed = 0;
    this.holes = 0;
  }

  /** RFC 6298 §2 in integers. */
  sampleRtt(rtt: number): void {
    if (this.srtt < 0) {
      this.srtt = rtt;
      this.rttvar = Math.floor(rtt / 2);
    } else {
      this.rttvar = Math.floor((3 * this.rttvar + Math.abs(this.srtt - rtt)) / 4);
      this.srtt = Math.floor((7 * this.srtt + rtt) / 8);
    }
    const rto = this.srtt + Math.max(1_000_000, 4 * this.rttvar);
    this.rto = Math.min(Math.max(rto, TCP_RTO_MIN_NS), TCP_RTO_MAX_NS);
  }

  backOff(): void {
    this.rto = Math.min(2 * this.rto, TCP_RTO_MAX_NS);
  }
}

/**
 * The ends of all connections. Key: (namespace, local IP, local port, remote IP, remote port), each once; `capacity`
 * records. A record is freed when its connection ends; none is evicted.
 */
export class ConnectionTable {
  readonly connections: Connection[] = [];
  private readonly hashes: HashTable;
  /** No record below it is free. */
  private lowestFree = 0;
  private used = 0;

  constructor(private readonly capacity: number) {
    this.hashes = new HashTable(capacity);
  }

  find(namespace: Namespace, localIp: number, localPort: number, remoteIp: number, remotePort: number): Connection | null {
    const { hashes, connections } = this;
    for (let i = hashes.first(hash(namespace, localIp, localPort, remoteIp, remotePort)); i >= 0; i = hashes.next(i)) {
      const connection = connections[i];
      if (
        connection.localPort === localPort &&
        connection.remotePort === remotePort &&
        connection.remoteIp === remoteIp &&
        connection.localIp === localIp &&
        connection.namespace === namespace
      ) {
        return connection;
      }
    }
    return null;
  }

  get isFull(): boolean {
    return this.used === this.capacity;
  }

  /** The lowest free record, for a key that is not in use; the table must not be full. */
  take(namespace: Namespace, localIp: number, localPort: number, remoteIp: number, remotePort: number): Connection {
    const connection = this.takeLowest();
    connection.namespace = namespace;
    connection.localIp = localIp;
    connection.localPort = localPort;
    connection.remoteIp = remoteIp;
    connection.remotePort = remotePort;
    this.hashes.insert(hash(namespace, localIp, localPort, remoteIp, remotePort), connection.index);
    return connection;
  }

  release(connection: Connection): void {
    const { namespace, localIp, localPort, remoteIp, remotePort } = connection;
    if (namespace !== null) this.hashes.remove(hash(namespace, localIp, localPort, remoteIp, remotePort), connection.index);
    connection.namespace = null;
    connection.flow = null;
    connection.listener = null;
    connection.state = TcpState.Closed;
    connection.deadline = NO_DEADLINE;
    connection.outputWanted = false;
    connection.owed = 0;
    this.used--;
    if (connection.index < this.lowestFree) this.lowestFree = connection.index;
  }

  private takeLowest(): Connection {
    const { connections } = this;
    let index = this.lowestFree;
    while (index < connections.length && connections[index].namespace !== null) index++;
    if (index === connections.length) connections.push(new Connection(index));
    this.lowestFree = index + 1;
    this.used++;
    return connections[index];
  }
}

function hash(namespace: Namespace, localIp: number, localPort: number, remoteIp: number, remotePort: number): number {
  const addresses = mixHash(mixHash(namespace.index, localIp), remoteIp);
  return finishHash(mixHash(addresses, (localPort << 16) | remotePort));
}
