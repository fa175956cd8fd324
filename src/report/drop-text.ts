import { Drop } from "../../assembly/abi/drop";
import type { DropName } from "../observe/names";

/** One reason in words: what happened, and what an operator would look at. */
export interface DropText {
  /** One clause without a full stop, for tables. */
  readonly meaning: string;
  /** One or two sentences. */
  readonly advice: string;
  /** Belongs to normal operation: nothing that anybody sent is missing because of it. */
  readonly isHarmless?: true;
}


/** Complete by type: a reason without a text does not compile. */
const DROP_TEXTS: Readonly<Record<DropName, DropText>> = {
  None: { meaning: "not dropped", advice: "The number that a living packet carries." },
  NotSpecified: { meaning: "no reason given", advice: "A fault of the simulator: please report it with the file and the seed." },
  PktTooSmall: {
    meaning: "shorter than its own header says",
    advice: "A damaged or hand-made frame: look at it in a capture.",
  },
  PktTooBig: {
    meaning: "longer than the MTU, and it must not be fragmented",
    advice: "Lower the MTU of the sender's network to that of the narrowest device on the way, or let the sender fragment.",
  },
  HdrTrunc: {
    meaning: "the frame ends inside a header",
    advice: "A damaged or hand-made frame: look at it in a capture.",
  },
  DevReady: {
    meaning: "the device is down",
    advice: "The interface, or the cable behind it, was switched off at that time.",
  },
  OtherHost: {
    meaning: "addressed to another machine",
    advice: "Harmless: a bridge floods what it has not learned yet, and everybody but the addressee throws it away.",
    isHarmless: true,
  },
  UnhandledProto: {
    meaning: "nobody handles this protocol",
    advice: "An EtherType, ARP operation, ICMP type or reserved bridge address that the receiver has no handler for.",
  },
  MacInvalidSource: {
    meaning: "the source MAC is zero or a group address",
    advice: "A damaged or hand-made frame: a bridge never forwards such a source.",
  },
  BridgeNoEgressPort: {
    meaning: "the bridge has no other port for it",
    advice: "The addressee sits behind the port that the frame came from, or the bridge has no second port that is up.",
  },
  CpuBacklog: {
    meaning: "the host's CPU could not keep up",
    advice: "More packets wait than net.core.netdev_max_backlog allows. Send less, or give the host more CPUs.",
  },
  NoMemory: {
    meaning: "no packet slot or reassembly buffer was free",
    advice: "More packets are under way at once than the simulation has room for.",
  },
  QdiscDrop: {
    meaning: "the queue of the link was full",
    advice: "More is sent than the link's rate carries. Send less, or raise the link's rate or its queue limit.",
  },
  LinkLoss: {
    meaning: "lost by the link, as it was told to",
    advice: "Expected on a link with loss; the simulator's own reason, as netem's loss.",
  },
  NeighCreateFail: {
    meaning: "the neighbour table is full",
    advice: "More addresses are talked to than the ARP table holds.",
  },
  NeighFailed: {
    meaning: "nobody answered ARP for the address",
    advice: "No machine of that network has the address, or its interface is down.",
  },
  NeighQueueFull: {
    meaning: "too many packets waited for one ARP answer",
    advice: "The oldest one gives way. A burst to a neighbour that is new, slow or absent does this.",
  },
  IpInHdr: { meaning: "the IPv4 header is malformed", advice: "A damaged or hand-made packet: wrong version or header length." },
  IpCsum: { meaning: "the IPv4 header checksum is wrong", advice: "A damaged or hand-made packet: look at it in a capture." },
  IpTtlExceeded: {
    meaning: "its time to live ran out",
    advice: "Too many routers on the way, or a loop of routes. The sender was told by ICMP.",
  },
  IpInvalidSource: {
    meaning: "the source address can not be a sender's",
    advice: "Zero, loopback, multicast or broadcast as the source: a martian packet.",
  },
  IpLocalSource: {
    meaning: "the source address is the receiver's own",
    advice: "A spoofed packet, or two machines with one address.",
  },
  IpInvalidDest: { meaning: "the destination address is zero", advice: "A damaged or hand-made packet." },
  IpLocalNet: {
    meaning: "a loopback destination came from outside",
    advice: "127.0.0.0/8 is never reachable over a network: the service must listen on another address.",
  },
  IpInAddrErrors: {
    meaning: "not for this machine, which does not forward",
    advice: "A container is no router. The sender's route points at the wrong machine, or a group was addressed that nobody joined.",
  },
  IpInNoRoutes: {
    meaning: "the router has no route to the destination",
    advice: "The host knows no network with that address. The sender was told by ICMP.",
  },
  IpOutNoRoutes: {
    meaning: "the sender has no route to the destination",
    advice: "The container is attached to no network that leads there: an internal network gives no default route.",
  },
  UnicastInL2Multicast: {
    meaning: "a unicast packet in a broadcast frame is not forwarded",
    advice: "A damaged or hand-made frame: the IP and the MAC destination disagree.",
  },
  IpNoProto: {
    meaning: "the receiver has no handler for the IP protocol",
    advice: "Only ICMP, UDP and TCP have one. The sender was told by ICMP.",
  },
  RouteUnreachable: {
    meaning: "a route says that the destination is unreachable",
    advice: "A blackhole, unreachable or prohibit route matched.",
  },
  DupFrag: {
    meaning: "this fragment was there already",
    advice: "Harmless: a link duplicated or somebody repeated a fragment.",
    isHarmless: true,
  },
  FragOverlap: {
    meaning: "a fragment overlaps another one",
    advice: "The whole datagram is given up (RFC 5722), because overlaps are an attack's tool.",
  },
  FragTooFar: {
    meaning: "a fragment lies outside of any datagram",
    advice: "A damaged or hand-made fragment: it ends beyond 65,535 bytes or is not a multiple of 8 long.",
  },
  FragReasmTimeout: {
    meaning: "fragments were missing for 30 s",
    advice: "At least one fragment of the datagram was lost on the way; one lost fragment costs the whole datagram.",
  },
  IcmpCsum: { meaning: "the ICMP checksum is wrong", advice: "A damaged or hand-made packet: look at it in a capture." },
  UdpCsum: { meaning: "the UDP checksum is wrong", advice: "A damaged or hand-made packet: look at it in a capture." },
  TcpCsum: { meaning: "the TCP checksum is wrong", advice: "A damaged or hand-made packet: look at it in a capture." },
  NoSocket: {
    meaning: "nobody listens on the port",
    advice: "The service listens on another port, or traffic names the published port instead of the container's.",
  },
  SocketRcvBuff: {
    meaning: "the receiving process was too slow",
    advice: "Its socket's receive queue was full. Send less, or spread the load over more replicas.",
  },
  SocketSndBuff: {
    meaning: "the sender's own socket buffer was full",
    advice: "The sender writes faster than its connection carries.",
  },
  TcpFlags: {
    meaning: "TCP flags that mean nothing in this state",
    advice: "A segment of a connection that is already gone, or a hand-made one.",
  },
  TcpInvalidSequence: {
    meaning: "a TCP segment outside the receive window",
    advice: "Usually a late segment of an older connection or a repeated acknowledgement.",
  },
  TcpOldData: {
    meaning: "TCP data that had arrived before",
    advice: "Harmless: a retransmission of something that was only slow or whose acknowledgement was lost.",
    isHarmless: true,
  },
  TcpOfoQueuePrune: {
    meaning: "too many holes in a TCP stream",
    advice: "Heavy loss: the sender will send it again.",
  },
  TcpReset: {
    meaning: "a TCP reset, which closed the connection",
    advice: "The other side refused or aborted the connection: nobody listens, or it gave up.",
  },
  TcpListenOverflow: {
    meaning: "the table of connections is full",
    advice: "More TCP connections exist at once than the simulation has room for.",
  },
  ProcessDrop: {
    meaning: "the process that read it could do nothing with it",
    advice: "Not a DNS message where one was expected, or a proxy or name server without a way to the next server.",
  },
  WalkLimit: {
    meaning: "one packet made too much work in one go",
    advice: "The simulator's own reason: bridges or routes form a loop.",
  },
  NetfilterDrop: {
    meaning: "a firewall rule or policy dropped it",
    advice: "Trace the flow to see which rule of which chain decided.",
  },
  ConntrackFull: {
    meaning: "the table of tracked connections is full",
    advice: "More connections exist at once than net.netfilter.nf_conntrack_max allows.",
  },
  PortSecurity: {
    meaning: "the switch does not take frames from this MAC at this port",
    advice: "macvlan needs a network that lets a host have several MACs; most clouds do not. Use ipvlan or a bridge there.",
  },
  PortIsolated: {
    meaning: "ipvlan containers of one parent are kept apart",
    advice: "The network has ipvlan_flag=private. Use ipvlan_flag=bridge if they are to talk.",
  },
  Ipv6Disabled: {
    meaning: "IPv6 is switched off at the device (disable_ipv6)",
    advice: "The container's networks have no IPv6. Create one with --ipv6.",
  },
  Ipv6BadExthdr: {
    meaning: "its IPv6 extension headers do not fit, or are too many",
    advice: "Only frames made by hand have this. Check what was injected.",
  },
  Ipv6NdiscHopLimit: {
    meaning: "neighbour discovery with a hop limit below 255",
    advice: "Only frames made by hand have this. Check what was injected.",
  },
  Ipv6NdiscBadCode: {
    meaning: "neighbour discovery with a code other than 0",
    advice: "Only frames made by hand have this. Check what was injected.",
  },
  Ipv6NdiscBadOptions: {
    meaning: "neighbour discovery that cannot be read",
    advice: "Only frames made by hand have this. Check what was injected.",
  },
  IpvsNoDestination: {
    meaning: "no task of the service takes connections",
    advice: "Look at the tasks of the service: none is running, or all of them are draining. The client is told that the port is unreachable.",
  },
  NoTxTarget: {
    meaning: "the overlay knows no host with this destination MAC",
    advice: "Has gossip about the other container arrived (7946/tcp and udp)? Broadcasts and multicast never leave a host.",
  },
  VxlanArpUnknown: {
    meaning: "ARP for an address that the overlay knows on no other host",
    advice: "Usual for addresses of this host's containers. Otherwise nobody has it, or gossip about it has not arrived (7946/tcp and udp).",
    isHarmless: true,
  },
  VxlanInvalidHdr: {
    meaning: "a VXLAN header without its flag or with reserved bits set",
    advice: "Only datagrams made by hand have this. Check what was injected.",
  },
  VxlanVniNotFound: {
    meaning: "VXLAN of an overlay that this host has no container on",
    advice: "The sender's tables are out of date: the container has just left, or gossip about it has not arrived there.",
  },
  VxlanEntryExists: {
    meaning: "VXLAN from an address that its host does not advertise",
    advice: "The host's route to here chooses another source address: advertise that one (--advertise-addr, --data-path-addr).",
  },
  LocalMac: {
    meaning: "a VXLAN frame from the MAC of the receiving device itself",
    advice: "Two devices have one MAC, or the frame came back in a loop.",
  },
  XfrmInHdrError: {
    meaning: "it ends inside the ESP header",
    advice: "A damaged or hand-made packet: look at it in a capture.",
  },
  XfrmInNoStates: {
    meaning: "the receiver has no IPsec state with this SPI",
    advice: "Its node has other keys of the encrypted network, or none: an old key after rotations that it missed, or a packet for another node.",
  },
  XfrmInStateSeqError: {
    meaning: "its ESP sequence number came before, or is too old",
    advice: "Somebody repeated it, or the way reorders more than the replay window is wide.",
  },
  XfrmInStateProtoError: {
    meaning: "its ESP integrity check failed",
    advice: "It was forged, changed or cut on the way, or it was encrypted with another key.",
  },
  XfrmOutNoStates: {
    meaning: "there is no IPsec state to encrypt it with",
    advice: "The policy asks for encryption, but the node has no key towards that peer yet.",
  },
  XfrmOutStateSeqError: {
    meaning: "the ESP sequence numbers are used up",
    advice: "2^32 packets went out with one key. Rotate the keys.",
  },
};

/** Places where a reason means something else. */
const PLACE_TEXTS: readonly { readonly reason: DropName; readonly place: RegExp; readonly text: DropText }[] = [
  {
    reason: "NoSocket",
    place: /\/(lb-[^:/]+|ingress-sbox):/,
    text: {
      meaning: "the load balancer does not know this connection any more",
      advice: "IPVS forgets a connection that was silent for 900 s, or whose task is gone. Send keepalives more often than that, or use dnsrr.",
    },
  },
];

/**
 * What a drop reason means; at a place, if that is known.
 *
 * @example dropText("NoSocket").meaning // "nobody listens on the port"
 */
export function dropText(reason: DropName, place?: string): DropText {
  const special = place === undefined ? undefined : PLACE_TEXTS.find((text) => text.reason === reason && text.place.test(place));
  return special?.text ?? DROP_TEXTS[reason];
}

/** Every reason with its number, in the order of the list. */
export function dropNames(): readonly (readonly [reason: Drop, name: DropName])[] {
  return Object.entries(Drop).flatMap(([name, reason]) => (typeof reason === "number" ? [[reason, name as DropName] as const] : []));
}
