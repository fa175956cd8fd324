/** What a description may say of a host in one line each. */
import { SimulationError } from "../errors";
import { parseCidr } from "../net/cidr";
import { isIp } from "../net/ip";
import type { HostRouteSpec, ListenerSpec } from "./world";

const ROUTE = /^(?:(unicast|blackhole|unreachable|prohibit) )?(\S+)(?: via (\S+))?(?: dev (\S+))?(?: src (\S+))?(?: metric (\d+))?$/;

/**
 * Reads a route as `ip route` writes it.
 *
 * @throws SimulationError `INVALID_INPUT` for what is no route.
 * @example readRoute("10.8.0.0/16 via 192.0.2.1", "host h1: route")
 */
export function readRoute(text: string, field: string): HostRouteSpec {
  const [, type = "unicast", destination = "", via, device, source, metric] = ROUTE.exec(text.trim()) ?? [];
  const isUnicast = type === "unicast";
  const addresses = [via, source].filter((address) => address !== undefined);
  if (destination === "" || !addresses.every(isIp) || (isUnicast && via === undefined && device === undefined)) {
    throw new SimulationError("INVALID_INPUT", `${field}: expected a route such as "10.8.0.0/16 via 192.0.2.1", "10.8.0.0/16 dev eth0" or "unreachable 10.9.0.0/16", found ${JSON.stringify(text)}`);
  }
  if (destination !== "default") parseCidr(destination, field);
  return {
    destination,
    type: type as HostRouteSpec["type"],
    ...(via !== undefined && { via }),
    ...(device !== undefined && { device }),
    scope: isUnicast && via === undefined ? "link" : "global",
    ...(source !== undefined && { source }),
    ...(metric !== undefined && { metric: Number(metric) }),
  };
}

/**
 * Reads where a program of a host listens: `22/tcp`, `127.0.0.1:53/udp`, `[::1]:80`.
 *
 * @throws SimulationError `INVALID_INPUT` for what is no port.
 */
export function readListener(text: string, field: string): ListenerSpec {
  const [, bracketed, plain, port = "0", protocol = "tcp"] = /^(?:\[([0-9a-f:.]+)\]:|([\d.]+):)?(\d{1,5})(?:\/(tcp|udp))?$/i.exec(text) ?? [];
  const address = bracketed ?? plain;
  const number = Number(port);
  if (number < 1 || number > 65535 || (address !== undefined && !isIp(address))) {
    throw new SimulationError("INVALID_INPUT", `${field}: expected "[address:]port[/tcp|/udp]", found ${JSON.stringify(text)}`);
  }
  return { protocol: protocol === "udp" ? "udp" : "tcp", address: address ?? "*", port: number, process: "a program of the host" };
}
