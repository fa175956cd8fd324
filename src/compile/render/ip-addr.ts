import { DEVICE_UP, DeviceKind } from "../../../assembly/abi/program";
import { NONE } from "../../../assembly/abi/version";
import type { DeviceRecord } from "../../engine/program";
import { formatIpv4 } from "../../net/ip";
import { formatMac } from "../../net/mac";
import { ipv4Mask } from "../../net/cidr";
import { devicesOf, interfaceNumber, localName, type RenderedProgram } from "./device-names";

/** `ip addr`: two lines per device and one per address. */
export function renderAddresses(program: RenderedProgram, namespace: number): string[] {
  return devicesOf(program, namespace).flatMap((device) => [
    ...renderDevice(program, device, program.devices[device]!),
    ...program.addresses.filter((address) => address.device === device).map(({ ip, prefix }) => {
      const name = localName(program, device);
      const isLoopback = program.devices[device]!.kind === DeviceKind.Loopback;
      const broadcast = isLoopback || prefix >= 31 ? "" : ` brd ${formatIpv4((ip | ~ipv4Mask(prefix)) >>> 0)}`;
      return `    inet ${formatIpv4(ip)}/${prefix}${broadcast} scope ${isLoopback ? "host" : "global"} ${name}`;
    }),
  ]);
}

function renderDevice(program: RenderedProgram, index: number, device: DeviceRecord): string[] {
  const isLoopback = device.kind === DeviceKind.Loopback;
  const hasCarrier = device.kind !== DeviceKind.Bridge || program.devices.some(({ master }) => master === index);
  const isUp = (device.flags & DEVICE_UP) !== 0;
  const flags = [
    ...(hasCarrier ? [] : ["NO-CARRIER"]),
    isLoopback ? "LOOPBACK" : "BROADCAST,MULTICAST",
    ...(isUp ? ["UP"] : []),
    ...(isUp && hasCarrier ? ["LOWER_UP"] : []),
  ].join(",");
  const peer = device.peer === NONE ? "" : `@if${interfaceNumber(program, device.peer)}`;
  const master = device.master === NONE ? "" : ` master ${localName(program, device.master)}`;
  const state = isLoopback ? "UNKNOWN" : isUp && hasCarrier ? "UP" : "DOWN";
  const mac = formatMac(device.macHigh * 2 ** 32 + device.macLow);
  return [
    `${interfaceNumber(program, index)}: ${localName(program, index)}${peer}: <${flags}> mtu ${device.mtu}${master} state ${state}`,
    `    link/${isLoopback ? "loopback" : "ether"} ${mac} brd ${isLoopback ? formatMac(0) : "ff:ff:ff:ff:ff:ff"}`,
  ];
}
