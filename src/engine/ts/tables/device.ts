import { Node } from "../../../../assembly/abi/node";
import {
  DEVICE_ARP_IGNORE,
  DEVICE_DISABLE_IPV6,
  DEVICE_HAIRPIN,
  DEVICE_IPVLAN_PRIVATE,
  DEVICE_IPVLAN_VEPA,
  DEVICE_BAD_OFFLOAD,
  DEVICE_PORT_SECURITY,
  DEVICE_ROUTE_LOCALNET,
  DEVICE_UP,
  DEVICE_VXLAN_LEARNING,
  DEVICE_VXLAN_PROXY,
  DeviceKind,
  IpvlanMode,
} from "../../../../assembly/abi/program";
import type { DeviceRecord } from "../../program";
import type { Link } from "../simulation/link";
import type { Address6 } from "./address6";
import type { Namespace } from "./namespace";
import type { Neighbour } from "./neighbour";

/** A network device: what its record says, with the things around it as references, and its counters. */
export class Device {
  kind = DeviceKind.Gone;
  macHigh = 0;
  macLow = 0;
  mtu = 0;
  /** What TCP thinks of it when it announces an MSS: more than a slot holds, if it is a Loopback. */
  announcedMtu = 0;
  hairpin = false;
  /** Addresses of 127.0.0.0/8 may come in and go out here. */
  routeLocalnet = false;
  /** ARP is about its own addresses alone. */
  ignoresArp = false;
  up = false;
  peer: Device | null = null;
  /** The bridge whose port this is. */
  master: Device | null = null;
  link: Link | null = null;
  /** Ports of a bridge, by index, whether one of them is up, and whether one was before. */
  ports: Device[] = [];
  hasCarrier = false;
  lostCarrier = false;
  /** A MacvlanMode or IpvlanMode, and the id of a Vlan. */
  mode = 0;
  vlan = 0;
  /** Of a Vxlan: whose stack carries it, the UDP port, the network's number. */
  underlay: Namespace | null = null;
  port = 0;
  vni = 0;
  isLearning = false;
  isProxy = false;
  hasPortSecurity = false;
  isPrivate = false;
  isVepa = false;
  /** It sends without ARP (IFF_NOARP). */
  isNoArp = false;
  /** Macvlan, Ipvlan and Vlan devices whose lower device it is, by index. */
  above: Device[] = [];
  /** Who takes received frames before the stack does (rx_handler); Done: nobody. */
  handler = Node.Done;
  hasVlans = false;
  /** ipvlan devices in mode l3s are on top: its stack takes in what is for them. */
  takesIn = false;
  /** Its first address; 0: none. All are in `addresses`. */
  ip = 0;
  addresses: number[] = [];
  /** The same with the masks of their networks. */
  networks: { readonly ip: number; readonly mask: number }[] = [];
  /** Its IPv6 addresses, in the order of the program. */
  addresses6: Address6[] = [];
  /** net.ipv6.conf.DEVICE.disable_ipv6. */
  isIpv6Disabled = false;
  /** A NIC whose checksum offload is broken. */
  spoilsTunnels = false;
  captured = false;
  /** Entries by IP. */
  readonly neighbours = new Map<number, Neighbour>();

  rxPackets = 0;
  rxBytes = 0;
  txPackets = 0;
  txBytes = 0;

  constructor(
    readonly index: number,
    public namespace: Namespace,
  ) {}

  /** Is the address one that ARP may speak of here? */
  answersFor(ip: number): boolean {
    return this.ignoresArp ? this.addresses.includes(ip) : this.namespace.addresses.has(ip);
  }

  /** Takes over what a record says; whom it is connected to is found once all devices are there. */
  configure({ kind, flags, macHigh, macLow, mtu, mode = 0, vlan = 0, port = 0, vni = 0 }: DeviceRecord, namespace: Namespace): void {
    this.namespace = namespace;
    this.kind = kind;
    this.macHigh = macHigh;
    this.macLow = macLow | 0;
    this.mtu = this.announcedMtu = mtu;
    this.mode = mode;
    this.vlan = vlan;
    this.port = port;
    this.vni = vni;
    this.isLearning = (flags & DEVICE_VXLAN_LEARNING) !== 0;
    this.isProxy = (flags & DEVICE_VXLAN_PROXY) !== 0;
    this.spoilsTunnels = (flags & DEVICE_BAD_OFFLOAD) !== 0;
    this.hasPortSecurity = (flags & DEVICE_PORT_SECURITY) !== 0;
    this.isPrivate = (flags & DEVICE_IPVLAN_PRIVATE) !== 0;
    this.isVepa = (flags & DEVICE_IPVLAN_VEPA) !== 0;
    this.isNoArp = kind === DeviceKind.Ipvlan && mode !== IpvlanMode.L2;
    this.hairpin = (flags & DEVICE_HAIRPIN) !== 0;
    this.isIpv6Disabled = (flags & DEVICE_DISABLE_IPV6) !== 0;
    this.ignoresArp = (flags & DEVICE_ARP_IGNORE) !== 0;
    this.routeLocalnet = (flags & DEVICE_ROUTE_LOCALNET) !== 0;
    this.up = (flags & DEVICE_UP) !== 0;
  }

  /** inet_select_addr: its first address on the network of `destination`, else its first; 0: none. */
  addressFor(destination: number): number {
    for (const { ip, mask } of this.networks) if (((ip ^ destination) & mask) === 0) return ip;
    return this.ip;
  }

  get isLoopback(): boolean {
    return this.kind === DeviceKind.Loopback;
  }

  /** Whether it lies on top of its peer instead of at the other end of a cable. */
  get isOnTop(): boolean {
    return this.kind === DeviceKind.Macvlan || this.kind === DeviceKind.Ipvlan || this.kind === DeviceKind.Vlan;
  }

  /** Decides who takes received frames, once masters and what is on top are known. */
  chooseHandler(): void {
    this.hasVlans = this.above.some(({ kind }) => kind === DeviceKind.Vlan);
    this.handler = Node.Done;
    const ipvlan = this.above.find(({ kind }) => kind === DeviceKind.Ipvlan);
    this.takesIn = ipvlan?.mode === IpvlanMode.L3s;
    if (ipvlan !== undefined) this.handler = Node.IpvlanInput;
    if (this.above.some(({ kind }) => kind === DeviceKind.Macvlan)) this.handler = Node.MacvlanInput;
    if (this.master !== null && this.kind !== DeviceKind.Bridge) this.handler = Node.BridgeInput;
  }

  /** The macvlan device on top that is up and has the MAC, or null. */
  aboveMac(high: number, low: number): Device | null {
    for (const device of this.above) {
      if (device.kind === DeviceKind.Macvlan && device.macLow === low && device.macHigh === high && device.up) return device;
    }
    return null;
  }

  /** The ipvlan device on top that is up and has the address, or null. */
  holder(ip: number): Device | null {
    for (const device of this.above) {
      if (device.kind === DeviceKind.Ipvlan && device.up && device.addresses.includes(ip)) return device;
    }
    return null;
  }
}
