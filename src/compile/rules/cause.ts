import { formatPosition } from "../../errors";
import type { RuleCause } from "../../model/firewall";

/**
 * What a rule is there for, in words.
 *
 * @example causeText({ kind: "network", network: "back" }) // "network back"
 */
export function causeText(cause: RuleCause): string {
  switch (cause.kind) {
    case "daemon":
      return "the Docker daemon";
    case "network":
      return `network ${cause.network}`;
    case "endpoint":
      return `container ${cause.container} on network ${cause.network}`;
    case "port": {
      const address = cause.hostIp === "0.0.0.0" || cause.hostIp === "::" ? "" : `${cause.hostIp.includes(":") ? `[${cause.hostIp}]` : cause.hostIp}:`;
      return `port ${address}${cause.hostPort}→${cause.containerPort}/${cause.protocol} of ${cause.container}`;
    }
    case "link":
      return `link of ${cause.parent} to ${cause.child}`;
    case "service":
      return `service ${cause.service} on network ${cause.network}`;
    case "resolver":
      return "the embedded DNS server";
    case "partition":
      return `the partition ${cause.sides}`;
    case "user":
      return cause.position ? `user rule at ${formatPosition(cause.position)}` : "user rule";
  }
}
