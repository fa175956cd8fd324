import { SimulationError } from "../errors";
import { isIp } from "../net/ip";
import type { ExposeSpec, PortProtocol, PortRangeSpec, PublishSpec } from "./spec";

type Protocol = "" | "/tcp" | "/udp" | "/sctp";
type Port = `${number}` | `${number}-${number}`;

/** What `docker run --publish` takes: `"8080:80/tcp"`, `"80"`, `"127.0.0.1:8080:80"`, `"8000-8010:80"`. */
export type PortMapping = `${Port}${Protocol}` | `${Port}:${Port}${Protocol}` | `${string}:${Port | ""}:${Port}${Protocol}`;

/** What `docker run --expose` takes. */
export type ExposedPort = `${Port}${Protocol}`;

/**
 * Reads a port mapping into one entry per container port, with the reasons of docker/go-connections nat/nat.go. It is split at the colons from
 * the right, so that an IPv6 address may stand without brackets.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parsePublish("8080:80/tcp", "publish") // [{ containerPort: 80, protocol: "tcp", hostPort: { from: 8080, to: 8080 } }]
 */
export function parsePublish(text: string, field: string): PublishSpec[] {
  const [ports, protocol] = splitProtocol(text, field);
  const parts = ports.split(":");
  const containerText = parts.pop() ?? "";
  const hostText = parts.pop() ?? "";
  const ipText = parts.join(":");
  const hostIp = ipText.startsWith("[") && ipText.endsWith("]") ? ipText.slice(1, -1) : ipText;
  if (containerText === "") fail(field, `no port specified: ${text}<empty>`);
  if (hostIp !== "" && !isIp(hostIp)) fail(field, `invalid IP address: ${ipText}`);
  const container = parseRange(containerText) ?? fail(field, `invalid containerPort: ${containerText}`);
  if (container.from === 0) fail(field, `invalid containerPort: ${containerText}`);
  const host = hostText === "" ? undefined : (parseRange(hostText) ?? fail(field, `invalid hostPort: ${hostText}`));
  const count = container.to - container.from + 1;
  if (host && count > 1 && host.to - host.from + 1 !== count) {
    fail(field, `invalid ranges specified for container and host Ports: ${containerText} and ${hostText}`);
  }
  return Array.from({ length: count }, (_, offset) => {
    const hostPort = host && count > 1 ? { from: host.from + offset, to: host.from + offset } : host;
    // Port 0 asks for any free port, as no port does.
    const isChosen = hostPort !== undefined && hostPort.to > 0;
    return { containerPort: container.from + offset, protocol, ...(isChosen && { hostPort }), ...(hostIp !== "" && { hostIp }) };
  });
}

/**
 * Reads `"80"`, `"53/udp"` or `"8000-8010"`.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 */
export function parseExpose(text: string, field: string): ExposeSpec {
  const [ports, protocol] = splitProtocol(text, field);
  const range = parseRange(ports);
  if (!range || range.from === 0) return fail(field, `invalid range format for --expose: ${text}`);
  return { ...range, protocol };
}

function splitProtocol(text: string, field: string): [ports: string, protocol: PortProtocol] {
  const slash = text.indexOf("/");
  if (slash < 0) return [text, "tcp"];
  const protocol = text.slice(slash + 1).toLowerCase();
  if (protocol === "tcp" || protocol === "udp" || protocol === "sctp") return [text.slice(0, slash), protocol];
  return fail(field, `invalid proto: ${protocol}`);
}

function parseRange(text: string): PortRangeSpec | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= 65535 ? { from, to } : undefined;
}

function fail(field: string, reason: string): never {
  throw new SimulationError("INVALID_INPUT", `${field}: ${reason}`);
}
