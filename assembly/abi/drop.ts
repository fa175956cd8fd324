/**
 * Why a packet died. One closed list; the names are the kernel's `SKB_DROP_REASON_*` (include/net/dropreason-core.h)
 * in PascalCase wherever the kernel has one. Reasons that are the simulator's own say so.
 */
export enum Drop {
  /** Not dropped. */
  None = 0,
  /** A reason that has no name of its own. No test may produce it. */
  NotSpecified,
  /** PKT_TOO_SMALL: fewer bytes than the header says, or than a header needs on the link layer. */
  PktTooSmall,
  /** PKT_TOO_BIG: longer than the device's MTU, or than the path allows with DF set. */
  PktTooBig,
  /** HDR_TRUNC: the frame ends inside a header above Ethernet. */
  HdrTrunc,
  /** DEV_READY: the device is down. */
  DevReady,
  /** OTHERHOST: the destination MAC is neither ours nor broadcast. What a host does with flooded frames. */
  OtherHost,
  /** UNHANDLED_PROTO: nobody listens to this EtherType, ARP operation, ICMP type or reserved bridge address. */
  UnhandledProto,
  /** MAC_INVALID_SOURCE: the source MAC is zero or a group address. */
  MacInvalidSource,
  /** BRIDGE_NO_EGRESS_PORT: the only way out is the port it came from, or there is no other port. */
  BridgeNoEgressPort,
  /** CPU_BACKLOG: the host's CPU has netdev_max_backlog packets waiting. */
  CpuBacklog,
  /** NOMEM: no packet slot or reassembly buffer is free. */
  NoMemory,
  /** QDISC_DROP: the link's queue is full. */
  QdiscDrop,
  /** The simulator's own: the link lost it, as netem's `loss` does. */
  LinkLoss,
  /** NEIGH_CREATEFAIL: the neighbour table is full. */
  NeighCreateFail,
  /** NEIGH_FAILED: nobody answered ARP. */
  NeighFailed,
  /** NEIGH_QUEUEFULL: more packets than unres_qlen waited for one ARP answer; the oldest goes. */
  NeighQueueFull,
  /** IP_INHDR: IPv4 version or header length is wrong. */
  IpInHdr,
  /** IP_CSUM: IPv4 header checksum. */
  IpCsum,
  /** The kernel counts this under IP_INHDR: the TTL ran out while forwarding. */
  IpTtlExceeded,
  /** IP_INVALID_SOURCE: a martian source (zero, loopback, multicast, broadcast). */
  IpInvalidSource,
  /** IP_LOCAL_SOURCE: the source is one of the receiver's own addresses. */
  IpLocalSource,
  /** IP_INVALID_DEST: destination zero. */
  IpInvalidDest,
  /** IP_LOCALNET: a loopback destination arrived from outside. */
  IpLocalNet,
  /** IP_INADDRERRORS: not for us and forwarding is off, or a group nobody joined. */
  IpInAddrErrors,
  /** IP_INNOROUTES: to be forwarded, but there is no route. */
  IpInNoRoutes,
  /** IP_OUTNOROUTES: a local sender has no route. */
  IpOutNoRoutes,
  /** UNICAST_IN_L2_MULTICAST: a unicast packet to forward arrived in a broadcast or multicast frame. */
  UnicastInL2Multicast,
  /** IP_NOPROTO: no handler for the IP protocol. */
  IpNoProto,
  /** A route of type blackhole, unreachable or prohibit. */
  RouteUnreachable,
  /** DUP_FRAG: the same fragment again. */
  DupFrag,
  /** A fragment overlaps another; the whole datagram goes (RFC 5722 §4, which Linux applies to IPv4 too). */
  FragOverlap,
  /** FRAG_TOO_FAR: a fragment ends beyond 65,535 bytes, or a middle one is not a multiple of 8. */
  FragTooFar,
  /** FRAG_REASM_TIMEOUT: 30 s passed and a fragment is still missing. */
  FragReasmTimeout,
  /** ICMP_CSUM: ICMP checksum. */
  IcmpCsum,
  /** UDP_CSUM: UDP checksum. */
  UdpCsum,
  /** TCP_CSUM: TCP checksum. */
  TcpCsum,
  /** NO_SOCKET: nobody listens on the port, or no connection matches. */
  NoSocket,
  /** SOCKET_RCVBUFF: the receiving process is slower than its socket's queue is long. */
  SocketRcvBuff,
  /** SNDBUF: the sender's own socket buffer is full (EAGAIN for a sender that does not wait). */
  SocketSndBuff,
  /** TCP_FLAGS: a combination of flags that means nothing in this state. */
  TcpFlags,
  /** TCP_INVALID_SEQUENCE: outside the receive window. */
  TcpInvalidSequence,
  /** TCP_OLD_DATA: everything in it has been received before. */
  TcpOldData,
  /** TCP_OFO_QUEUE_PRUNE: more holes in the stream than the receiver keeps. */
  TcpOfoQueuePrune,
  /** TCP_RESET: a reset that closed the connection. */
  TcpReset,
  /** LISTEN_OVERFLOW: the table of connections is full. */
  TcpListenOverflow,
  /** The simulator's own: one event made more than WALK_STEPS_MAX node visits or WALK_QUEUE_MAX copies (a loop of bridges). */
  WalkLimit,
  /** The simulator's own: the process that read it can do nothing with it: not DNS, or a proxy or resolver without a way on. */
  ProcessDrop,
  /** NETFILTER_DROP: a rule or a policy of the packet filter, or a translation for which no port or address is left. */
  NetfilterDrop,
  /** The kernel says "nf_conntrack: table full, dropping packet" and counts a NETFILTER_DROP. */
  ConntrackFull,
  /** The simulator's own: the switch takes frames from one MAC only at this port, and this is another. */
  PortSecurity,
  /** The simulator's own (the kernel gives no reason): ipvlan with the flag `private` keeps those of one parent apart. */
  PortIsolated,
  /** IPV6DISABLED: an IPv6 packet arrived at a device on which IPv6 is switched off. */
  Ipv6Disabled,
  /** IPV6_BAD_EXTHDR: an extension header of IPv6 that does not fit, or too many of them. */
  Ipv6BadExthdr,
  /** IPV6_NDISC_HOP_LIMIT: neighbour discovery that came over a router. */
  Ipv6NdiscHopLimit,
  /** IPV6_NDISC_BAD_CODE. */
  Ipv6NdiscBadCode,
  /** IPV6_NDISC_BAD_OPTIONS: a solicitation or advertisement that cannot be read. */
  Ipv6NdiscBadOptions,
  /** The simulator's own (the kernel counts a NETFILTER_DROP): no real server of the virtual service takes connections. */
  IpvsNoDestination,
  /** NO_TX_TARGET: a VXLAN device does not know where the destination MAC is. Broadcasts and groups are nowhere. */
  NoTxTarget,
  /** The simulator's own (the kernel frees it without a word): a VXLAN device that answers ARP itself does not know the address, and lets no ARP pass. */
  VxlanArpUnknown,
  /** VXLAN_INVALID_HDR: the flag that says that there is a network number is not set, or reserved bits are. */
  VxlanInvalidHdr,
  /** VXLAN_VNI_NOT_FOUND: no device of this host has this port and network number. */
  VxlanVniNotFound,
  /** VXLAN_ENTRY_EXISTS: the frame came from another host than the one that the forwarding database names for its source. */
  VxlanEntryExists,
  /** LOCAL_MAC: the frame's source is the VXLAN device's own MAC. */
  LocalMac,
  /** /proc/net/xfrm_stat, as all that follow: fewer bytes than an ESP header has. */
  XfrmInHdrError,
  /** No security association has this SPI at the destination: wrong or outdated keys, or a next header that is a transformation itself. */
  XfrmInNoStates,
  /** Outside the replay window, or it came before. */
  XfrmInStateSeqError,
  /** The integrity check value is wrong, or what was encrypted is no packet. */
  XfrmInStateProtoError,
  /** To be encrypted, but there is no security association for it. */
  XfrmOutNoStates,
  /** All sequence numbers of the security association are used up. */
  XfrmOutStateSeqError,
}

/** How many reasons there are: the width of a drop table. */
export const DROP_COUNT: i32 = 70;
