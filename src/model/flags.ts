import { SimulationError } from "../errors";
import { isIp } from "../net/ip";
import { isPool, readPools } from "./flag-pools";
import type { DockerGeneration } from "./spec";

/** One `--default-address-pool`: blocks of `size` bits cut out of `base`. */
export interface AddressPoolFlag {
  readonly base: string;
  readonly size: number;
}

/** What the command line of `dockerd` says about the network; addresses are kept as written. */
export interface DaemonFlags {
  /** `--bridge`; `"none"`: there is no default bridge. */
  readonly bridge?: string;
  /** `--bip`: address and length of docker0. */
  readonly bip?: string;
  /** `--bip6` (Docker 29). */
  readonly bip6?: string;
  readonly fixedCidr?: string;
  readonly fixedCidrV6?: string;
  readonly defaultGateway?: string;
  readonly defaultGatewayV6?: string;
  readonly defaultAddressPools: readonly AddressPoolFlag[];
  /** Options of new networks, by driver. */
  readonly defaultNetworkOpts?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `--mtu`, for the default bridge. */
  readonly mtu: number;
  /** `--icc`, for the default bridge. */
  readonly icc: boolean;
  /** `--ip-masq`, for the default bridge. */
  readonly ipMasq: boolean;
  readonly iptables: boolean;
  readonly ip6tables: boolean;
  readonly ipForward: boolean;
  /** `--ipv6`: the default bridge has IPv6. */
  readonly ipv6: boolean;
  readonly userlandProxy: boolean;
  /** `--ip`: where the default bridge publishes ports. */
  readonly ip: string;
  readonly hostGatewayIps: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly experimental: boolean;
  /** Docker 28 and later: containers of bridge networks can be reached from outside by their own address. */
  readonly allowDirectRouting: boolean;
  readonly bridgeAcceptFwmark?: string;
  readonly ipForwardNoDrop: boolean;
}

type Draft = { -readonly [K in keyof DaemonFlags]: DaemonFlags[K] };

/** The flags of a daemon that was started without any. */
export function defaultFlags(generation: DockerGeneration): DaemonFlags {
  return {
    defaultAddressPools: [],
    mtu: 1500,
    icc: true,
    ipMasq: true,
    iptables: true,
    ip6tables: generation !== "20.10",
    ipForward: true,
    ipv6: false,
    userlandProxy: true,
    ip: "0.0.0.0",
    hostGatewayIps: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    experimental: false,
    allowDirectRouting: false,
    ipForwardNoDrop: false,
  };
}

type Kind = "options" | "bool" | "text" | "int" | "ip" | "texts" | "ips" | "pools";

/** Every flag of dockerd that concerns the network, with the field it sets (moby cmd/dockerd/config.go and config_unix.go). */
const FLAGS: Readonly<Record<string, readonly [field: keyof DaemonFlags, kind: Kind]>> = {
  bridge: ["bridge", "text"],
  bip: ["bip", "text"],
  "fixed-cidr": ["fixedCidr", "text"],
  "fixed-cidr-v6": ["fixedCidrV6", "text"],
  "default-gateway": ["defaultGateway", "ip"],
  "default-gateway-v6": ["defaultGatewayV6", "ip"],
  "default-address-pool": ["defaultAddressPools", "pools"],
  mtu: ["mtu", "int"],
  icc: ["icc", "bool"],
  "ip-masq": ["ipMasq", "bool"],
  iptables: ["iptables", "bool"],
  ip6tables: ["ip6tables", "bool"],
  "ip-forward": ["ipForward", "bool"],
  ipv6: ["ipv6", "bool"],
  "userland-proxy": ["userlandProxy", "bool"],
  ip: ["ip", "ip"],
  dns: ["dns", "ips"],
  "dns-search": ["dnsSearch", "texts"],
  "dns-opt": ["dnsOptions", "texts"],
  experimental: ["experimental", "bool"],
};

/** Flags whose shape or presence differs. */
const FLAGS_BY_GENERATION: Readonly<Record<DockerGeneration, typeof FLAGS>> = {
  "20.10": { ...FLAGS, "host-gateway-ip": ["hostGatewayIps", "ip"] },
  "29": {
    ...FLAGS,
    bip6: ["bip6", "text"],
    "host-gateway-ip": ["hostGatewayIps", "ips"],
    "default-network-opt": ["defaultNetworkOpts", "options"],
    "allow-direct-routing": ["allowDirectRouting", "bool"],
    "bridge-accept-fwmark": ["bridgeAcceptFwmark", "text"],
    "ip-forward-no-drop": ["ipForwardNoDrop", "bool"],
  },
};

/** Flags that say nothing about packets; those that take no value. */
const OTHER_SWITCHES = new Set(["debug", "D", "live-restore", "selinux-enabled", "raw-logs", "rootless", "no-new-privileges", "init"]);
const OTHER_VALUES = new Set([
  "data-root", "exec-root", "pidfile", "p", "host", "H", "log-level", "l", "log-driver", "log-opt", "storage-driver", "s", "storage-opt", "group", "G",
  "label", "containerd", "config-file", "add-runtime", "default-runtime", "exec-opt", "insecure-registry", "registry-mirror", "shutdown-timeout", "userland-proxy-path",
]);
const SHORT: Readonly<Record<string, string>> = { b: "bridge" };

/**
 * Reads the arguments of `dockerd` (`["--bip", "10.90.0.1/24", "--icc=false"]`).
 *
 * @throws SimulationError `INVALID_INPUT` in the daemon's words for a flag that it does not have or a value that it does not take.
 */
export function parseDaemonFlags(argv: readonly string[], generation: DockerGeneration): DaemonFlags {
  const known = FLAGS_BY_GENERATION[generation];
  const flags: Draft = { ...defaultFlags(generation) };
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(argument);
    if (!match) fail(`unknown docker command: "dockerd ${argument}"`);
    const name = SHORT[match![1]!] ?? match![1]!;
    const entry = known[name];
    const isSwitch = entry ? entry[1] === "bool" : OTHER_SWITCHES.has(name);
    if (!entry && !isSwitch && !OTHER_VALUES.has(name)) fail(`unknown flag: --${name}`);
    const value = match![2] ?? (isSwitch ? "true" : argv[++at]);
    if (value === undefined) fail(`flag needs an argument: --${name}`);
    else if (entry) setFlag(flags, name, entry, value);
  }
  check(flags, generation);
  return flags;
}

function setFlag(flags: Draft, name: string, [field, kind]: readonly [keyof DaemonFlags, Kind], value: string): void {
  const invalid = (why: string): never => fail(`invalid argument ${JSON.stringify(value)} for "--${name}" flag: ${why}`);
  const put = (converted: unknown) => Object.assign(flags, { [field]: converted });
  const list = (flags[field] ?? []) as readonly unknown[];
  if (kind === "bool") {
    if (!isBoolean(value)) invalid(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
    put(isTrue(value));
  } else if (kind === "int") {
    if (!/^[+-]?\d+$/.test(value)) invalid(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    put(Number(value));
  } else if (kind === "ip" || kind === "ips") {
    if (!isIp(value)) invalid(kind === "ip" && field === "ip" ? `${value} is not an ip address` : `${value} is not an ip address`);
    put(kind === "ips" || Array.isArray(flags[field]) ? [...list, value] : value);
  } else if (kind === "pools") {
    if (!isPool(value)) invalid(`invalid field ${value}`);
    put([...list, ...readPools(value, invalid)]);
  } else if (kind === "options") {
    const [, driver, option, setting] = /^([^=]*)=([^=]*)=(.*)$/s.exec(value) ?? invalid(`invalid value ${JSON.stringify(value)} for map option, should be root-key=key=value`);
    const before = flags.defaultNetworkOpts;
    put({ ...before, [driver!]: { ...before?.[driver!], [option!]: setting! } });
  } else {
    put(kind === "texts" ? [...list, value] : value);
  }
}

/** What the daemon refuses to start with (moby daemon/daemon_unix.go: verifyDaemonSettings, and daemon/config). */
function check(flags: Draft, generation: DockerGeneration): void {
  if (!flags.iptables && !flags.icc) {
    fail("You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or --iptables to true");
  }
  if (generation === "20.10" && flags.ip6tables && !flags.experimental) {
    fail("ip6tables rules are only available if experimental features are enabled");
  }
  if (!flags.iptables) flags.ipMasq = false;
  if (flags.bip !== undefined && flags.bridge !== undefined) {
    fail("You specified -b & --bip, mutually exclusive options. Please specify only one");
  }
  if (generation === "20.10" && flags.ipv6 && flags.fixedCidrV6 === undefined) {
    fail("IPv6 is enabled for the default bridge, but no subnet is configured. Specify an IPv6 subnet using --fixed-cidr-v6");
  }
}

/** Go's strconv.ParseBool. */
export function isBoolean(text: string): boolean {
  return /^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(text);
}

/** What a text means for which `isBoolean` holds. */
export function isTrue(text: string): boolean {
  return /^(1|t|T|true|TRUE|True)$/.test(text);
}

function fail(daemon: string): never {
  throw new SimulationError("INVALID_INPUT", `dockerd: ${daemon}`, { daemon });
}
