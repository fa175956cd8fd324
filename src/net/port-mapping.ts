import { isIp } from "./ip";

/** One container port that is to be published. */
export interface MappedPort {
  readonly containerPort: number;
  readonly protocol: TransportProtocol;
  /** One port, or a range to pick from; absent: any free port. */
  readonly hostPort?: PortSpan;
  /** It was written as port 0. */
  readonly asksForAny?: true;
  readonly hostIp?: string;
}

export type TransportProtocol = "tcp" | "udp" | "sctp";

export interface PortSpan {
  readonly from: number;
  readonly to: number;
}

/** Why a port mapping was not taken, in the words of the dialect. */
export class PortSyntaxError extends Error {
  override readonly name = "PortSyntaxError";
}

/** How docker/go-connections nat/nat.go speaks and what it takes; it changed with its version. */
export interface PortDialect {
  readonly badIp: (text: string) => string;
  readonly noPort: (text: string) => string;
  readonly badContainerPort: (text: string) => string;
  readonly badHostPort: (text: string) => string;
  readonly badRanges: (container: string, host: string) => string;
  readonly badProtocol: (text: string) => string;
  /** Before anything else, or after everything else. */
  readonly checksProtocolFirst: boolean;
  /** Takes the brackets off an address; throws if it may not be written so. */
  readonly readHost: (text: string) => string;
  readonly lowestContainerPort: number;
}

/** Version 0.4, in the Docker client 20.10. */
export const PORTS_20_10: PortDialect = {
  badIp: (text) => `Invalid ip address: ${text}`,
  noPort: (text) => `No port specified: ${text}<empty>`,
  badContainerPort: (text) => `Invalid containerPort: ${text}`,
  badHostPort: (text) => `Invalid hostPort: ${text}`,
  badRanges: (container, host) => `Invalid ranges specified for container and host Ports: ${container} and ${host}`,
  badProtocol: (text) => `Invalid proto: ${text}`,
  checksProtocolFirst: false,
  readHost(text) {
    const fail = (why: string): never => {
      throw new PortSyntaxError(`Invalid ip address ${text}: address ${text}:: ${why}`);
    };
    // It appends a colon and asks Go's net.SplitHostPort.
    if (text.startsWith("[")) {
      if (!text.includes("]")) return fail("missing ']' in address");
      if (!text.endsWith("]")) return fail("missing port in address");
      return text.slice(1, -1);
    }
    return text.includes(":") ? fail("too many colons in address") : text;
  },
  lowestContainerPort: 0,
};

/** Version 0.5 and later. */
export const PORTS_29: PortDialect = {
  badIp: (text) => `invalid IP address: ${text}`,
  noPort: (text) => `no port specified: ${text}<empty>`,
  badContainerPort: (text) => `invalid containerPort: ${text}`,
  badHostPort: (text) => `invalid hostPort: ${text}`,
  badRanges: (container, host) => `invalid ranges specified for container and host Ports: ${container} and ${host}`,
  badProtocol: (text) => `invalid proto: ${text.toLowerCase()}`,
  checksProtocolFirst: true,
  readHost: (text) => (text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text),
  lowestContainerPort: 1,
};

/**
 * Reads `[ip:][hostPort|range:]containerPort|range[/protocol]` into one entry per container port. It is split at the colons from the right,
 * so that an IPv6 address may have colons of its own.
 *
 * @throws PortSyntaxError in the words of the dialect.
 * @example readPortMapping("8080:80/tcp", PORTS_29) // [{ containerPort: 80, protocol: "tcp", hostPort: { from: 8080, to: 8080 } }]
 */
export function readPortMapping(text: string, dialect: PortDialect): MappedPort[] {
  const fail = (reason: string): never => {
    throw new PortSyntaxError(reason);
  };
  const parts = text.split(":");
  const [containerText, protocolText] = splitProtocol(parts.pop() ?? "");
  const protocol = transportOf(protocolText);
  if (dialect.checksProtocolFirst && !protocol && containerText !== "") return fail(dialect.badProtocol(protocolText));
  const hostText = parts.pop() ?? "";
  const written = parts.join(":");
  const hostIp = dialect.readHost(written);
  if (hostIp !== "" && !isIp(hostIp)) return fail(dialect.badIp(written));
  if (containerText === "") return fail(dialect.noPort(text));
  const container = readPortSpan(containerText);
  if (!container || container.from < dialect.lowestContainerPort) return fail(dialect.badContainerPort(containerText));
  const host = hostText === "" ? undefined : (readPortSpan(hostText) ?? fail(dialect.badHostPort(hostText)));
  const count = container.to - container.from + 1;
  if (host && count > 1 && host.to - host.from + 1 !== count) return fail(dialect.badRanges(containerText, hostText));
  if (!protocol) return fail(dialect.badProtocol(protocolText));
  return Array.from({ length: count }, (_, offset) => {
    const hostPort = host && count > 1 ? { from: host.from + offset, to: host.from + offset } : host;
    // Port 0 asks for any free port, as no port does.
    const isChosen = hostPort !== undefined && hostPort.to > 0;
    return { containerPort: container.from + offset, protocol, ...(isChosen ? { hostPort } : hostPort && { asksForAny: true as const }), ...(hostIp !== "" && { hostIp }) };
  });
}

/** `80/udp` as `["80", "udp"]`; TCP unless it says otherwise (nat.SplitProtoPort). */
export function splitProtocol(text: string): [ports: string, protocol: string] {
  const [ports = "", protocol = ""] = text.split("/");
  return ports === "" ? ["", ""] : [ports, protocol === "" ? "tcp" : protocol];
}

/** The protocol, however it is capitalised; none if Docker does not know it. */
export function transportOf(text: string): TransportProtocol | undefined {
  const lower = text.toLowerCase();
  return lower === "tcp" || lower === "udp" || lower === "sctp" ? lower : undefined;
}

/** `80` or `80-90`. */
export function readPortSpan(text: string): PortSpan | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= 65535 ? { from, to } : undefined;
}
