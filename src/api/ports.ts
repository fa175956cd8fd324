import { SimulationError } from "../errors";
import { PORTS_29, PortSyntaxError, readPortMapping, readPortSpan, splitProtocol, transportOf } from "../net/port-mapping";
import type { ExposeSpec, PublishSpec } from "./spec";

type Protocol = "" | "/tcp" | "/udp" | "/sctp";
type Port = `${number}` | `${number}-${number}`;

/** What `docker run --publish` takes: `"8080:80/tcp"`, `"80"`, `"127.0.0.1:8080:80"`, `"8000-8010:80"`. */
export type PortMapping = `${Port}${Protocol}` | `${Port}:${Port}${Protocol}` | `${string}:${Port | ""}:${Port}${Protocol}`;

/** What `docker run --expose` takes. */
export type ExposedPort = `${Port}${Protocol}`;

/**
 * Reads a port mapping into one entry per container port.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parsePublish("8080:80/tcp", "publish") // [{ containerPort: 80, protocol: "tcp", hostPort: { from: 8080, to: 8080 } }]
 */
export function parsePublish(text: string, field: string): PublishSpec[] {
  try {
    return readPortMapping(text, PORTS_29);
  } catch (error) {
    if (error instanceof PortSyntaxError) return fail(field, error.message);
    throw error;
  }
}

/**
 * Reads `"80"`, `"53/udp"` or `"8000-8010"`.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 */
export function parseExpose(text: string, field: string): ExposeSpec {
  const [ports, protocolText] = splitProtocol(text);
  const range = readPortSpan(ports);
  if (!range || range.from === 0) return fail(field, `invalid range format for --expose: ${text}`);
  const protocol = transportOf(protocolText) ?? fail(field, `invalid proto: ${protocolText.toLowerCase()}`);
  return { ...range, protocol };
}

function fail(field: string, reason: string): never {
  throw new SimulationError("INVALID_INPUT", `${field}: ${reason}`);
}
