import { SimulationError } from "../../errors";
import type { ServicePort } from "../../model/swarm/service-spec";
import { type PortDialect, PORTS_20_10, PORTS_29, PortSyntaxError, readPortMapping } from "../../net/port-mapping";
import { readPublish } from "../commands/container-options";
import { splitPair } from "../flags";
import { GoError, parseCsv, parseUnsigned } from "../go";

/** Looks at `--publish` as it is read (docker/cli opts/port.go). */
const checkPort = (dialect: PortDialect) => (text: string): string => {
  if (!isLong(text)) {
    if (text.split(":").length > 2) throw new GoError("hostip is not supported");
    try {
      readPortMapping(text, dialect);
    } catch (error) {
      throw error instanceof PortSyntaxError ? new GoError(error.message) : error;
    }
    return text;
  }
  const fields = new Map(parseCsv(text).map(splitPair));
  for (const [key, value] of fields) {
    if (key === "mode" && value !== "ingress" && value !== "host") throw new GoError(`invalid publish mode value ${value}`);
    if (key === "protocol" && !["tcp", "udp", "sctp"].includes(value)) throw new GoError(`invalid protocol value ${value}`);
    if (key === "target" || key === "published") parseUnsigned(value, 65535);
    if (!["mode", "protocol", "target", "published"].includes(key)) throw new GoError(`invalid field key ${key}`);
  }
  if (!fields.has("target")) throw new GoError('missing mandatory field "target"');
  return text;
};

export const PORT_CHECKS = { read: checkPort(PORTS_20_10), readOf29: checkPort(PORTS_29) } as const;

function isLong(text: string): boolean {
  return /^\w+=/.test(text);
}

/** `8080:80/tcp`, or `published=8080,target=80,mode=host`. */
export function readPort(text: string): ServicePort[] {
  const fields = isLong(text) ? new Map(parseCsv(text).map(splitPair)) : undefined;
  const mode = fields?.get("mode") === "host" ? "host" : "ingress";
  const plain = fields ? [...fields].filter(([key]) => key !== "mode").map(([key, value]) => `${key}=${value}`).join(",") : text;
  return readPublish(plain, PORTS_20_10).map(({ containerPort, hostPort, protocol }) => {
    if (hostPort && hostPort.from !== hostPort.to) throw new SimulationError("UNSUPPORTED", `docker service --publish ${text}: a range to choose from is not simulated`);
    return { protocol, target: containerPort, published: hostPort?.from ?? 0, mode };
  });
}
