import { cidrContains } from "../../net/cidr";
import { parseIp, type IpAddress } from "../../net/ip";
import type { ChainState, FirewallState, Match, Rule } from "../firewall/rule";

/** The managers' port (swarmkit). */
export const MANAGER_PORT = 2377;

/** What becomes of a new TCP connection to the managers' port. */
export type PortVerdict = "open" | "refused" | "dropped";

/**
 * Whether the packet filter of a host lets a new TCP connection from `source` in at `port` (INPUT of the table filter).
 *
 * Differs from Linux: conditions that a first packet alone does not decide hold for none.
 */
export function judgeInput(firewall: FirewallState, source: string, port: number): PortVerdict {
  const chains = firewall.v4.find(({ name }) => name === "filter")?.chains ?? [];
  const byName = new Map(chains.map((chain) => [chain.name, chain]));
  const input = byName.get("INPUT");
  if (!input) return "open";
  const verdict = walk(input, { source: parseIp(source, "source"), port }, byName);
  return verdict ?? (input.policy === "DROP" ? "dropped" : "open");
}

interface NewConnection {
  readonly source: IpAddress;
  readonly port: number;
}

function walk(chain: ChainState, packet: NewConnection, chains: ReadonlyMap<string, ChainState>): PortVerdict | undefined {
  for (const rule of chain.rules) {
    if (!matches(rule, packet)) continue;
    const { target } = rule;
    if (target.target === "ACCEPT") return "open";
    if (target.target === "DROP") return "dropped";
    if (target.target === "REJECT") return "refused";
    if (target.target === "RETURN") return undefined;
    if (target.target !== "JUMP" && target.target !== "GOTO") continue;
    const next = chains.get(target.chain);
    const verdict = next && walk(next, packet, chains);
    if (verdict !== undefined || target.target === "GOTO") return verdict;
  }
  return undefined;
}

function matches({ source, inInterface, outInterface, protocol, matches: conditions }: Rule, packet: NewConnection): boolean {
  if (source && cidrContains(source.value, packet.source) === source.not) return false;
  if (inInterface && (inInterface.value === "lo") !== inInterface.not) return false;
  if (outInterface) return false;
  if (protocol && (protocol.value === "tcp" || protocol.value === "6") === protocol.not) return false;
  return conditions.every((condition) => holds(condition, packet));
}

function holds(condition: Match, { port }: NewConnection): boolean {
  switch (condition.match) {
    case "tcp": {
      const { sourcePorts, destinationPorts, flags } = condition;
      if (sourcePorts) return false;
      if (destinationPorts && (port >= destinationPorts.value.from && port <= destinationPorts.value.to) === destinationPorts.not) return false;
      return !flags || flags.value.set.join() === "SYN" !== flags.not;
    }
    case "multiport":
      return condition.side !== "source" && condition.ports.value.some(({ from, to }) => port >= from && port <= to) !== condition.ports.not;
    case "conntrack":
      return condition.states !== undefined && condition.states.value.includes("NEW") !== condition.states.not && !condition.originalDestination && !condition.originalDestinationPort;
    case "state":
      return condition.states.value.includes("NEW") !== condition.states.not;
    case "comment":
    case "limit":
      return true;
    case "policy":
      return condition.policy === "none";
    default:
      return false;
  }
}
