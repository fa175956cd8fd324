import { isIp } from "../net/ip";
import { alternatives, type Field } from "./field";
import type { PortProtocol, PortRange, PublishedPort } from "./project";

const PROTOCOLS: readonly PortProtocol[] = ["tcp", "udp", "sctp"];
const SHORT_FORM = `"[ip:][host:]container[/proto]"`;

/**
 * Reads `ports`, short and long forms, into one entry per container port. Of two entries for the same binding the later one stays,
 * in the place of the earlier (compose-go override/uncity.go: portIndexer).
 *
 * @throws SimulationError `INVALID_INPUT` at the entry, with the reason of docker/go-connections nat/nat.go.
 */
export function readPorts(field: Field | undefined): PublishedPort[] {
  const ports = new Map<string, PublishedPort>();
  for (const item of field?.items() ?? []) {
    for (const port of item.node.kind === "mapping" ? [readLongForm(item)] : readShortForm(item)) {
      const published = port.published ? `${port.published.from}-${port.published.to}` : "";
      ports.set(`${port.hostIp ?? "0.0.0.0"}:${published}:${port.target}/${port.protocol}`, port);
    }
  }
  return [...ports.values()];
}

/** Reads `expose`: a port or a range, with a protocol or without. */
export function readExpose(field: Field | undefined): PortRange[] {
  const ranges = new Map<string, PortRange>();
  for (const item of field?.items() ?? []) {
    const [ports = "", protocol = "tcp", ...rest] = item.text().split("/");
    const range = rangeOf(ports);
    const transport = protocol.toLowerCase();
    if (!range || range.from === 0 || !isProtocol(transport) || rest.length > 0) return item.expected(`"port[-port][/proto]"`);
    ranges.set(item.text(), { ...range, protocol: transport });
  }
  return [...ranges.values()];
}

function readShortForm(item: Field): PublishedPort[] {
  const text = item.text();
  const fail = (reason: string): never => item.fail(`expected ${SHORT_FORM}, found ${JSON.stringify(text)}: ${reason}`);
  const parts = text.split(":");
  const [containerText = "", protocol = "tcp"] = splitProtocol(parts.pop() ?? "");
  const hostText = parts.pop() ?? "";
  // Split from the right, so that an IPv6 address may stand without brackets.
  const ipText = parts.join(":");
  const hostIp = ipText.startsWith("[") && ipText.endsWith("]") ? ipText.slice(1, -1) : ipText;
  if (hostIp !== "" && !isIp(hostIp)) return fail(`invalid IP address ${JSON.stringify(ipText)}`);
  if (containerText === "") return fail("no container port");
  const target = rangeOf(containerText);
  if (!target || target.from === 0) return fail(`invalid container port ${JSON.stringify(containerText)}`);
  const host = hostText === "" ? undefined : (rangeOf(hostText) ?? fail(`invalid host port ${JSON.stringify(hostText)}`));
  if (!isProtocol(protocol)) return fail(`invalid protocol ${JSON.stringify(protocol)}`);
  const single = target.from === target.to;
  if (host && !single && host.to - host.from !== target.to - target.from) {
    return fail(`ranges of different length ${JSON.stringify(hostText)} and ${JSON.stringify(containerText)}`);
  }
  return Array.from({ length: target.to - target.from + 1 }, (_, offset) => ({
    place: item.place,
    target: target.from + offset,
    protocol,
    // Several host ports for one container port are a pool to pick from.
    published: host && (single ? bindable(host) : bindable({ from: host.from + offset, to: host.from + offset })),
    hostIp: hostIp === "" ? undefined : hostIp,
    mode: "ingress" as const,
    appProtocol: undefined,
    name: undefined,
  }));
}

function readLongForm(item: Field): PublishedPort {
  const target = item.get("target")?.integer(1, 65535) ?? item.fail(`expected the property "target", found none`);
  const published = item.filled("published");
  const range = published && (rangeOf(published.text()) ?? published.expected("a port or a range of ports"));
  const hostIp = item.filled("host_ip");
  if (hostIp && !isIp(hostIp.text())) hostIp.expected("an IPv4 or IPv6 address");
  return {
    place: item.place,
    target,
    protocol: readProtocol(item.filled("protocol")),
    published: range && bindable(range),
    hostIp: hostIp?.text(),
    mode: item.filled("mode")?.choice(["ingress", "host"]) ?? "ingress",
    appProtocol: item.filled("app_protocol")?.text(),
    name: item.filled("name")?.text(),
  };
}

function readProtocol(field: Field | undefined): PortProtocol {
  const text = field?.text().toLowerCase() ?? "tcp";
  return isProtocol(text) || !field ? (text as PortProtocol) : field.expected(alternatives(PROTOCOLS));
}

/** Host port 0 asks for any free port, as no port does. */
function bindable(range: { from: number; to: number }): { from: number; to: number } | undefined {
  return range.to === 0 ? undefined : range;
}

function splitProtocol(text: string): [ports: string, protocol?: string] {
  const slash = text.indexOf("/");
  if (slash < 0 || slash === text.length - 1) return [slash < 0 ? text : text.slice(0, -1)];
  return [text.slice(0, slash), text.slice(slash + 1).toLowerCase()];
}

function isProtocol(text: string): text is PortProtocol {
  return (PROTOCOLS as readonly string[]).includes(text);
}

function rangeOf(text: string): { from: number; to: number } | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= 65535 ? { from, to } : undefined;
}
