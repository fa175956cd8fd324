/**
 * The records of a compiled network, as they lie in the module's memory: little-endian, every field 32 bits wide
 * unless its line says f64. `X_SIZE` is the stride. The TypeScript engine reads the same records as objects.
 */

/** What a device is. */
export enum DeviceKind {
  /** lo. Frames come back to the same namespace. */
  Loopback = 0,
  /** One end of a veth pair; `peer` is the other. */
  Veth,
  /** A Linux bridge; ports name it as their `master`. */
  Bridge,
  /** A NIC; `peer` is the port at the other end of the cable, `link` what the cable does. */
  Physical,
  /** A device that was there and is no more: its index stays taken, and a later program may use it again. */
  Gone,
  /** A device with a MAC of its own on top of `peer`; `mode` is a MacvlanMode. */
  Macvlan,
  /** A device with addresses of its own and the MAC of `peer`, on top of which it is; `mode` is an IpvlanMode. */
  Ipvlan,
  /** The frames of `peer` that are tagged with `vlan`. */
  Vlan,
  /** What is sent to it is gone. */
  Dummy,
  /** A tunnel: its frames go in UDP datagrams of the namespace `underlay`, to the port `port`, with the number `vni`. */
  Vxlan,
}

/** How frames go between the macvlan devices of one lower device (IFLA_MACVLAN_MODE). */
export enum MacvlanMode {
  /** Not at all. */
  Private = 0,
  /** By way of a switch that sends them back. */
  Vepa,
  Bridge,
  /** There is only one device. */
  Passthru,
}

/** How ipvlan devices send (IFLA_IPVLAN_MODE). */
export enum IpvlanMode {
  /** ARP and broadcasts, as macvlan in bridge mode. */
  L2 = 0,
  /** By the routes of the lower device's namespace, without ARP. */
  L3,
  L3s,
}

/** Device flags. */
export const DEVICE_UP: u32 = 1;
/** Hairpin mode of a bridge port: a frame may leave by the port it came from. */
export const DEVICE_HAIRPIN: u32 = 2;
/** net.ipv4.conf.DEVICE.route_localnet: 127.0.0.0/8 may come in and go out here. */
export const DEVICE_ROUTE_LOCALNET: u32 = 4;
/** A bridge port that takes frames from the MAC of its peer only, as the switches of clouds do. */
export const DEVICE_PORT_SECURITY: u32 = 8;
/** IPVLAN_F_PRIVATE: no frames between the ipvlan devices of one lower device; IPVLAN_F_VEPA: only by way of a switch. */
export const DEVICE_IPVLAN_PRIVATE: u32 = 16;
export const DEVICE_IPVLAN_VEPA: u32 = 32;
/** net.ipv6.conf.DEVICE.disable_ipv6. */
export const DEVICE_DISABLE_IPV6: u32 = 64;
/** VXLAN_F_LEARN: remembers from where a MAC's frames come, and takes them from there only; VXLAN_F_PROXY: answers ARP itself, and lets none pass. */
export const DEVICE_VXLAN_LEARNING: u32 = 128;
export const DEVICE_VXLAN_PROXY: u32 = 256;
/** VXLAN_F_L2MISS, VXLAN_F_L3MISS: tell a user process whom the tables lack; packets do not feel them. */
export const DEVICE_VXLAN_L2MISS: u32 = 512;
export const DEVICE_VXLAN_L3MISS: u32 = 1024;
/** net.ipv4.conf.DEVICE.arp_ignore 1 and arp_announce 2: ARP here is about the device's own addresses alone. */
export const DEVICE_ARP_IGNORE: u32 = 2048;
/** A NIC that spoils the checksums of the tunnels that it knows, as some do with checksum offload. */
export const DEVICE_BAD_OFFLOAD: u32 = 4096;

/** What a route does (rtnetlink's RTN_*). */
export enum RouteType {
  Unicast = 0,
  Local,
  Broadcast,
  Blackhole,
  Unreachable,
  Prohibit,
}

/** What a socket's process does with what arrives. */
export enum SocketRole {
  /** Reads and counts. */
  Sink = 0,
  /** Answers each request of a flow with the flow's response; echoes a datagram that belongs to no flow. */
  Responder,
  /** The sending end of a flow. */
  Client,
  /** docker-proxy: passes on what arrives to `targetIp`:`targetPort`, from the same namespace, and the answers back. */
  Proxy,
  /** A server that names itself and those whom it serves: its answers are longer by the addresses' decimal text. */
  Identity,
  /** A sandbox's embedded DNS server: answers from its zones, and asks its upstream servers for the rest. UDP or TCP. */
  Resolver,
  /** An authoritative DNS server with zones of its own. UDP or TCP. */
  NameServer,
}

/** Socket flags: a proxy's UDP answers leave from the address that was asked, not from the one that the route chooses. */
export const SOCKET_ASKED_SOURCE: u32 = 1;

/** When a flow sends. */
export enum FlowKind {
  /** Every `interval`. */
  Constant = 0,
  /** Exponentially distributed gaps with mean `interval`. */
  Poisson,
  /** Every `interval` during `on`, nothing during `off`, again and again. */
  OnOff,
  /** A request that wants a response: every `interval`, or, if that is 0, `think` after each response or timeout. */
  Request,
  /** ICMP echo every `interval`. */
  Ping,
  /** Each message is a TCP connection of its own: one request, one answer, and the server closes first. */
  Exchange,
  /** A DNS query: every `interval`, or `think` after each answer or timeout. Over TCP each has a connection of its own, and the client closes first. */
  Query,
  /** A gratuitous ARP request for `destination` every `interval`, from the device that has the address. */
  Announce,
}

export const HOST_CPUS: i32 = 0;
export const HOST_BACKLOG: i32 = 4;
/** 1: node visits take no time: a switch, which is not a computer. */
export const HOST_COSTLESS: i32 = 8;
export const HOST_SIZE: i32 = 12;

export const NAMESPACE_HOST: i32 = 0;
export const NAMESPACE_FORWARDING: i32 = 4;
export const NAMESPACE_TTL: i32 = 8;
/** net.bridge.bridge-nf-call-iptables (bit 0) and bridge-nf-call-ip6tables (bit 1). */
export const NAMESPACE_BRIDGE_NF: i32 = 12;
/** net.ipv6.conf.all.forwarding: 0 or 1. */
export const NAMESPACE_FORWARDING6: i32 = 16;
/** net.ipv6.conf.all.hop_limit. */
export const NAMESPACE_HOP_LIMIT: i32 = 20;
export const NAMESPACE_SIZE: i32 = 24;

/** Bits of `NAMESPACE_BRIDGE_NF`. */
export const BRIDGE_NF_IPV4: u32 = 1;
export const BRIDGE_NF_IPV6: u32 = 2;

export const DEVICE_NAMESPACE: i32 = 0;
export const DEVICE_KIND: i32 = 4;
export const DEVICE_FLAGS: i32 = 8;
/** First two bytes of the MAC, in reading order (0x0242 of 02:42:ac:11:00:02). */
export const DEVICE_MAC_HIGH: i32 = 12;
/** Last four bytes of the MAC (0xac110002). */
export const DEVICE_MAC_LOW: i32 = 16;
export const DEVICE_MTU: i32 = 20;
export const DEVICE_PEER: i32 = 24;
export const DEVICE_MASTER: i32 = 28;
export const DEVICE_LINK: i32 = 32;
export const DEVICE_MODE: i32 = 36;
/** 802.1Q id. */
export const DEVICE_VLAN: i32 = 40;
/** Of a Vxlan: the namespace whose stack carries it (of the same host), the UDP port there and of the remotes, and the network's number. */
export const DEVICE_UNDERLAY: i32 = 44;
export const DEVICE_PORT: i32 = 48;
export const DEVICE_VNI: i32 = 52;
export const DEVICE_SIZE: i32 = 56;

export const ADDRESS_DEVICE: i32 = 0;
/** 0xac110002 is 172.17.0.2, here and in every IPv4 field. */
export const ADDRESS_IP: i32 = 4;
export const ADDRESS_PREFIX: i32 = 8;
export const ADDRESS_SIZE: i32 = 12;

export const ROUTE_NAMESPACE: i32 = 0;
export const ROUTE_DESTINATION: i32 = 4;
export const ROUTE_PREFIX: i32 = 8;
export const ROUTE_TYPE: i32 = 12;
export const ROUTE_DEVICE: i32 = 16;
/** 0: the destination itself is on the link. */
export const ROUTE_GATEWAY: i32 = 20;
/** Preferred source; 0: the first address of the device. */
export const ROUTE_SOURCE: i32 = 24;
export const ROUTE_METRIC: i32 = 28;
export const ROUTE_SIZE: i32 = 32;

export const NEIGHBOUR_DEVICE: i32 = 0;
export const NEIGHBOUR_IP: i32 = 4;
export const NEIGHBOUR_MAC_HIGH: i32 = 8;
export const NEIGHBOUR_MAC_LOW: i32 = 12;
export const NEIGHBOUR_SIZE: i32 = 16;

/** A permanent entry of a Vxlan's forwarding database (`bridge fdb … dst REMOTE self permanent`); a MAC of zeros stands for all without an entry. */
export const VXLAN_REMOTE_DEVICE: i32 = 0;
export const VXLAN_REMOTE_MAC_HIGH: i32 = 4;
export const VXLAN_REMOTE_MAC_LOW: i32 = 8;
/** The address in the underlay to which the frames go. */
export const VXLAN_REMOTE_IP: i32 = 12;
export const VXLAN_REMOTE_SIZE: i32 = 16;

export const ADDRESS6_DEVICE: i32 = 0;
/** Four words in reading order, here and in every IPv6 field. */
export const ADDRESS6_IP: i32 = 4;
export const ADDRESS6_PREFIX: i32 = 20;
/** ADDRESS6_ bits. */
export const ADDRESS6_FLAGS: i32 = 24;
export const ADDRESS6_SIZE: i32 = 28;

/** IFA_F_NODAD: in use at once. Other addresses are tentative at first. */
export const ADDRESS6_NODAD: u32 = 1;

export const ROUTE6_NAMESPACE: i32 = 0;
export const ROUTE6_DESTINATION: i32 = 4;
export const ROUTE6_PREFIX: i32 = 20;
export const ROUTE6_TYPE: i32 = 24;
export const ROUTE6_DEVICE: i32 = 28;
/** All zeros: the destination itself is on the link. */
export const ROUTE6_GATEWAY: i32 = 32;
/** Preferred source; all zeros: chosen. */
export const ROUTE6_SOURCE: i32 = 48;
export const ROUTE6_METRIC: i32 = 64;
export const ROUTE6_SIZE: i32 = 68;

export const NEIGHBOUR6_DEVICE: i32 = 0;
export const NEIGHBOUR6_IP: i32 = 4;
export const NEIGHBOUR6_MAC_HIGH: i32 = 20;
export const NEIGHBOUR6_MAC_LOW: i32 = 24;
export const NEIGHBOUR6_SIZE: i32 = 28;

/** f64, bits per second; 0: no limit. */
export const LINK_RATE: i32 = 0;
/** f64, ns. */
export const LINK_DELAY: i32 = 8;
export const LINK_JITTER: i32 = 16;
/** Probabilities are u32: p × 2^32, at most 2^32 - 1. */
export const LINK_LOSS: i32 = 20;
export const LINK_DUPLICATE: i32 = 24;
export const LINK_REORDER: i32 = 28;
/** Packets waiting for the transmitter. */
export const LINK_LIMIT: i32 = 32;
export const LINK_SIZE: i32 = 40;

export const SOCKET_NAMESPACE: i32 = 0;
export const SOCKET_PROTOCOL: i32 = 4;
/** 0: any address. */
export const SOCKET_IP: i32 = 8;
export const SOCKET_PORT: i32 = 12;
export const SOCKET_ROLE: i32 = 16;
/** The flow of a client socket, else NONE. */
export const SOCKET_FLOW: i32 = 20;
/** Where a proxy passes on what arrives. */
export const SOCKET_TARGET_IP: i32 = 24;
export const SOCKET_TARGET_PORT: i32 = 28;
/** An identity server's answer without the addresses in it. */
export const SOCKET_RESPONSE_BYTES: i32 = 32;
/** The resolver of a Resolver or NameServer, else NONE. */
export const SOCKET_RESOLVER: i32 = 36;
export const SOCKET_FLAGS: i32 = 40;
/** `Family` of the socket; one of IPv6 has its address in SOCKET_IP6 (all zeros: any). */
export const SOCKET_FAMILY: i32 = 44;
export const SOCKET_IP6: i32 = 48;
/** `Family` of a proxy's target; an IPv6 one is in SOCKET_TARGET_IP6. */
export const SOCKET_TARGET_FAMILY: i32 = 64;
export const SOCKET_TARGET_IP6: i32 = 68;
export const SOCKET_SIZE: i32 = 84;

export const FLOW_KIND: i32 = 0;
export const FLOW_PROTOCOL: i32 = 4;
export const FLOW_NAMESPACE: i32 = 8;
export const FLOW_DESTINATION: i32 = 12;
export const FLOW_DESTINATION_PORT: i32 = 16;
/** Source port; identifier of an ICMP echo. */
export const FLOW_SOURCE_PORT: i32 = 20;
/** Payload bytes of a message: of a UDP datagram, an ICMP echo, a TCP write. */
export const FLOW_BYTES: i32 = 24;
export const FLOW_RESPONSE_BYTES: i32 = 28;
/** Messages to send; NONE: no end. */
export const FLOW_COUNT: i32 = 32;
/** 1: IPv4 DF is set although the datagram may be too long (ping -M do). */
export const FLOW_DONT_FRAGMENT: i32 = 36;
/** f64 each, ns. */
export const FLOW_INTERVAL: i32 = 40;
export const FLOW_ON: i32 = 48;
export const FLOW_OFF: i32 = 56;
export const FLOW_START: i32 = 64;
/** No message at or after this time. */
export const FLOW_STOP: i32 = 72;
export const FLOW_THINK: i32 = 80;
export const FLOW_TIMEOUT: i32 = 88;
/** What a Query asks for: a domain name's index, and the type of record. */
export const FLOW_NAME: i32 = 96;
export const FLOW_QUERY_TYPE: i32 = 100;
/** An Exchange's connections use so many ports from `sourcePort` on, in turn; at least 1. */
export const FLOW_SOURCE_PORTS: i32 = 104;
/** 1: no message after the first answer or error. */
export const FLOW_UNTIL_ANSWER: i32 = 108;
/** Of datagrams and echo requests; 0: the namespace's. */
export const FLOW_TTL: i32 = 112;
/** `icmp_seq` of the first echo request. */
export const FLOW_FIRST_SEQUENCE: i32 = 116;
/** `Family`; an IPv6 flow has its destination in FLOW_DESTINATION6. A Ping has protocol ICMP in either. */
export const FLOW_FAMILY: i32 = 120;
export const FLOW_DESTINATION6: i32 = 124;
/** What its messages and the answers to them say: indices of payloads (`payload.ts`); NONE: the usual bytes. */
export const FLOW_MESSAGE: i32 = 140;
export const FLOW_ANSWER: i32 = 144;
/** Of a Query: how long an answer over UDP may be, said in an OPT record; 0: without one. */
export const FLOW_UDP_SIZE: i32 = 148;
export const FLOW_SIZE: i32 = 152;
