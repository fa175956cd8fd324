import { readIcmpType } from "./icmp-types";
import { readCidr, readMasked, readNumber, readPeriod, readPortList, readPorts } from "./parse-values";
import type { AddressTypeName, ConntrackStateName, Family, Match, Negatable, TcpFlagName } from "./rule";
import { refuseRule, type Word, type WordReader } from "./words";

/** What users may write; only the daemon itself matches by u32 and bpf. */
type MatchName = Exclude<Match["match"], "u32" | "bpf">;
type Draft = { match: MatchName } & Record<string, unknown>;

/** How the options of one match are read: each gives a field of it. */
type OptionReader = (reader: WordReader, option: Word, family: Family) => readonly [field: string, value: unknown, inverts?: boolean];

const STATES: readonly ConntrackStateName[] = ["INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED", "SNAT", "DNAT"];
const ADDRESS_TYPES: readonly AddressTypeName[] = ["UNICAST", "LOCAL", "BROADCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT"];
const TCP_FLAGS: readonly TcpFlagName[] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
const ALL_ONES = 0xffffffff;

const sourcePorts: OptionReader = (reader, option) => ["sourcePorts", readPorts(reader.value(option, "a port"))];
const destinationPorts: OptionReader = (reader, option) => ["destinationPorts", readPorts(reader.value(option, "a port"))];
const PORTS = { "--sport": sourcePorts, "--source-port": sourcePorts, "--dport": destinationPorts, "--destination-port": destinationPorts };
const icmp: OptionReader = (reader, option, family) => ["type", readIcmpType(reader.value(option, "an ICMP type"), family)];
const list =
  (side: "source" | "destination" | "either"): OptionReader =>
  (reader, option) => [side, readPortList(reader.value(option, "a list of ports"))];
const states: OptionReader = (reader, option) => ["states", names(reader.value(option, "states of a connection"), STATES)];

/** Every match that is simulated, with its options. */
const MATCHES: Readonly<Record<MatchName, Readonly<Record<string, OptionReader>>>> = {
  tcp: {
    ...PORTS,
    "--syn": () => ["flags", { mask: ["FIN", "SYN", "RST", "ACK"], set: ["SYN"] }],
    "--tcp-flags": (reader, option) => ["flags", { mask: flags(reader.value(option, "flags")), set: flags(reader.value(option, "flags")) }],
  },
  udp: PORTS,
  sctp: PORTS,
  multiport: {
    "--sports": list("source"),
    "--source-ports": list("source"),
    "--dports": list("destination"),
    "--destination-ports": list("destination"),
    "--ports": list("either"),
  },
  icmp: { "--icmp-type": icmp },
  icmp6: { "--icmpv6-type": icmp },
  conntrack: {
    "--ctstate": states,
    "--ctorigdst": (reader, option, family) => ["originalDestination", readCidr(reader.value(option, "an address"), family)],
    "--ctorigdstport": (reader, option) => ["originalDestinationPort", readPorts(reader.value(option, "a port"))],
    "--ctdir": (reader, option) => ["direction", oneOf(reader.value(option, "ORIGINAL or REPLY"), ["ORIGINAL", "REPLY"]), false],
  },
  state: { "--state": states },
  addrtype: {
    "--src-type": (reader, option) => ["source", names(reader.value(option, "types of an address"), ADDRESS_TYPES)],
    "--dst-type": (reader, option) => ["destination", names(reader.value(option, "types of an address"), ADDRESS_TYPES)],
  },
  mark: { "--mark": (reader, option) => ["mark", readMasked(reader.value(option, "a mark"), ALL_ONES)] },
  policy: {
    "--dir": (reader, option) => ["direction", oneOf(reader.value(option, "in or out"), ["in", "out"]), false],
    "--pol": (reader, option) => ["policy", oneOf(reader.value(option, "none or ipsec"), ["none", "ipsec"]), false],
  },
  ipvs: { "--ipvs": () => ["forwarded", true] },
  limit: {
    "--limit": (reader, option) => ["period", readPeriod(reader.value(option, "a rate such as 3/minute")), false],
    "--limit-burst": (reader, option) => ["burst", readNumber(reader.value(option, "a number of packets")), false],
  },
  comment: { "--comment": (reader, option) => ["text", reader.value(option, "a text").text, false] },
};

/** Extensions of iptables that are not simulated (iptables-extensions(8)). */
const OTHER_MATCHES = new Set(
  "ah bpf cgroup cluster connbytes connlabel connlimit connmark cpu dccp devgroup dscp dst ecn esp eui64 frag hashlimit hbh helper hl ipcomp iprange ipv6header length mac mh nfacct osf owner physdev pkttype quota rateest realm recent rpfilter rt set socket srh statistic string tcpmss time tos ttl u32".split(
    " ",
  ),
);

/** What has to be given for a match to say anything. */
const NEEDS: Readonly<Partial<Record<MatchName, readonly [field: string, option: string]>>> = {
  multiport: ["ports", "--dports"],
  icmp: ["type", "--icmp-type"],
  icmp6: ["type", "--icmpv6-type"],
  state: ["states", "--state"],
  mark: ["mark", "--mark"],
  policy: ["policy", "--pol"],
  ipvs: ["forwarded", "--ipvs"],
  comment: ["text", "--comment"],
};

/** Collects the matches of one rule, in the order in which they are named. */
export class MatchReader {
  readonly #family: Family;
  readonly #matches: { readonly draft: Draft; readonly word: Word }[] = [];

  constructor(family: Family) {
    this.#family = family;
  }

  /** `-m NAME`. */
  load(word: Word): void {
    const name = { icmpv6: "icmp6" }[word.text] ?? word.text;
    if (!Object.hasOwn(MATCHES, name)) {
      if (OTHER_MATCHES.has(name)) refuseRule("UNSUPPORTED", `the match "-m ${name}" is not simulated`, word.position);
      refuseRule("INVALID_INPUT", `Couldn't load match \`${name}': there is no such extension of iptables`, word.position);
    }
    this.#matches.push({ draft: { match: name as MatchName }, word });
  }

  /** Reads an option of a match that is loaded; one of the protocol's own loads its match. False: the option is nobody's. */
  option(reader: WordReader, option: Word, not: boolean, protocol: string | undefined): boolean {
    const place = [...this.#matches].reverse().find(({ draft }) => Object.hasOwn(MATCHES[draft.match], option.text));
    if (place) {
      this.#set(place.draft, reader, option, not);
      return true;
    }
    const implied = protocol === undefined ? undefined : { tcp: "tcp", udp: "udp", sctp: "sctp", icmp: "icmp", "ipv6-icmp": "icmp6" }[protocol];
    if (implied === undefined || !Object.hasOwn(MATCHES[implied as MatchName], option.text)) return false;
    this.load({ ...option, text: implied });
    return this.option(reader, option, not, protocol);
  }

  /** The name of the match that would know this option, for a message. */
  static ownerOf(option: string): MatchName | undefined {
    return (Object.keys(MATCHES) as MatchName[]).find((name) => Object.hasOwn(MATCHES[name], option));
  }

  /** All of them; refuses what is incomplete, or does not go with the protocol. */
  finish(protocol: Negatable<string> | undefined): readonly Match[] {
    const stateful = this.#matches.filter(({ draft }) => (draft.match === "conntrack" || draft.match === "state") && draft.states !== undefined);
    if (stateful[1]) refuseRule("UNSUPPORTED", "two conditions on the state of a connection in one rule are not simulated", stateful[1].word.position);
    return this.#matches.map(({ draft, word }) => {
      const need = NEEDS[draft.match];
      if (need && draft[need[0]] === undefined) refuseRule("INVALID_INPUT", `-m ${draft.match}: expected ${need[1]}`, word.position);
      if (Object.keys(draft).length === 1 && (draft.match === "conntrack" || draft.match === "addrtype")) {
        refuseRule("INVALID_INPUT", `-m ${draft.match}: expected one of ${Object.keys(MATCHES[draft.match]).join(", ")}`, word.position);
      }
      checkProtocol(draft.match, protocol, word);
      // iptables extensions/libxt_limit.c: XT_LIMIT_AVG, XT_LIMIT_BURST.
      if (draft.match === "limit") return { period: 12_000_000, burst: 5, ...draft } as unknown as Match;
      return draft as unknown as Match;
    });
  }

  #set(draft: Draft, reader: WordReader, option: Word, not: boolean): void {
    const [name, value, inverts = true] = MATCHES[draft.match][option.text]!(reader, option, this.#family);
    const isList = draft.match === "multiport";
    const field = isList ? "ports" : name;
    if (draft[field] !== undefined) refuseRule("INVALID_INPUT", `${option.text}: given twice`, option.position);
    const sameElsewhere = this.#matches.some((other) => other.draft !== draft && other.draft.match === draft.match && other.draft[field] !== undefined);
    if (sameElsewhere && !isList && draft.match !== "comment") refuseRule("UNSUPPORTED", `${option.text}: two such conditions in one rule are not simulated`, option.position);
    if (not && !inverts) refuseRule("INVALID_INPUT", `${option.text}: cannot be turned round with "!"`, option.position);
    if (isList) draft.side = name;
    draft[field] = inverts ? { value, not } : value;
  }
}

function checkProtocol(match: MatchName, protocol: Negatable<string> | undefined, word: Word): void {
  const allowed: readonly string[] | undefined = {
    tcp: ["tcp"],
    udp: ["udp"],
    sctp: ["sctp"],
    icmp: ["icmp"],
    icmp6: ["ipv6-icmp"],
    multiport: ["tcp", "udp", "sctp", "dccp", "udplite"],
  }[match as string];
  if (!allowed || (protocol && !protocol.not && allowed.includes(protocol.value))) return;
  const needed = allowed.map((name) => `-p ${name}`).join(" or ");
  refuseRule("INVALID_INPUT", `-m ${match}: needs ${needed}${protocol ? `, found ${protocol.not ? "! " : ""}-p ${protocol.value}` : ""}`, word.position);
}

function names<T extends string>(word: Word, known: readonly T[]): readonly T[] {
  const found = word.text.toUpperCase().split(",");
  for (const name of found) {
    if (!known.includes(name as T)) refuseRule("INVALID_INPUT", `expected some of ${known.join(", ")}, found ${JSON.stringify(name)}`, word.position);
  }
  return found as T[];
}

function flags(word: Word): readonly TcpFlagName[] {
  if (word.text === "ALL") return TCP_FLAGS;
  return word.text === "NONE" ? [] : names(word, TCP_FLAGS);
}

function oneOf<T extends string>(word: Word, known: readonly T[]): T {
  const found = known.find((name) => name === word.text || name === word.text.toUpperCase());
  return found ?? refuseRule("INVALID_INPUT", `expected ${known.join(" or ")}, found ${JSON.stringify(word.text)}`, word.position);
}

