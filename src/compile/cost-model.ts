/**
 * What the packet path costs a CPU. Calibrated so that a 64-byte UDP datagram from a container to another one on the same
 * bridge takes 2540 ns of CPU in all, as it does on Linux 6.18 on a 2.6 GHz Xeon (medians over three veth pairs, user and
 * system time); the split between the nodes follows a kernel profile of the same run. Only ratios carry over to other machines.
 */
import { Node, NODE_COUNT } from "../../assembly/abi/node";

/** Nanoseconds per visit. */
const COSTS: Readonly<Record<Exclude<keyof typeof Node, number>, number>> = {
  Done: 0,
  // One system call, a socket buffer, and for UDP the copy of its header.
  SocketOutput: 650,
  IpOutput: 180,
  // Allocation and copy of the pieces come on top of the output of each.
  IpFragment: 300,
  NeighbourOutput: 60,
  DeviceTransmit: 190,
  // The softirq that a veth raises, shared by the packets it takes at once.
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
  // State machine and acknowledgement; more than UDP's by what tcp_v4_rcv takes in the same profile.
  TcpInput: 750,
  // A context switch to a process that slept.
  ApplicationWake: 1500,
  Timer: 300,
  // netem's enqueue and its timer.
  Link: 100,
};

/** The cost table of a program, by `Node`. */
export const DEFAULT_COSTS: readonly number[] = Array.from({ length: NODE_COUNT }, (_, node) => COSTS[Node[node] as keyof typeof Node]);

/** Nanoseconds per 1,024 bytes copied between a process and the kernel: 20 GB/s, what copy_from_user reaches in the second-level cache. */
export const DEFAULT_COPY_COST = 51;
