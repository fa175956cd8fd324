import { readMasked, readNatRange, readNumber, readPorts } from "./parse-values";
import type { Family, NatRange, PortRange, RejectWith, TableName, Target } from "./rule";
import { refuseRule, type Word, type WordReader } from "./words";

const ALL_ONES = 0xffffffff;

/** iptables extensions/libipt_REJECT.c, libip6t_REJECT.c: names and short names. */
const REJECTS: Readonly<Record<Family, Readonly<Record<string, RejectWith>>>> = {
  4: {
    "icmp-net-unreachable": "icmp-net-unreachable",
    "net-unreach": "icmp-net-unreachable",
    "icmp-host-unreachable": "icmp-host-unreachable",
    "host-unreach": "icmp-host-unreachable",
    "icmp-proto-unreachable": "icmp-proto-unreachable",
    "proto-unreach": "icmp-proto-unreachable",
    "icmp-port-unreachable": "icmp-port-unreachable",
    "port-unreach": "icmp-port-unreachable",
    "icmp-net-prohibited": "icmp-net-prohibited",
    "net-prohib": "icmp-net-prohibited",
    "icmp-host-prohibited": "icmp-host-prohibited",
    "host-prohib": "icmp-host-prohibited",
    "icmp-admin-prohibited": "icmp-admin-prohibited",
    "admin-prohib": "icmp-admin-prohibited",
    "tcp-reset": "tcp-reset",
    "tcp-rst": "tcp-reset",
  },
  6: {
    "icmp6-no-route": "icmp6-no-route",
    "no-route": "icmp6-no-route",
    "icmp6-adm-prohibited": "icmp6-adm-prohibited",
    "adm-prohibited": "icmp6-adm-prohibited",
    "icmp6-addr-unreachable": "icmp6-addr-unreachable",
    "addr-unreach": "icmp6-addr-unreachable",
    "icmp6-port-unreachable": "icmp6-port-unreachable",
    "port-unreach": "icmp6-port-unreachable",
    "tcp-reset": "tcp-reset",
  },
};

/** syslog(3). */
const LOG_LEVELS: Readonly<Record<string, number>> = { emerg: 0, alert: 1, crit: 2, error: 3, warning: 4, notice: 5, info: 6, debug: 7 };

/** Where the kernel takes a target: tables, and the built-in chains that may lead to it. */
interface Place {
  readonly tables?: readonly TableName[];
  readonly hooks?: readonly string[];
}

const PLACES: Readonly<Record<string, Place>> = {
  REJECT: { tables: ["filter"], hooks: ["INPUT", "FORWARD", "OUTPUT"] },
  MASQUERADE: { tables: ["nat"], hooks: ["POSTROUTING"] },
  SNAT: { tables: ["nat"], hooks: ["POSTROUTING", "INPUT"] },
  DNAT: { tables: ["nat"], hooks: ["PREROUTING", "OUTPUT"] },
  REDIRECT: { tables: ["nat"], hooks: ["PREROUTING", "OUTPUT"] },
  NOTRACK: { tables: ["raw"] },
  CT: { tables: ["raw"] },
  MARK: {},
  LOG: {},
  CHECKSUM: { tables: ["mangle"] },
  ACCEPT: {},
  DROP: { tables: ["raw", "mangle", "filter"] },
  RETURN: {},
};

/** Extensions of iptables that are not simulated (iptables-extensions(8)). */
const OTHER_TARGETS = new Set(
  "AUDIT CLASSIFY CLUSTERIP CONNMARK CONNSECMARK DNPT DSCP ECN HL HMARK IDLETIMER LED NETMAP NFLOG NFQUEUE QUEUE RATEEST SECMARK SET SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG".split(
    " ",
  ),
);

/** Options of LOG that say what it writes. */
const LOG_SWITCHES = new Set(["--log-tcp-sequence", "--log-tcp-options", "--log-ip-options", "--log-uid", "--log-macdecode"]);

/** Where a rule stands. */
export interface RulePlace {
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
}

/** Reads what follows `-j`: the target and its options, which it keeps until the rule ends. */
export class TargetReader {
  readonly #place: RulePlace;
  readonly #word: Word;
  readonly #options = new Map<string, { readonly option: Word; readonly value: Word }>();

  constructor(word: Word, place: RulePlace) {
    this.#word = word;
    this.#place = place;
    const name = word.text;
    if (OTHER_TARGETS.has(name)) refuseRule("UNSUPPORTED", `the target "-j ${name}" is not simulated`, word.position);
    const rule = Object.hasOwn(PLACES, name) ? PLACES[name] : undefined;
    if (rule?.tables && !rule.tables.includes(place.table)) {
      refuseRule("INVALID_INPUT", `-j ${name}: works in table ${rule.tables.join(", ")}, found table ${place.table}`, word.position);
    }
    if (rule?.hooks && /^[A-Z]+$/.test(place.chain) && isBuiltIn(place.chain) && !rule.hooks.includes(place.chain)) {
      refuseRule("INVALID_INPUT", `-j ${name}: works in chain ${rule.hooks.join(", ")}, found chain ${place.chain}`, word.position);
    }
  }

  /** Reads an option of this target. False: it is not the target's. */
  option(reader: WordReader, option: Word, not: boolean): boolean {
    const known = OPTIONS[this.#word.text];
    if (!known?.has(option.text)) return false;
    if (not) refuseRule("INVALID_INPUT", `${option.text}: cannot be turned round with "!"`, option.position);
    const takesValue = option.text !== "--notrack" && option.text !== "--checksum-fill" && !LOG_SWITCHES.has(option.text);
    this.#options.set(option.text, { option, value: takesValue ? reader.value(option, "a value") : option });
    return true;
  }

  finish(): Target {
    const { family } = this.#place;
    const name = this.#word.text;
    switch (name) {
      case "ACCEPT":
      case "DROP":
      case "RETURN":
      case "NOTRACK":
        return { target: name };
      case "CT":
        this.#required("--notrack");
        return { target: "CT" };
      case "REJECT":
        return { target: "REJECT", with: this.#reject(family) };
      case "MASQUERADE":
      case "REDIRECT":
        return { target: name, ports: this.#ports() };
      case "SNAT":
        return { target: "SNAT", range: this.#range("--to-source", family) };
      case "DNAT":
        return { target: "DNAT", range: this.#range("--to-destination", family) };
      case "MARK":
        return { target: "MARK", ...this.#mark() };
      case "LOG":
        return { target: "LOG", prefix: this.#options.get("--log-prefix")?.value.text ?? "", level: this.#level() };
      case "CHECKSUM":
        this.#required("--checksum-fill");
        return { target: "CHECKSUM" };
      default:
        return { target: "JUMP", chain: name };
    }
  }

  #required(option: string): Word {
    return this.#options.get(option)?.value ?? refuseRule("INVALID_INPUT", `-j ${this.#word.text}: expected ${option}`, this.#word.position);
  }

  #reject(family: Family): RejectWith {
    const given = this.#options.get("--reject-with")?.value;
    if (!given) return family === 4 ? "icmp-port-unreachable" : "icmp6-port-unreachable";
    const names = REJECTS[family];
    if (Object.hasOwn(names, given.text)) return names[given.text]!;
    return refuseRule("INVALID_INPUT", `--reject-with: expected one of ${[...new Set(Object.values(names))].join(", ")}, found ${JSON.stringify(given.text)}`, given.position);
  }

  #ports(): PortRange | undefined {
    const given = this.#options.get("--to-ports")?.value;
    return given && readPorts(given, "-");
  }

  #range(option: string, family: Family): NatRange {
    return readNatRange(this.#required(option), family);
  }

  /** Each spelling as the kernel's value and mask (iptables extensions/libxt_MARK.c). */
  #mark(): { readonly value: number; readonly mask: number } {
    const [[spelling, { value: word }] = refuseRule("INVALID_INPUT", "-j MARK: expected --set-mark", this.#word.position)] = [...this.#options];
    if (spelling === "--set-xmark") return readMasked(word, ALL_ONES);
    if (spelling === "--set-mark") {
      const { value, mask } = readMasked(word, ALL_ONES);
      return { value, mask: (value | mask) >>> 0 };
    }
    const bits = readNumber(word);
    if (spelling === "--or-mark") return { value: bits, mask: bits };
    return spelling === "--and-mark" ? { value: 0, mask: ~bits >>> 0 } : { value: bits, mask: 0 };
  }

  #level(): number {
    const given = this.#options.get("--log-level")?.value;
    if (!given) return LOG_LEVELS.warning!;
    const level = LOG_LEVELS[given.text] ?? (/^[0-7]$/.test(given.text) ? Number(given.text) : undefined);
    return level ?? refuseRule("INVALID_INPUT", `--log-level: expected 0 to 7 or a name such as warning, found ${JSON.stringify(given.text)}`, given.position);
  }
}

const OPTIONS: Readonly<Record<string, ReadonlySet<string>>> = {
  REJECT: new Set(["--reject-with"]),
  MASQUERADE: new Set(["--to-ports"]),
  REDIRECT: new Set(["--to-ports"]),
  SNAT: new Set(["--to-source"]),
  DNAT: new Set(["--to-destination"]),
  MARK: new Set(["--set-mark", "--set-xmark", "--or-mark", "--and-mark", "--xor-mark"]),
  LOG: new Set(["--log-prefix", "--log-level", ...LOG_SWITCHES]),
  CT: new Set(["--notrack"]),
  CHECKSUM: new Set(["--checksum-fill"]),
};

function isBuiltIn(chain: string): boolean {
  return ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"].includes(chain);
}
