/** busybox ip: `ip addr`, `ip route`, `ip route add`. */
import { parseIpv4 } from "../net/ip";
import { broadcastOf, type InterfaceView } from "./container-network";
import { complained, printed, type ProcessView, type Program, type ProgramResult } from "./process";

type Family = 4 | 6 | undefined;

export const ip: Program = async (process, argv) => {
  const switches = argv.slice(1).filter((word) => word.startsWith("-"));
  const [object = "", verb = "show", ...rest] = argv.slice(1).filter((word) => !word.startsWith("-"));
  const family = switches.includes("-4") ? 4 : switches.includes("-6") ? 6 : undefined;
  if (object === "route" || object === "r") return route(process, verb, rest, family);
  if (object === "addr" || object === "address" || object === "a") return addresses(process, rest.filter((word) => word !== "dev"), family, switches.includes("-o"));
  if (object === "link" || object === "l") return printed(links(process, rest.filter((word) => word !== "dev"), switches.includes("-o")));
  return complained(`ip: object '${object}' is not simulated`);
};

function route(process: ProcessView, verb: string, rest: readonly string[], family: Family): ProgramResult {
  if (verb === "add") {
    const refusal = process.addRoute(rest);
    return refusal === undefined ? printed([]) : complained(refusal, 2);
  }
  if (family === 6) return printed(routes6(process).filter((text) => rest[0] !== "default" || text.startsWith("default")));
  return printed(process.network.routes.map((text) => `${text.replace(/ proto kernel| linkdown/g, "").replace(/ src /, "  src ")} `));
}

/** In the order of the kernel's tree: what lies below the default route, that, and the groups, which are in another table. */
/** As the kernel has them. */
function byNumber(process: ProcessView): readonly InterfaceView[] {
  return [...process.network.ifaces].sort((a, b) => process.interfaceIndex(a.name) - process.interfaceIndex(b.name));
}

function routes6({ network: { ifaces, routes6: known = [] } }: ProcessView): string[] {
  const devices = ifaces.filter(({ addrs }) => addrs.some((text) => text.startsWith("fe80:"))).map(({ name }) => name);
  const below = [...known.filter((text) => !text.startsWith("default")), ...devices.map((name) => `fe80::/64 dev ${name} metric 256`)];
  const all = [...below, ...known.filter((text) => text.startsWith("default")), ...devices.map((name) => `multicast ff00::/8 dev ${name} metric 256`)];
  return all.map((text) => `${text.replace(/ proto kernel/, "").replace(/ metric /, "  metric ")} `);
}

/** With a family, only devices that have such an address, without their MACs; of IPv6 the kernel tells less. */
function addresses(process: ProcessView, [wanted]: readonly string[], family: Family, isOneLine: boolean): ProgramResult {
  const loopback: InterfaceView = { name: "lo", mtu: 65536, state: "UNKNOWN", mac: "00:00:00:00:00:00", kind: "loopback", up: true, addrs: ["127.0.0.1/8", ...(process.sysctl("net/ipv6/conf/lo/disable_ipv6") === "0" ? ["::1/128"] : [])] };
  const interfaces = [loopback, ...byNumber(process)].filter(({ name }) => wanted === undefined || name === wanted);
  if (wanted !== undefined && interfaces.length === 0) return complained(`ip: can't find device '${wanted}'`);
  return printed(
    interfaces.flatMap((device) => {
      const number = device.name === "lo" ? 1 : process.interfaceIndex(device.name);
      const lines = device.addrs.filter((text) => family === undefined || (family === 6) === text.includes(":")).map((text) => addressLine(device, text));
      if (family !== undefined && lines.length === 0) return [];
      const lifetime = "valid_lft forever preferred_lft forever";
      if (isOneLine) return lines.map((line) => `${number}: ${device.name}    ${line}\\       ${lifetime}`);
      const [first = "", second = ""] = heading(number, device, process.peerMark(device.name));
      const head = family === undefined ? [first, second] : [family === 6 ? first.replace(/ qdisc noqueue/, "") : first];
      return [...head, ...lines.flatMap((line) => [`    ${line}`, `       ${lifetime}`])];
    }),
  );
}

function links(process: ProcessView, [wanted]: readonly string[], isOneLine: boolean): string[] {
  const loopback: InterfaceView = { name: "lo", mtu: 65536, state: "UNKNOWN", mac: "00:00:00:00:00:00", kind: "loopback", up: true, addrs: [] };
  const interfaces = [loopback, ...byNumber(process)].filter(({ name }) => wanted === undefined || name === wanted);
  const headings = interfaces.map((device) => heading(device.name === "lo" ? 1 : process.interfaceIndex(device.name), device, process.peerMark(device.name)));
  return isOneLine ? headings.map((lines) => lines.join("\\")) : headings.flat();
}

/** The name of the peer of a device that is somewhere else is not known, whence M-DOWN. */
function heading(number: number, { name, mtu, mac, kind, mode }: InterfaceView, peerMark: string): string[] {
  const isLoopback = name === "lo";
  const isRouted = kind === "ipvlan" && mode !== "l2";
  const flags = isLoopback ? "LOOPBACK,UP,LOWER_UP" : `BROADCAST,MULTICAST${isRouted ? ",NOARP" : ""},UP,LOWER_UP,M-DOWN`;
  const queue = isLoopback ? "qdisc noqueue qlen 1000" : "qdisc noqueue ";
  return [`${number}: ${name}${isLoopback ? "" : peerMark}: <${flags}> mtu ${mtu} ${queue}`, `    link/${isLoopback ? "loopback" : "ether"} ${mac} brd ${isLoopback ? mac : "ff:ff:ff:ff:ff:ff"}`];
}

/** Docker's own addresses have IFA_F_NODAD, which busybox has no word for. */
function addressLine({ name, broadcast }: InterfaceView, text: string): string {
  const isLoopback = name === "lo";
  if (text.includes(":")) return `inet6 ${text} scope ${isLoopback ? "host" : text.startsWith("fe80") ? "link" : "global flags 02"} `;
  const [address = "", prefix = "32"] = text.split("/");
  const own = broadcast === undefined ? undefined : broadcastOf(parseIpv4(address, "address"), Number(prefix));
  return `inet ${text}${own === undefined ? "" : ` brd ${own}`} scope ${isLoopback ? "host" : "global"} ${name}`;
}
