/** Network devices. Key: index. Capacity: `capacity.devices`; one more record stands for "no device". */
import { DEVICE_COUNTER_SIZE } from "../abi/counter";
import { DROP_COUNT } from "../abi/drop";
import { CAPACITY_DEVICES, Section } from "../abi/image";
import { Node } from "../abi/node";
import {
  ADDRESS_DEVICE,
  ADDRESS_IP,
  ADDRESS_SIZE,
  DEVICE_FLAGS,
  DEVICE_HAIRPIN,
  DEVICE_KIND,
  DEVICE_LINK,
  DEVICE_MAC_HIGH,
  DEVICE_MAC_LOW,
  DEVICE_MASTER,
  DEVICE_MTU,
  DEVICE_NAMESPACE,
  DEVICE_PEER,
  DEVICE_SIZE,
  DEVICE_UP,
  DeviceKind,
} from "../abi/program";
import { NONE } from "../abi/version";
import { reserve } from "../memory/arena";
import { capacity, record, recordCount } from "../memory/image";
import { Link, linkAt } from "../simulation/link";
import { ETHERNET_HEADER, macFromWords } from "../wire/ethernet";
import { Namespace, namespaceAt } from "./namespace";

/** Beside DEVICE_UP and DEVICE_HAIRPIN. */
export const DEVICE_CAPTURED: u32 = 0x80000000;

@unmanaged
export class Device {
  index: u32;
  flags: u32;
  mac: u64;
  kind: DeviceKind;
  /** Bytes of the longest frame that it sends. */
  frameMax: u32;
  mtu: u32;
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
  /** A new program took it away, down, or gave it another MAC or no address: its neighbours are forgotten. */
  restarted: bool;
  hadAddress: bool;
}

const DEVICE_BYTES: usize = 96;

let base: usize = 0;
export let deviceCount: u32 = 0;
let counters: usize = 0;
let drops: usize = 0;
let portList: usize = 0;
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
  const flags = load<u32>(from, DEVICE_FLAGS) & (DEVICE_UP | DEVICE_HAIRPIN);
  const mac = macFromWords(load<u32>(from, DEVICE_MAC_HIGH), load<u32>(from, DEVICE_MAC_LOW));
  const kind = load<u32>(from, DEVICE_KIND);
  device.restarted = !(flags & DEVICE_UP) || mac != device.mac || kind != <u32>device.kind;
  device.flags = (device.flags & DEVICE_CAPTURED) | flags;
  device.mac = mac;
  device.kind = kind;
  device.mtu = load<u32>(from, DEVICE_MTU);
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
  } else {
    device.egressNode = peer == NONE ? Node.Done : Node.Receive;
  }
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
  fillFirstAddresses();
}

function nameDevice(device: Device, index: u32): void {
  device.index = index;
  device.counters = counters + <usize>index * DEVICE_COUNTER_SIZE;
  device.drops = drops + <usize>index * (DROP_COUNT * 8);
}

function fillFirstAddresses(): void {
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    device.hadAddress = device.firstAddress != 0;
    device.firstAddress = 0;
  }
  // Backwards, so that the first address of a device wins.
  for (let index = recordCount(Section.Addresses); index > 0; index--) {
    const address = record(Section.Addresses, index - 1, ADDRESS_SIZE);
    deviceAt(load<u32>(address, ADDRESS_DEVICE)).firstAddress = load<u32>(address, ADDRESS_IP);
  }
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.hadAddress && device.firstAddress == 0) device.restarted = true;
  }
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
}

@inline export function portAt(bridge: Device, index: u32): Device {
  return changetype<Device>(<usize>load<u32>(bridge.ports + (<usize>index << 2)));
}
