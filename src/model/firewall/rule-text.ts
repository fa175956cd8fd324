import { formatCidr, type Cidr } from "../../net/cidr";
import { formatIp } from "../../net/ip";
import type { AddressTypeName, ConntrackStateName, Match, NatRange, Negatable, PortRange, Rule, Target, TcpFlagName } from "./rule";

/** iptables extensions/libxt_conntrack.c: conntrack_print_state prints them in this order, whatever the order of the command. */
const STATES: readonly ConntrackStateName[] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
/** Linux uapi xt_addrtype.h: the order of the bits. */
const ADDRESS_TYPES: readonly AddressTypeName[] = ["UNICAST", "LOCAL", "BROADCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT"];
/** iptables extensions/libxt_tcp.c: tcp_flag_names. */
const TCP_FLAGS: readonly TcpFlagName[] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
/** xt_limit's default burst. */
const DEFAULT_BURST = 5;
/** In ten-thousandths of a second (XT_LIMIT_SCALE). */
const UNITS: readonly (readonly [length: number, name: string])[] = [
  [864_000_000, "day"],
  [36_000_000, "hour"],
  [600_000, "min"],
  [10_000, "sec"],
];
const LAST_PORT = 65535;
const ALL_ONES = 0xffffffff;
/** What LOG takes when no level is given (LOG_WARNING). */
const DEFAULT_LOG_LEVEL = 4;

/** Rules do not change, and are asked for often: for being the same, for printing, for names. */
const texts = new WeakMap<Rule, string>();

/**
 * One rule as `iptables-save` prints it, without `-A CHAIN`.
 *
 * @example ruleText(rule) // "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"
 */
export function ruleText(rule: Rule): string {
  const known = texts.get(rule);
  if (known !== undefined) return known;
  const text = write(rule);
  texts.set(rule, text);
  return text;
}

function write(rule: Rule): string {
  return [
    address("-s", rule.source),
    address("-d", rule.destination),
    device("-i", rule.inInterface),
    device("-o", rule.outInterface),
    option("-p", rule.protocol, String),
    ...rule.matches.map(matchText),
    targetText(rule.target),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function option<T>(name: string, condition: Negatable<T> | undefined, format: (value: T) => string): string {
  return condition ? `${condition.not ? "! " : ""}${name} ${format(condition.value)}` : "";
}

/** Every address is no condition: it is not printed. */
function address(name: string, condition: Negatable<Cidr> | undefined): string {
  return condition?.value.prefixLength === 0 && !condition.not ? "" : option(name, condition, formatCidr);
}

/** A device name that stands for every device is no condition. */
function device(name: string, condition: Negatable<string> | undefined): string {
  return condition?.value === "+" && !condition.not ? "" : option(name, condition, String);
}

/** The nf_tables back end keeps ports of TCP and UDP as it compares them: every port not at all, "not up to n" as "from n + 1". */
function portOption(name: string, condition: Negatable<PortRange> | undefined, protocol: "tcp" | "udp" | "sctp"): string {
  if (!condition || protocol === "sctp") return option(name, condition, ports);
  const { value, not } = condition;
  if (value.from === 0 && value.to === LAST_PORT && !not) return "";
  return not && value.from === 0 && value.to > 0 && value.to < LAST_PORT ? `${name} ${value.to + 1}:${LAST_PORT}` : option(name, condition, ports);
}

function ports({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}:${to}`;
}

/** In the kernel's order. */
function inOrder<T extends string>(order: readonly T[], set: readonly T[]): string {
  return order.filter((item) => set.includes(item)).join(",");
}

function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}

function matchText(match: Match): string {
  switch (match.match) {
    case "tcp":
    case "udp":
    case "sctp":
      return words(
        `-m ${match.match}`,
        portOption("--sport", match.sourcePorts, match.match),
        portOption("--dport", match.destinationPorts, match.match),
        option("--tcp-flags", match.flags, ({ mask, set }) => `${flags(mask)} ${flags(set)}`),
      );
    case "multiport": {
      const side = { source: "--sports", destination: "--dports", either: "--ports" }[match.side];
      return `-m multiport ${option(side, match.ports, (list) => list.map(ports).join(","))}`;
    }
    case "icmp":
    case "icmp6":
      return `-m ${match.match} ${option(match.match === "icmp" ? "--icmp-type" : "--icmpv6-type", match.type, icmpType)}`;
    case "conntrack":
      return words(
        "-m conntrack",
        option("--ctstate", match.states, (states) => inOrder(STATES, states)),
        option("--ctorigdst", match.originalDestination, hostOrCidr),
        option("--ctorigdstport", match.originalDestinationPort, ports),
        match.direction ? `--ctdir ${match.direction}` : "",
      );
    case "state":
      return `-m state ${option("--state", match.states, (states) => inOrder(STATES, states))}`;
    case "addrtype":
      return words("-m addrtype", option("--src-type", match.source, addressTypes), option("--dst-type", match.destination, addressTypes));
    case "mark":
      return `-m mark ${option("--mark", match.mark, ({ value, mask }) => (mask === ALL_ONES ? hex(value) : `${hex(value)}/${hex(mask)}`))}`;
    case "policy":
      return `-m policy --dir ${match.direction} --pol ${match.policy}`;
    case "ipvs":
      return `-m ipvs ${match.forwarded.not ? "! " : ""}--ipvs`;
    case "u32":
      // The third word of the UDP payload's first eight bytes: after an IPv4 header of any length.
      return `-m u32 --u32 "0x0>>0x16&0x3c@0xc&0xffffff00=0x${(match.vni * 256).toString(16)}"`;
    case "bpf":
      // The second word of what UDP carries, without its last byte (libnetwork drivers/overlay/bpf.go: vniMatchBPF).
      return `-m bpf --bytecode "7,32 0 0 4294963252,7 0 0 0,64 0 0 4,116 0 0 8,21 1 0 ${match.vni},6 0 0 0,6 0 0 4294967295"`;
    case "limit":
      return words(`-m limit --limit ${rate(match.period)}`, match.burst === DEFAULT_BURST ? "" : `--limit-burst ${match.burst}`);
    case "comment":
      return `-m comment --comment ${quoted(match.text)}`;
  }
}

/** In the largest unit that says it well (iptables extensions/libxt_limit.c: print_rate). */
function rate(period: number): string {
  let index = 1;
  while (index < UNITS.length && period <= UNITS[index]![0] && Math.floor(UNITS[index]![0] / period) >= UNITS[index]![0] % period) index++;
  const [unit, name] = UNITS[index - 1]!;
  return `${Math.floor(unit / period)}/${name}`;
}

function addressTypes(types: readonly AddressTypeName[]): string {
  return inOrder(ADDRESS_TYPES, types);
}

function flags(set: readonly TcpFlagName[]): string {
  return set.length === 0 ? "NONE" : inOrder(TCP_FLAGS, set);
}

function icmpType({ type, code }: { readonly type: number | undefined; readonly code: number | undefined }): string {
  if (type === undefined) return "any";
  return code === undefined ? String(type) : `${type}/${code}`;
}

/** A whole address goes without its length here (iptables conntrack_dump_addr). */
function hostOrCidr(cidr: Cidr): string {
  const text = formatCidr(cidr);
  return cidr.prefixLength === (cidr.family === 4 ? 32 : 128) ? text.slice(0, text.indexOf("/")) : text;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** iptables libxtables: xtables_save_string. */
function quoted(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `"${text.replace(/["\\']/g, "\\$&")}"`;
}

function targetText(target: Target): string {
  switch (target.target) {
    case "ACCEPT":
    case "DROP":
    case "RETURN":
      return `-j ${target.target}`;
    case "NOTRACK":
      return "-j NOTRACK";
    case "CT":
      return "-j CT --notrack";
    case "REJECT":
      return `-j REJECT --reject-with ${target.with}`;
    case "JUMP":
      return `-j ${target.chain}`;
    case "GOTO":
      return `-g ${target.chain}`;
    case "MASQUERADE":
    case "REDIRECT":
      return words(`-j ${target.target}`, target.ports ? `--to-ports ${natPorts(target.ports)}` : "");
    case "SNAT":
      return `-j SNAT --to-source ${natRange(target.range)}`;
    case "DNAT":
      return `-j DNAT --to-destination ${natRange(target.range)}`;
    case "MARK":
      return `-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
    case "LOG":
      return words(
        "-j LOG",
        target.prefix === "" ? "" : `--log-prefix ${quoted(target.prefix)}`,
        target.level === DEFAULT_LOG_LEVEL ? "" : `--log-level ${target.level}`,
      );
    case "CHECKSUM":
      return "-j CHECKSUM --checksum-fill";
    case "CONTINUE":
      return "";
  }
}

function natPorts({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

function natRange({ from, to, ports: range }: NatRange): string {
  const first = from ? formatIp(from) : "";
  const last = to && to.value !== from?.value ? `-${formatIp(to)}` : "";
  const port = range ? `:${natPorts(range)}` : "";
  return from?.family === 6 && range ? `[${first}${last}]${port}` : `${first}${last}${port}`;
}
