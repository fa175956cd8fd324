import type { ServicePort } from "../../model/swarm/service-spec";
import { PORTS_20_10, PORTS_29, PortSyntaxError, readPortMapping, type PortDialect } from "../../net/port-mapping";
import { readPublish } from "../commands/container-options";
import { splitPair, type FlagSpec } from "../flags";
import { GoError, parseCsv } from "../go";

/** What the client says of a `--publish` (docker/cli opts/port.go, opts/swarmopts/port.go). */
interface PortWords {
  readonly dialect: PortDialect;
  readonly badMode: (value: string) => string;
  readonly badProtocol: (value: string) => string;
  readonly badPort: (key: string, value: string, reason: string) => string;
  readonly badKey: (key: string) => string;
  readonly noTarget: string;
}

const WORDS_20_10: PortWords = {
  dialect: PORTS_20_10,
  badMode: (value) => `invalid publish mode value ${value}`,
  badProtocol: (value) => `invalid protocol value ${value}`,
  badPort: (_, value, reason) => `strconv.ParseUint: parsing ${JSON.stringify(value)}: ${reason}`,
  badKey: (key) => `invalid field key ${key}`,
  noTarget: 'missing mandatory field "target"',
};

const WORDS_29: PortWords = {
  dialect: PORTS_29,
  badMode: (value) => `invalid publish mode value (${value}): must be either 'ingress' or 'host'`,
  badProtocol: (value) => `invalid protocol value '${value}'`,
  badPort: (key, value, reason) => `invalid ${key} port (${value}): value must be an integer: ${reason}`,
  badKey: (key) => `invalid field key: ${key}`,
  noTarget: "missing mandatory field 'target'",
};

/** Looks at `--publish` as it is read. */
export const PORT_READERS: Pick<FlagSpec, "read" | "readOf29"> = { read: (text) => checkPort(text, WORDS_20_10), readOf29: (text) => checkPort(text, WORDS_29) };

function checkPort(text: string, words: PortWords): string {
  if (!isLong(text)) {
    checkShortPort(text, words.dialect);
    return text;
  }
  const fields = new Map(parseCsv(text).map(splitPair));
  for (const [key, value] of fields) {
    if (key === "mode" && value !== "ingress" && value !== "host") throw new GoError(words.badMode(value));
    if (key === "protocol" && !["tcp", "udp", "sctp"].includes(value)) throw new GoError(words.badProtocol(value));
    const fault = key === "target" || key === "published" ? faultOfPort(value) : undefined;
    if (fault !== undefined) throw new GoError(words.badPort(key, value, fault));
    if (!["mode", "protocol", "target", "published"].includes(key)) throw new GoError(words.badKey(key));
  }
  if (!fields.has("target")) throw new GoError(words.noTarget);
  return text;
}

function faultOfPort(text: string): string | undefined {
  if (!/^\d+$/.test(text)) return "invalid syntax";
  return Number(text) > 65535 ? "value out of range" : undefined;
}

function isLong(text: string): boolean {
  return /^\w+=/.test(text);
}

/** `8080:80/tcp`. */
function checkShortPort(text: string, dialect: PortDialect): void {
  try {
    if (readPortMapping(text, dialect).some(({ hostIp }) => hostIp !== undefined)) throw new GoError("hostip is not supported");
  } catch (error) {
    throw error instanceof PortSyntaxError ? new GoError(error.message) : error;
  }
}

/** `8080:80/tcp`, or `published=8080,target=80,mode=host`. */
export function readPort(text: string): ServicePort[] {
  const fields = isLong(text) ? new Map(parseCsv(text).map(splitPair)) : undefined;
  const mode = fields?.get("mode") === "host" ? "host" : "ingress";
  const plain = fields ? [...fields].filter(([key]) => key !== "mode").map(([key, value]) => `${key}=${value}`).join(",") : text;
  // Every port of a range leads to the one port of the tasks.
  return readPublish(plain, PORTS_20_10).flatMap(({ containerPort: target, hostPort: { from, to } = { from: 0, to: 0 }, protocol }) =>
    Array.from({ length: to - from + 1 }, (_, offset) => ({ protocol, target, published: from + offset, mode })),
  );
}
