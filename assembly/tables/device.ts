/** Network devices. Key: index. Capacity: `capacity.devices`; one more record stands for "no device". */
import { DEVICE_COUNTER_SIZE } from "../abi/counter";
import { DROP_COUNT } from "../abi/drop";
import { CAPACITY_ADDRESSES, CAPACITY_DEVICES, Section } from "../abi/image";
import { Node } from "../abi/node";
import {
  ADDRESS_DEVICE,
  ADDRESS_IP,
  ADDRESS_PREFIX,
  ADDRESS_SIZE,
  DEVICE_DISABLE_IPV6,
  DEVICE_FLAGS,
  DEVICE_HAIRPIN,
  DEVICE_IPVLAN_PRIVATE,
  DEVICE_IPVLAN_VEPA,
  DEVICE_KIND,
  DEVICE_LINK,
  DEVICE_MAC_HIGH,
  DEVICE_MAC_LOW,
  DEVICE_MASTER,
  DEVICE_MODE,
  DEVICE_MTU,
  DEVICE_NAMESPACE,
  DEVICE_PEER,
  DEVICE_PORT,
  DEVICE_ARP_IGNORE,
  DEVICE_BAD_OFFLOAD,
  DEVICE_PORT_SECURITY,
  DEVICE_ROUTE_LOCALNET,
  DEVICE_SIZE,
  DEVICE_UNDERLAY,
  DEVICE_UP,
  DEVICE_VLAN,
  DEVICE_VNI,
  DEVICE_VXLAN_LEARNING,
  DEVICE_VXLAN_PROXY,
  DeviceKind,
  IpvlanMode,
} from "../abi/program";
import { NONE } from "../abi/version";
import { reserve } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { frameBytes } from "../memory/pool";
import { Link, linkAt } from "../simulation/link";
import { ETHERNET_HEADER, macFromWords } from "../wire/ethernet";
import { IPV6_ADDRESS, NO_ADDRESS } from "../wire/network-address";
import { find6 } from "./address6";
import { addressOn6, isNoAddress6 } from "./interface6";
import { Namespace, namespaceAt } from "./namespace";

/** Beside those of the program. */
export const DEVICE_CAPTURED: u32 = 0x80000000;
/** It sends without ARP (IFF_NOARP). */
export const DEVICE_NO_ARP: u32 = 0x40000000;
/** A Vlan is on top of it. */
export const DEVICE_HAS_VLANS: u32 = 0x20000000;
const RECORD_FLAGS: u32 = DEVICE_UP | DEVICE_HAIRPIN | DEVICE_PORT_SECURITY | DEVICE_IPVLAN_PRIVATE | DEVICE_IPVLAN_VEPA | DEVICE_ROUTE_LOCALNET | DEVICE_DISABLE_IPV6 | DEVICE_VXLAN_LEARNING | DEVICE_VXLAN_PROXY | DEVICE_BAD_OFFLOAD | DEVICE_ARP_IGNORE;
/** Of a bridge: iptables sees its frames (bridge-nf-call-iptables). */
export const DEVICE_FILTERED: u32 = 0x10000000;
/** The same of ip6tables (bridge-nf-call-ip6tables). */
export const DEVICE_FILTERED6: u32 = 0x08000000;
/** Ipvlan devices in mode l3s are on top: its stack takes in what is for them. */
export const DEVICE_TAKES_IN: u32 = 0x04000000;

@unmanaged
export class Device {
  index: u32;
  flags: u32;
  mac: u64;
  kind: DeviceKind;
  /** Bytes of the longest frame that it sends. */
  frameMax: u32;
  mtu: u32;
  /** The one that TCP announces an MSS by. That of a Loopback may be more than a slot holds. */
  announcedMtu: u32;
  /** The node that a transmitted frame visits next, and the device given to it. Done: there is no other end. */
  egressNode: Node;
  egress: Device;
  /** The bridge, or null. */
  master: Device;
  link: Link;
  namespace: Namespace;
  /** Addresses of its DEVICE_COUNTER_… and of its row of drops. */
  counters: usize;
  drops: usize;
  /** 0: it has no address. */
  firstAddress: u32;
  /** Of a bridge: its number, from 1, and its ports, u32 addresses of devices in index order. */
  bridge: u32;
  ports: usize;
  portCount: u32;
  /** A MacvlanMode or IpvlanMode, and the id of a Vlan. */
  mode: u32;
  vlan: u32;
  /** The node that received frames visit next; Done: they go up the stack. */
  ingressNode: Node;
  /** What is on top of it, u32 addresses of devices in index order; its own addresses, u32 each. */
  above: usize;
  aboveCount: u32;
  addresses: usize;
  addressCount: u32;
  /** A new program took it away, down, or gave it another MAC: its neighbours are forgotten. */
  restarted: bool;
  /** Of a bridge: a port is up; the last one that was up is not there any more. */
  hasCarrier: bool;
  lostCarrier: bool;
  /** It had an address of the family, and has none now. */
  lostAddress: bool;
  lostAddress6: bool;
  hasAddress6: bool;
  /** Of a Vxlan: whose stack carries it, to which port, with which number. */
  underlay: Namespace;
  port: u32;
  vni: u32;
}

export const DEVICE_BYTES: usize = 128;

let base: usize = 0;
export let deviceCount: u32 = 0;
let counters: usize = 0;
let drops: usize = 0;
let portList: usize = 0;
let aboveList: usize = 0;
let addressList: usize = 0;
/** The mask of an address lies so many bytes behind it. */
let masksBehind: usize = 0;
/** Numbers that bridges were given; they are never given twice. */
let bridges: u32 = 0;
/** What a packet that is nowhere has as its device. */
export let noDevice: Device = changetype<Device>(0);

export function reserveDevices(): void {
  if (offsetof<Device>() > DEVICE_BYTES) ERROR("Device outgrew its stride");
  const devices = capacity(CAPACITY_DEVICES);
  base = reserve(<u64>devices + 1, DEVICE_BYTES);
  counters = reserve(<u64>devices + 1, DEVICE_COUNTER_SIZE);
  drops = reserve(<u64>devices + 1, DROP_COUNT * 8);
  portList = reserve(devices, 4);
  aboveList = reserve(devices, 4);
  addressList = reserve(capacity(CAPACITY_ADDRESSES), 2 * 4);
  masksBehind = <usize>capacity(CAPACITY_ADDRESSES) << 2;
  noDevice = deviceAt(devices);
}

@inline export function deviceAt(index: u32): Device {
  return changetype<Device>(base + <usize>index * DEVICE_BYTES);
}

@inline export function isNull(device: Device): bool {
  return changetype<usize>(device) == 0;
}

export function deviceCounters(): usize {
  return counters;
}

export function deviceDrops(): usize {
  return drops;
}

function fillDevice(device: Device, from: usize): void {
  const flags = load<u32>(from, DEVICE_FLAGS) & RECORD_FLAGS;
  const mac = macFromWords(load<u32>(from, DEVICE_MAC_HIGH), load<u32>(from, DEVICE_MAC_LOW));
  const kind = load<u32>(from, DEVICE_KIND);
  device.restarted = !(flags & DEVICE_UP) || mac != device.mac || kind != <u32>device.kind;
  device.flags = (device.flags & DEVICE_CAPTURED) | flags;
  device.mac = mac;
  device.kind = kind;
  device.mode = load<u32>(from, DEVICE_MODE);
  device.vlan = load<u32>(from, DEVICE_VLAN);
  device.underlay = namespaceAt(load<u32>(from, DEVICE_UNDERLAY));
  device.port = load<u32>(from, DEVICE_PORT);
  device.vni = load<u32>(from, DEVICE_VNI);
  if (device.kind == DeviceKind.Ipvlan && device.mode != IpvlanMode.L2) device.flags |= DEVICE_NO_ARP;
  device.announcedMtu = load<u32>(from, DEVICE_MTU);
  device.mtu = device.kind == DeviceKind.Loopback ? min(device.announcedMtu, frameBytes - ETHERNET_HEADER) : device.announcedMtu;
  device.frameMax = device.mtu + ETHERNET_HEADER;
  device.namespace = namespaceAt(load<u32>(from, DEVICE_NAMESPACE));
  const master = load<u32>(from, DEVICE_MASTER);
  device.master = master != NONE && device.kind != DeviceKind.Bridge ? deviceAt(master) : changetype<Device>(0);
  fillEgress(device, load<u32>(from, DEVICE_PEER), load<u32>(from, DEVICE_LINK));
}

function fillEgress(device: Device, peer: u32, link: u32): void {
  device.egress = peer == NONE ? changetype<Device>(0) : deviceAt(peer);
  if (link != NONE) {
    device.link = linkAt(link);
    device.egressNode = peer == NONE ? Node.Done : Node.Link;
  } else if (device.kind == DeviceKind.Bridge) {
    device.egressNode = Node.BridgeOutput;
    device.egress = device;
  } else if (device.kind == DeviceKind.Loopback) {
    device.egressNode = Node.Receive;
    device.egress = device;
  } else if (device.kind == DeviceKind.Vxlan) {
    device.egressNode = Node.VxlanOutput;
  } else {
    device.egressNode = peer == NONE ? Node.Done : egressOf(device.kind);
  }
}

/** What happens to a frame on its way to the peer, which is the lower device of those that are on top of one. */
function egressOf(kind: DeviceKind): Node {
  if (kind == DeviceKind.Macvlan) return Node.MacvlanOutput;
  if (kind == DeviceKind.Ipvlan) return Node.IpvlanOutput;
  return kind == DeviceKind.Vlan ? Node.VlanOutput : Node.Receive;
}

/** Makes the devices that are new, and lets the others have what the program says. */
export function fillDevices(): void {
  const devices = recordCount(Section.Devices);
  for (let index = deviceCount; index < devices; index++) nameDevice(deviceAt(index), index);
  nameDevice(noDevice, capacity(CAPACITY_DEVICES));
  noDevice.index = NONE;
  noDevice.namespace = namespaceAt(0);
  deviceCount = devices;
  for (let index: u32 = 0; index < devices; index++) fillDevice(deviceAt(index), record(Section.Devices, index, DEVICE_SIZE));
  fillPorts();
  fillAbove();
  fillDeviceAddresses();
}

function nameDevice(device: Device, index: u32): void {
  device.index = index;
  device.counters = counters + <usize>index * DEVICE_COUNTER_SIZE;
  device.drops = drops + <usize>index * (DROP_COUNT * 8);
}

function fillDeviceAddresses(): void {
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    device.lostAddress = device.firstAddress != 0;
    device.firstAddress = 0;
    device.addressCount = 0;
  }
  // Backwards, so that the first address of a device wins.
  for (let index = recordCount(Section.Addresses); index > 0; index--) {
    const address = record(Section.Addresses, index - 1, ADDRESS_SIZE);
    const device = deviceAt(load<u32>(address, ADDRESS_DEVICE));
    device.firstAddress = load<u32>(address, ADDRESS_IP);
    device.addressCount++;
  }
  let at = addressList;
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    device.addresses = at;
    at += <usize>device.addressCount << 2;
    device.addressCount = 0;
  }
  for (let index: u32 = 0; index < recordCount(Section.Addresses); index++) {
    const address = record(Section.Addresses, index, ADDRESS_SIZE);
    const device = deviceAt(load<u32>(address, ADDRESS_DEVICE));
    const at = device.addresses + (<usize>device.addressCount << 2);
    const prefix = load<u32>(address, ADDRESS_PREFIX);
    store<u32>(at, load<u32>(address, ADDRESS_IP));
    store<u32>(at + masksBehind, prefix == 0 ? 0 : 0xffffffff << (32 - prefix));
    device.addressCount++;
  }
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.firstAddress != 0) device.lostAddress = false;
  }
}

/** inet_select_addr: the first address of the device that is on one link with another, else its first one; 0: it has none. */
export function addressTowards(device: Device, other: u32): u32 {
  for (let index: u32 = 0; index < device.addressCount; index++) {
    const at = device.addresses + (<usize>index << 2);
    if (((load<u32>(at) ^ other) & load<u32>(at + masksBehind)) == 0) return load<u32>(at);
  }
  return device.firstAddress;
}

/** inet_select_addr of a device that has no address for others: the first one of the lowest device that has; 0: there is none. */
export function otherAddress(namespace: Namespace): u32 {
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.namespace == namespace && device.kind != DeviceKind.Loopback && device.firstAddress != 0) return device.firstAddress;
  }
  return 0;
}

/** Gives each bridge its piece of the list of ports. */
function fillPorts(): void {
  for (let index: u32 = 0; index < deviceCount; index++) deviceAt(index).portCount = 0;
  for (let index: u32 = 0; index < deviceCount; index++) {
    const master = deviceAt(index).master;
    if (!isNull(master)) master.portCount++;
  }
  let at = portList;
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.kind == DeviceKind.Bridge && device.bridge == 0) device.bridge = ++bridges;
    device.ports = at;
    at += <usize>device.portCount << 2;
    device.portCount = 0;
  }
  for (let index: u32 = 0; index < deviceCount; index++) {
    const port = deviceAt(index);
    const master = port.master;
    if (isNull(master)) continue;
    store<u32>(master.ports + (<usize>master.portCount << 2), <u32>changetype<usize>(port));
    master.portCount++;
  }
  for (let index: u32 = 0; index < deviceCount; index++) followCarrier(deviceAt(index));
}

/** neigh_carrier_down. */
function followCarrier(bridge: Device): void {
  const hadCarrier = bridge.hasCarrier;
  bridge.hasCarrier = false;
  for (let index: u32 = 0; index < bridge.portCount; index++) if (portAt(bridge, index).flags & DEVICE_UP) bridge.hasCarrier = true;
  bridge.lostCarrier = hadCarrier && !bridge.hasCarrier;
}

@inline export function portAt(bridge: Device, index: u32): Device {
  return changetype<Device>(<usize>load<u32>(bridge.ports + (<usize>index << 2)));
}

@inline function isOnTop(device: Device): bool {
  return device.kind == DeviceKind.Macvlan || device.kind == DeviceKind.Ipvlan || device.kind == DeviceKind.Vlan;
}

/** Gives each device its piece of the list of those on top, and says where the frames that it receives go. */
function fillAbove(): void {
  for (let index: u32 = 0; index < deviceCount; index++) deviceAt(index).aboveCount = 0;
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (isOnTop(device) && !isNull(device.egress)) device.egress.aboveCount++;
  }
  let at = aboveList;
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    device.above = at;
    at += <usize>device.aboveCount << 2;
    device.aboveCount = 0;
    device.flags &= ~(DEVICE_HAS_VLANS | DEVICE_TAKES_IN);
    device.ingressNode = isNull(device.master) ? Node.Done : Node.BridgeInput;
  }
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (isOnTop(device) && !isNull(device.egress)) lieOn(device, device.egress);
  }
}

function lieOn(device: Device, lower: Device): void {
  if (device.kind == DeviceKind.Ipvlan && device.mode == IpvlanMode.L3s && !hasIpvlan(lower)) lower.flags |= DEVICE_TAKES_IN;
  store<u32>(lower.above + (<usize>lower.aboveCount << 2), <u32>changetype<usize>(device));
  lower.aboveCount++;
  if (device.kind == DeviceKind.Vlan) lower.flags |= DEVICE_HAS_VLANS;
  else if (lower.ingressNode == Node.BridgeInput || lower.ingressNode == Node.MacvlanInput) return;
  else lower.ingressNode = device.kind == DeviceKind.Macvlan ? Node.MacvlanInput : Node.IpvlanInput;
}

/** The first one counts: all on top have the same mode in Linux. */
function hasIpvlan(lower: Device): bool {
  for (let index: u32 = 0; index < lower.aboveCount; index++) if (aboveAt(lower, index).kind == DeviceKind.Ipvlan) return true;
  return false;
}

@inline export function aboveAt(lower: Device, index: u32): Device {
  return changetype<Device>(<usize>load<u32>(lower.above + (<usize>index << 2)));
}

/** The macvlan device on top that is up and has the MAC, or null. */
export function aboveMac(lower: Device, mac: u64): Device {
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.mac == mac && device.kind == DeviceKind.Macvlan && device.flags & DEVICE_UP) return device;
  }
  return changetype<Device>(0);
}

/** The ipvlan device on top that is up and has the address, or null. */
export function holderOf(lower: Device, address: i64): Device {
  if (address == NO_ADDRESS) return changetype<Device>(0);
  if (address & IPV6_ADDRESS) return holderOf6(lower, find6(<usize>(address & 0xffffffff)));
  const ip = <u32>address;
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.kind == DeviceKind.Ipvlan && device.flags & DEVICE_UP && hasAddress(device, ip)) return device;
  }
  return changetype<Device>(0);
}

export function holderOf6(lower: Device, number: u32): Device {
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.kind == DeviceKind.Ipvlan && device.flags & DEVICE_UP && !isNoAddress6(addressOn6(device, number))) return device;
  }
  return changetype<Device>(0);
}

/** Whether it is one of the device's own. */
export function hasAddress(device: Device, ip: u32): bool {
  for (let index: u32 = 0; index < device.addressCount; index++) if (load<u32>(device.addresses + (<usize>index << 2)) == ip) return true;
  return false;
}

/** The sub-interface with the id, or null. */
export function vlanOn(lower: Device, id: u32): Device {
  for (let index: u32 = 0; index < lower.aboveCount; index++) {
    const device = aboveAt(lower, index);
    if (device.kind == DeviceKind.Vlan && device.vlan == id) return device;
  }
  return changetype<Device>(0);
}

/** The first device of a namespace that has the address, or null. */
export function ownerOf(namespace: Namespace, ip: u32): Device {
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.namespace == namespace && hasAddress(device, ip)) return device;
  }
  return changetype<Device>(0);
}
