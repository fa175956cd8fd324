/** busybox ip: `ip addr`, `ip route`, `ip route add`. */
import type { InterfaceView } from "./container-network";
import { complained, printed, type ProcessView, type Program, type ProgramResult } from "./process";

export const ip: Program = async (process, argv) => {
  const switches = argv.slice(1).filter((word) => word.startsWith("-"));
  const [object = "", verb = "show", ...rest] = argv.slice(1).filter((word) => !word.startsWith("-"));
  const family = switches.includes("-4") ? 4 : switches.includes("-6") ? 6 : undefined;
  if (object === "route" || object === "r") return route(process, verb, rest);
  if (object === "addr" || object === "address" || object === "a") return addresses(process, rest.filter((word) => word !== "dev"), family, switches.includes("-o"));
  if (object === "link" || object === "l") return printed(links(process, rest.filter((word) => word !== "dev")));
  return complained(`ip: object '${object}' is not simulated`);
};

function route(process: ProcessView, verb: string, rest: readonly string[]): ProgramResult {
  if (verb === "add") {
    const refusal = process.addRoute(rest);
    return refusal === undefined ? printed([]) : complained(refusal, 2);
  }
  return printed(process.network.routes.map((text) => `${text.replace(/ proto kernel/, "").replace(/ src /, "  src ")} `));
}

function addresses(process: ProcessView, [wanted]: readonly string[], family: 4 | 6 | undefined, isOneLine: boolean): ProgramResult {
  const loopback: InterfaceView = { name: "lo", mtu: 65536, state: "UNKNOWN", mac: "00:00:00:00:00:00", kind: "loopback", up: true, addrs: ["127.0.0.1/8", ...(process.sysctl("net/ipv6/conf/lo/disable_ipv6") === "0" ? ["::1/128"] : [])] };
  const interfaces = [loopback, ...process.network.ifaces].filter(({ name }) => wanted === undefined || name === wanted);
  if (wanted !== undefined && interfaces.length === 0) return complained(`ip: can't find device '${wanted}'`);
  return printed(
    interfaces.flatMap((device) => {
      const number = device.name === "lo" ? 1 : process.interfaceIndex(device.name);
      const lines = device.addrs.filter((text) => family === undefined || (family === 6) === text.includes(":")).map((text) => addressLine(device, text));
      const lifetime = "valid_lft forever preferred_lft forever";
      if (isOneLine) return lines.map((line) => `${number}: ${device.name}    ${line}\\       ${lifetime}`);
      return [...heading(number, device, process.peerMark), ...lines.flatMap((line) => [`    ${line}`, `       ${lifetime}`])];
    }),
  );
}

function links(process: ProcessView, [wanted]: readonly string[]): string[] {
  const loopback: InterfaceView = { name: "lo", mtu: 65536, state: "UNKNOWN", mac: "00:00:00:00:00:00", kind: "loopback", up: true, addrs: [] };
  const interfaces = [loopback, ...process.network.ifaces].filter(({ name }) => wanted === undefined || name === wanted);
  return interfaces.flatMap((device) => heading(device.name === "lo" ? 1 : process.interfaceIndex(device.name), device, process.peerMark));
}

function heading(number: number, { name, mtu, mac }: InterfaceView, peerMark: string): string[] {
  const isLoopback = name === "lo";
  const flags = isLoopback ? "LOOPBACK,UP,LOWER_UP" : "BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN";
  const queue = isLoopback ? "qdisc noqueue qlen 1000" : "qdisc noqueue";
  return [`${number}: ${name}${isLoopback ? "" : peerMark}: <${flags}> mtu ${mtu} ${queue}`, `    link/${isLoopback ? "loopback" : "ether"} ${mac} brd ${isLoopback ? mac : "ff:ff:ff:ff:ff:ff"}`];
}

function addressLine({ name, broadcast }: InterfaceView, text: string): string {
  const isLoopback = name === "lo";
  if (text.includes(":")) return `inet6 ${text} scope ${isLoopback ? "host" : text.startsWith("fe80") ? "link" : "global"}`;
  return `inet ${text}${broadcast === undefined ? "" : ` brd ${broadcast}`} scope ${isLoopback ? "host" : "global"} ${name}`;
}
