import { Node } from "../../../../assembly/abi/node";
import { CtState, type Entry } from "../netfilter/entry";
import type { Device } from "../tables/device";
import type { Flow } from "../tables/flow";
import type { Namespace } from "../tables/namespace";
import type { Policy } from "../xfrm/policies";

/** What eth_type_trans found: for whom the frame is (the kernel's PACKET_HOST and so on). */
export enum PacketType {
  Host,
  Broadcast,
  Multicast,
  OtherHost,
}

/** How IpOutput sets DF: IP_PMTUDISC_DONT, IP_PMTUDISC_DO and IP_PMTUDISC_WANT of ip(7). */
export enum PathMtuDiscovery {
  Dont,
  Do,
  Want,
}

/** The number of a packet that is not traced. */
export const UNTRACED = -1;

/** A frame in a slot, with what the kernel keeps beside it in an `sk_buff`. Pooled: see `PacketPool`. */
export class Packet {
  /** Position in the pool; events carry it. */
  readonly index: number;
  /** Address of the slot. */
  readonly frame: number;
  /** Address of the IP header: in the slot, in the scratch area, or where fragments were put together. */
  network: number;
  /** Bytes from the IP header on. */
  datagramLength = 0;
  /** Bytes that the slot holds: from the Ethernet header on, or from the IPv4 header while there is no other. */
  frameLength = 0;
  hasEthernet = false;
  device: Device | null = null;
  /** Change it by `PacketPool.assign` only: flows count their packets. */
  flow: Flow | null = null;
  sequence = 0;
  bornAt = 0;
  /** An answer: made by the receiving side of its flow. */
  response = false;
  type = PacketType.Host;
  /** A device received it; false for what this namespace's own stack made. */
  received = false;
  trace = UNTRACED;
  /** Bytes that a process reads or writes: what copying is charged for. */
  payloadLength = 0;
  pathMtuDiscovery = PathMtuDiscovery.Dont;

  /** Where the walk takes it up. */
  entry = Node.Done;
  /** The device that the next node works on. */
  target: Device | null = null;
  /** The route that was found: what IpFragment and NeighbourOutput need of it. */
  mtu = 0;
  nextHop = 0;
  broadcast = false;
  /** The namespace whose stack made it; null for what only passes through. */
  namespace: Namespace | null = null;
  /** It comes down from an ipvlan device in mode l3 or l3s, and is on its way out of `namespace`. */
  crossing = false;
  /** The ipvlan device in mode l3s that it is for, while the stack of the device below works on it. */
  inner: Device | null = null;
  /** A flow's own message, so that a failure is told to its source. */
  isMessage = false;

  /** Of IPv6: the numbers of its addresses, its protocol and transport header, and its fragment header (0: it has none). */
  isIpv6 = false;
  source6 = 0;
  destination6 = 0;
  protocol6 = 0;
  fragmentHeader = 0;
  /** Address of the transport header: of every packet that this stack makes, and of all of IPv6. */
  transport = 0;

  /** While a datagram waits for its process: who asked, and which address was asked. */
  askerIp = 0;
  askerPort = 0;
  askedIp = 0;
  askedPort = 0;

  /** Netfilter has had it: one of the fields below may not be what it was at first. */
  filtered = false;
  /** The connection that it belongs to, what it is there, and whether it goes the way of the replies. */
  conntrack: Entry | null = null;
  ctState = CtState.None;
  ctReply = false;
  mark = 0;
  /** IPVS has forwarded it in this namespace (ipvs_property). */
  balanced = false;
  /** What is to be encrypted and how; what has been; what came so. */
  policy: Policy | null = null;
  transformed = false;
  secpath = false;
  /** It passed Prerouting at a bridge and is on its way through it. */
  bridged = false;
  /** While it is bridged: its frame came for the bridge's own MAC, and only then got another destination. */
  forBridge = false;
  /** A fragment that Prerouting waits with. */
  defragmenting = false;
  /** Total length of the longest fragment that it was put together of at Prerouting; 0: it came whole. */
  fragmentMax = 0;

  constructor(index: number, frame: number) {
    this.index = index;
    this.frame = frame;
    this.network = frame + 14;
  }
}
