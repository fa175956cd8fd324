import { COST_BYTES, REASSEMBLY_MAX } from "../../../assembly/abi/limits";
import { Drop } from "../../../assembly/abi/drop";
import { Family } from "../../../assembly/abi/netfilter";
import { Node, NODE_COUNT } from "../../../assembly/abi/node";
import { type DatapathProgram, type FlowRecord, NO_ADDRESS6, type SocketRecord } from "../program";
import { WalkQueue } from "./graph/walk";
import { IpvsTable } from "./ipvs/connection";
import { AddressTable, LOOPBACK6 } from "./memory/address-table";
import { Memory } from "./memory/memory";
import type { Packet } from "./memory/packet";
import { PacketPool } from "./memory/pool";
import { CaptureBuffer, EventBuffer } from "./memory/records";
import { ConntrackTable } from "./netfilter/conntrack";
import { Traversal } from "./netfilter/traverse";
import type { Cpu } from "./simulation/clock";
import { DnsTable } from "./dns/zones";
import { PayloadTable } from "./processes/payload";
import { Digest } from "./simulation/digest";
import { EventQueue } from "./simulation/event-queue";
import type { Link } from "./simulation/link";
import { Random, RandomKind } from "./simulation/random";
import { pushSource } from "./simulation/source";
import { loadTables } from "./tables/load";
import { ConnectionTable } from "./tables/connection";
import { DropTable, Totals } from "./tables/counters";
import type { Device } from "./tables/device";
import { Fdb, LocalMacs } from "./tables/fdb";
import { Flow } from "./tables/flow";
import type { Host, Namespace } from "./tables/namespace";
import { NeighbourTable } from "./tables/neighbour";
import { PathMtuTable } from "./tables/path-mtu";
import { ReassemblyTable } from "./tables/reassembly";
import { Replies } from "./tables/replies";
import { SessionTable } from "./tables/session";
import { Socket, SocketTable } from "./tables/socket";
import { StreamTable } from "./tables/stream";
import { VxlanFdb } from "./tables/vxlan-fdb";
import { close } from "./tcp/lifecycle";
import { ETHERNET_HEADER } from "./wire/ethernet";

/** All hosts of a simulation: their tables, the packets on their way, and where the walk in progress stands. */
export class Kernel {
  /** Time of the event in progress, and of the packet in progress. */
  now = 0;
  clock = 0;
  /** Node visits of the walk in progress, and the node that acts. */
  steps = 0;
  node = Node.Done;
  readonly walkQueue = new WalkQueue();
  /** By node, of the host whose walk is in progress. */
  costs: Float64Array;
  private readonly usualCosts: Float64Array;
  private readonly noCosts = new Float64Array(NODE_COUNT);
  readonly exponential: Float64Array;
  private readonly copyCost: number;
  private readonly cipherCost: number;

  readonly memory: Memory;
  readonly pool: PacketPool;
  readonly queue: EventQueue;
  readonly totals = new Totals();
  readonly digest: Digest;
  readonly events: EventBuffer;
  readonly captures: CaptureBuffer;
  /** What `observe` asked for. */
  snaplen = 0;
  recordDrops = false;
  nextTrace = 0;

  readonly hosts: Host[] = [];
  readonly namespaces: Namespace[] = [];
  readonly devices: Device[] = [];
  readonly links: Link[] = [];
  readonly flows: Flow[] = [];
  readonly sockets = new SocketTable();
  readonly fdb: Fdb;
  readonly vxlanFdb: VxlanFdb;
  localMacs = new LocalMacs([]);
  /** Of IPv6. */
  readonly addresses: AddressTable;
  /** An event that looks after new addresses is in the queue. */
  isDadQueued = false;
  readonly neighbours: NeighbourTable;
  readonly pathMtus = new PathMtuTable();
  readonly reassembly: ReassemblyTable;
  readonly connections: ConnectionTable;
  readonly tcpRandom: Random;
  readonly payloads = new PayloadTable();
  readonly dns = new DnsTable();
  readonly dnsRandom: Random;
  readonly sessions: SessionTable;
  readonly streams: StreamTable;
  readonly replies = new Replies();
  readonly conntrack: ConntrackTable;
  readonly ipvs: IpvsTable;
  readonly traversal = new Traversal();
  /** Counts how often rules were loaded. */
  ruleGeneration = 0;
  /** Verdicts are remembered per connection; a test does without. */
  cachesVerdicts = true;
  readonly deviceDrops: DropTable;
  readonly flowDrops: DropTable;
  /** The longest datagram that a slot holds. */
  readonly datagramBytes: number;

  constructor(
    program: DatapathProgram,
    readonly seed: number,
  ) {
    const { capacity } = program;
    this.usualCosts = Float64Array.from(program.costs);
    this.costs = this.usualCosts;
    this.exponential = Float64Array.from(program.exponential);
    this.copyCost = program.copyCost;
    this.cipherCost = program.cipherCost ?? 0;
    this.datagramBytes = capacity.frameBytes - ETHERNET_HEADER;
    this.memory = new Memory(capacity.packets, capacity.frameBytes, REASSEMBLY_MAX);
    this.conntrack = new ConntrackTable(capacity.conntrack);
    this.ipvs = new IpvsTable(capacity.ipvsConnections ?? 0, this.conntrack);
    this.pool = new PacketPool(this.memory, capacity.packets, this.conntrack);
    this.queue = new EventQueue(capacity.events, seed);
    this.digest = new Digest(seed);
    this.events = new EventBuffer(capacity.eventRecords);
    this.captures = new CaptureBuffer(capacity.captureBytes);
    this.fdb = new Fdb(capacity.fdb);
    this.vxlanFdb = new VxlanFdb(capacity.vxlanRemotes ?? 0);
    this.addresses = new AddressTable(capacity.addresses6);
    this.neighbours = new NeighbourTable(capacity.neighbours);
    this.reassembly = new ReassemblyTable(this.memory);
    this.connections = new ConnectionTable(capacity.connections);
    this.tcpRandom = Random.of(seed, RandomKind.Tcp, 0);
    this.dnsRandom = Random.of(seed, RandomKind.Dns, 0);
    this.sessions = new SessionTable(capacity.sessions);
    this.streams = new StreamTable(capacity.streams ?? 0);
    this.deviceDrops = new DropTable(program.devices.length);
    this.flowDrops = new DropTable(program.flows.length);
    loadTables(this, program);
    this.dns.load(program.dns, this.namespaces, this.addresses);
    program.flows.forEach((record, index) => this.writeFlow(index, record));
    program.sockets.forEach((record, index) => this.writeSocket(index, record));
    this.sockets.index(this.namespaces);
  }

  /** What node visits cost from now on. */
  chargeFor(cpu: Cpu): void {
    this.costs = cpu.isCostless ? this.noCosts : this.usualCosts;
  }

  /** Copying bytes between a process and the stack takes time. */
  chargeCopy(bytes: number): void {
    this.clock += Math.floor((bytes * this.copyCost) / COST_BYTES);
  }

  /** So does encrypting and decrypting them. */
  chargeCipher(bytes: number): void {
    this.clock += Math.floor((bytes * this.cipherCost) / COST_BYTES);
  }

  /** No slot holds a datagram of so many bytes. */
  isOversize(total: number): boolean {
    return total > this.datagramBytes;
  }

  /** inet_select_addr for a device that has no address for others: that of the lowest other one; 0: none. */
  otherAddress(namespace: Namespace): number {
    return this.devices.find((device) => device.namespace === namespace && !device.isLoopback && device.ip !== 0)?.ip ?? 0;
  }

  /** Records a frame that passes a captured device. */
  capture(device: Device, direction: number, packet: Packet): void {
    const { frame, frameLength } = packet;
    this.captures.write(this.clock, device.index, direction, Drop.None, Node.Done, this.memory.bytes, frame, frameLength, this.snaplen);
  }

  /** Puts a flow at an index: one past the end appends, one in use is replaced. Its source starts at once or when it should. */
  writeFlow(index: number, record: FlowRecord): void {
    const namespace = this.namespaces[record.namespace];
    const random = Random.of(this.seed, RandomKind.Flow, index);
    const known = this.flows[index];
    this.flowDrops.clear(index);
    if (known === undefined) {
      this.flows.push(new Flow(index, record, this.destinationOf(record), namespace, random));
    } else {
      if (known.connection !== null) close(this, known.connection);
      known.replace(record, this.destinationOf(record), namespace, random);
    }
    pushSource(this, this.flows[index], Math.max(record.startNs, this.now));
  }

  /** Whoever connects to :: gets to ::1. */
  private destinationOf({ family, destination, destination6 = NO_ADDRESS6 }: FlowRecord): number {
    return family === Family.Ipv6 ? this.addresses.note(destination6) || LOOPBACK6 : destination | 0;
  }

  /** Puts a socket at an index; `sockets.index` makes it known. */
  writeSocket(index: number, record: SocketRecord): void {
    const namespace = this.namespaces[record.namespace];
    const known = this.sockets.sockets[index];
    if (known !== undefined && !known.isAs(record)) this.sessions.releaseOf(known);
    const socket = known ?? new Socket(index, namespace);
    this.sockets.sockets[index] = socket;
    socket.configure(record, namespace, this.flows[record.flow] ?? null, this.addresses);
  }
}
