import type { Match, Negatable, PortRange, Rule } from "../../model/firewall/rule";
import { commonPorts, EVERY_PORT, otherPorts, type PortSet, portSet } from "./port-set";

/** Where a packet has to come from and go to, by port, for a rule to match; a field is left out where every port does. */
export interface PortCondition {
  readonly source?: Negatable<PortRange>;
  readonly destination?: Negatable<PortRange>;
}

/** A device that a packet has to have come by, or leave by; `NONE` for one that does not exist. */
export type DeviceCondition = Negatable<number> | undefined;

/**
 * The ways in which a packet can satisfy the ports of a rule. A record of the packet path holds one range a side, so a list of
 * ports becomes several records. No packet satisfies two of them: a rule that goes on, such as MARK, acts once.
 */
export function portConditions({ matches }: Rule): readonly PortCondition[] {
  const single = matches.filter(isSinglePort);
  const lists = matches.filter(isMultiport);
  if (lists.length === 0 && single.length <= 1) {
    const { sourcePorts, destinationPorts } = single[0] ?? {};
    return [{ ...(sourcePorts && { source: sourcePorts }), ...(destinationPorts && { destination: destinationPorts }) }];
  }
  let pairs: readonly PortPair[] = [{ source: EVERY_PORT, destination: EVERY_PORT }];
  for (const { sourcePorts, destinationPorts } of single) {
    pairs = both(pairs, [{ source: setOf(sourcePorts), destination: setOf(destinationPorts) }]);
  }
  for (const list of lists) pairs = both(pairs, pairsOf(list));
  return pairs.flatMap(({ source, destination }) => source.flatMap((from) => destination.map((to) => ({ ...side("source", from), ...side("destination", to) }))));
}

type SinglePort = Extract<Match, { match: "tcp" | "udp" | "sctp" }>;
type Multiport = Extract<Match, { match: "multiport" }>;

function isSinglePort(match: Match): match is SinglePort {
  return match.match === "tcp" || match.match === "udp" || match.match === "sctp";
}

function isMultiport(match: Match): match is Multiport {
  return match.match === "multiport";
}

interface PortPair {
  readonly source: PortSet;
  readonly destination: PortSet;
}

function both(some: readonly PortPair[], others: readonly PortPair[]): readonly PortPair[] {
  return some.flatMap((a) =>
    others.map((b) => ({ source: commonPorts(a.source, b.source), destination: commonPorts(a.destination, b.destination) })),
  );
}

function pairsOf({ side: which, ports }: Multiport): readonly PortPair[] {
  const listed = portSet(ports.value);
  const others = otherPorts(listed);
  const wanted = ports.not ? others : listed;
  if (which === "source") return [{ source: wanted, destination: EVERY_PORT }];
  if (which === "destination") return [{ source: EVERY_PORT, destination: wanted }];
  if (ports.not) return [{ source: others, destination: others }];
  return [
    { source: listed, destination: EVERY_PORT },
    { source: others, destination: listed },
  ];
}

function setOf(ports: Negatable<PortRange> | undefined): PortSet {
  if (!ports) return EVERY_PORT;
  return ports.not ? otherPorts([ports.value]) : [ports.value];
}

function side(name: "source" | "destination", range: PortRange): PortCondition {
  const isEvery = range.from === 0 && range.to === EVERY_PORT[0]!.to;
  return isEvery ? {} : { [name]: { value: range, not: false } };
}

/**
 * The devices of a namespace that a name stands for: `eth+` is every device whose name starts so.
 *
 * @param none what stands for a device that does not exist
 */
export function deviceConditions(name: Negatable<string> | undefined, devices: ReadonlyMap<string, number>, none: number): readonly DeviceCondition[] {
  if (!name) return [undefined];
  if (!name.value.endsWith("+")) return [{ value: devices.get(name.value) ?? none, not: name.not }];
  const start = name.value.slice(0, -1);
  if (start === "") return [name.not ? { value: none, not: false } : undefined];
  const matching = [...devices].filter(([device]) => device.startsWith(start) !== name.not).map(([, value]) => ({ value, not: false }));
  return matching.length > 0 ? matching : [{ value: none, not: false }];
}
