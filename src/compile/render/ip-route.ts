import { DeviceKind, RouteType } from "../../../assembly/abi/program";
import type { RouteRecord } from "../../engine/program";
import { formatIpv4 } from "../../net/ip";
import { localName, type RenderedProgram } from "./device-names";

/** `ip route`: the main table, sorted as the kernel dumps it. The local table (addresses, broadcasts) is left out, as there. */
export function renderRoutes(program: RenderedProgram, namespace: number): string[] {
  return program.routes
    .filter((route) => route.namespace === namespace && route.type !== RouteType.Local && route.type !== RouteType.Broadcast)
    .sort((a, b) => a.destination - b.destination || a.prefix - b.prefix || a.metric - b.metric)
    .map((route) => renderRoute(program, route));
}

function renderRoute(program: RenderedProgram, { destination, prefix, type, device, gateway, source, metric }: RouteRecord): string {
  const target = prefix === 0 ? "default" : `${formatIpv4(destination)}/${prefix}`;
  const suffix = metric === 0 ? "" : ` metric ${metric}`;
  if (type !== RouteType.Unicast) return `${RouteType[type]!.toLowerCase()} ${target}${suffix}`;
  const name = localName(program, device);
  if (gateway !== 0) return `${target} via ${formatIpv4(gateway)} dev ${name}${suffix}`;
  const isEmptyBridge = program.devices[device]!.kind === DeviceKind.Bridge && !program.devices.some(({ master }) => master === device);
  const from = source === 0 ? "" : ` src ${formatIpv4(source)}`;
  return `${target} dev ${name} proto kernel scope link${from}${suffix}${isEmptyBridge ? " linkdown" : ""}`;
}
