import type { Firewall } from "./firewall/firewall";
import { parseIptablesArgv } from "./firewall/parse";
import type { Host } from "./host";
import { unsupported } from "./refusal";
import type { HostRouteSpec } from "./world";

/** What a command of a host's user changes. */
export interface CommandedHost {
  readonly host: Host;
  readonly firewall: Pick<Firewall, "apply">;
}

/**
 * Runs a command of a host's own user that changes what the daemon finds: `ip route`, `ip addr` and `ip link` of iproute2,
 * `sysctl -w net.ipv4.ip_forward=` and `ip_local_port_range=`, iptables and ip6tables. Commands that only look are no business of this.
 *
 * @throws SimulationError in the words of the command, `UNSUPPORTED` for one that is not known.
 */
export function runOnHost({ host, firewall }: CommandedHost, argv: readonly string[]): void {
  if (/^ip6?tables$/.test(argv[0] ?? "")) {
    firewall.apply(parseIptablesArgv(argv, { file: "iptables" }));
    return;
  }
  const [program, ...words] = argv.filter((word) => word !== "-4" && word !== "-6");
  const [object = "", verb = "", ...rest] = words;
  if (program === "sysctl") {
    const setting = words.find((word) => word.startsWith("net.ipv4.ip_forward="));
    if (setting) host.setForwarding(setting.endsWith("=1"));
    const [, from, to] = /(?:^| )net\.ipv4\.ip_local_port_range=(\d+)\s+(\d+)$/.exec(words.join(" ")) ?? [];
    if (from !== undefined) host.setLocalPorts({ from: Number(from), to: Number(to) });
    return;
  }
  if (program !== "ip") unsupported("host", `the command ${JSON.stringify(argv.join(" "))}`);
  else if ("route".startsWith(object)) changeRoute(host, verb, rest);
  else if ("address".startsWith(object)) changeAddress(host, verb, rest);
  else if ("link".startsWith(object)) changeLink(host, verb, rest);
  else unsupported("host", `the command ${JSON.stringify(argv.join(" "))}`);
}

const ROUTE_TYPES = new Set(["unicast", "blackhole", "unreachable", "prohibit"]);

function changeRoute(host: Host, verb: string, words: readonly string[]): void {
  const isTyped = ROUTE_TYPES.has(words[0] ?? "");
  const type = (isTyped ? words[0] : "unicast") as HostRouteSpec["type"];
  const [written = "default", ...rest] = isTyped ? words.slice(1) : words;
  const destination = written === "default" || written.includes("/") ? written : `${written}/${written.includes(":") ? 128 : 32}`;
  const value = (key: string) => (rest.includes(key) ? rest[rest.indexOf(key) + 1] : undefined);
  const via = value("via");
  if (verb === "del") host.removeRoute(destination, via);
  if (verb !== "add" && verb !== "append" && verb !== "replace") return;
  if (verb === "replace" && host.world.routes.some((route) => route.destination === destination)) host.removeRoute(destination, undefined);
  const isDirect = type === "unicast" && via === undefined;
  host.addRoute({
    destination,
    type,
    // iproute2 iproute.c: routes without a gateway are link unless the type is another.
    scope: (value("scope") as HostRouteSpec["scope"] | undefined) ?? (isDirect ? "link" : "global"),
    ...defined({ via, device: value("dev"), source: value("src") }),
    ...(value("metric") !== undefined && { metric: Number(value("metric")) }),
  });
}

function changeAddress(host: Host, verb: string, words: readonly string[]): void {
  const device = words[words.indexOf("dev") + 1] ?? "";
  const [written = ""] = words.filter((word) => /^[0-9a-f.:]+(\/\d+)?$/i.test(word));
  const address = written.includes("/") ? written : `${written}/${written.includes(":") ? 128 : 32}`;
  if (verb === "add" || verb === "replace") host.addAddress(device, address);
  else if (verb === "del") host.removeAddress(device, address);
}

function changeLink(host: Host, verb: string, words: readonly string[]): void {
  const value = (key: string) => (words.includes(key) ? words[words.indexOf(key) + 1] : undefined);
  if (verb === "add") {
    const name = value("name") ?? words.find((word, at) => !["link", "type", "id"].includes(word) && !["link", "type", "id"].includes(words[at - 1] ?? ""));
    const type = value("type");
    const id = value("id");
    const link = value("link");
    if (name === undefined) return;
    const kind = type === "bridge" || type === "dummy" || type === "vlan" ? type : "other";
    host.addDevice(name, { kind, addresses: [], ...(id !== undefined && link !== undefined && { vlan: { id: Number(id), link } }) });
  } else if (verb === "del" || verb === "delete") host.removeDevice(value("dev") ?? words[0] ?? "");
}

function defined<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: string };
}
