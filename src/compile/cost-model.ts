/**
 * What the packet path costs a CPU. One number is measured: a 64-byte UDP datagram from a container to another one on the same
 * bridge takes 2540 ns of CPU, user and system time, on Linux 6.18 on a 2.6 GHz Xeon. The nodes of that path add up to it; how it is
 * split between them, and what the other nodes cost, is estimated. Only ratios carry over to other machines.
 */
import { Node, NODE_COUNT } from "../../assembly/abi/node";

/** Nanoseconds per visit. */
const COSTS: Readonly<Record<Exclude<keyof typeof Node, number>, number>> = {
  Done: 0,
  // A system call and the allocation of a socket buffer.
  SocketOutput: 650,
  IpOutput: 180,
  // Allocation and copy of the pieces come on top of the output of each.
  IpFragment: 300,
  NeighbourOutput: 60,
  DeviceTransmit: 190,
  Receive: 110,
  BridgeInput: 150,
  BridgeForward: 80,
  // The choice of ports; each copy then costs its own BridgeForward.
  BridgeFlood: 100,
  BridgeOutput: 80,
  ArpInput: 200,
  IpInput: 150,
  IpForward: 120,
  LocalDeliver: 70,
  Reassemble: 250,
  IcmpInput: 250,
  IcmpError: 400,
  // Socket lookup, accounting, and the reader's system call.
  UdpInput: 600,
  // The state machine, and what an acknowledgement sets free.
  TcpInput: 750,
  // A context switch to a process that slept.
  ApplicationWake: 1500,
  Timer: 300,
  // netem's enqueue and its timer.
  Link: 100,
  // Estimated so that a packet that is routed through three of them with MASQUERADE costs what Linux takes for it, 3360 ns.
  Prerouting: 160,
  LocalIn: 60,
  Forward: 80,
  LocalOut: 160,
  Postrouting: 140,
  // A tag is four bytes; macvlan and ipvlan look a device up in a hash.
  VlanInput: 40,
  VlanOutput: 60,
  MacvlanInput: 60,
  MacvlanOutput: 60,
  IpvlanInput: 80,
  IpvlanOutput: 90,
  // As their twins of IPv4, without a checksum of the header.
  Ip6Input: 150,
  Ip6Forward: 120,
  Ip6Output: 180,
  Ip6Fragment: 300,
  Icmp6Input: 250,
  Icmp6Error: 400,
  // Two lookups of a connection, and the translation, about what connection tracking with NAT takes.
  Ipvs: 150,
  // Estimated so that a 64-byte UDP datagram from a container to one on another host costs what Linux 6.18 takes for it, 4255 ns on both together.
  VxlanInput: 150,
  VxlanOutput: 175,
  // What a packet of 1,400 bytes takes to be sealed and opened, 2250 ns (docs/encryption.md), without the cipher itself.
  EspOutput: 425,
  EspInput: 425,
};

/** The cost table of a program, by `Node`. */
export const DEFAULT_COSTS: readonly number[] = Array.from({ length: NODE_COUNT }, (_, node) => COSTS[Node[node] as keyof typeof Node]);

/** Nanoseconds per 1,024 bytes copied between a process and the kernel: about 20 GB/s, estimated. */
export const DEFAULT_COPY_COST = 51;

/**
 * Nanoseconds per 1,024 bytes that are encrypted or decrypted: AES-128-GCM with AES-NI and PCLMULQDQ takes 1.2 to 1.5 cycles per byte
 * (OpenSSL 3 in bulk, measured), 0.5 ns on a 2.6 GHz Xeon.
 */
export const DEFAULT_CIPHER_COST = 512;
