import { SimulationError } from "../errors";
import { type DaemonFlags, defaultFlags, parseDaemonFlags } from "./flags";
import type { DaemonFileSpec, DockerGeneration } from "./spec";

/** What `/etc/docker/daemon.json` says about the network, by the names it has there; other keys of the file may stand beside them. */
export interface DaemonFile {
  readonly bridge?: string;
  /** Address and length of docker0: `"10.90.0.1/24"`. */
  readonly bip?: string;
  readonly bip6?: string;
  readonly "fixed-cidr"?: string;
  readonly "fixed-cidr-v6"?: string;
  readonly "default-gateway"?: string;
  readonly "default-gateway-v6"?: string;
  readonly "default-address-pools"?: readonly { readonly base: string; readonly size: number }[];
  /** Of the default bridge. */
  readonly mtu?: number;
  readonly icc?: boolean;
  readonly "ip-masq"?: boolean;
  readonly iptables?: boolean;
  readonly ip6tables?: boolean;
  readonly "ip-forward"?: boolean;
  readonly "ip-forward-no-drop"?: boolean;
  readonly ipv6?: boolean;
  readonly "userland-proxy"?: boolean;
  /** Where ports are published by default. */
  readonly ip?: string;
  readonly dns?: readonly string[];
  readonly "dns-search"?: readonly string[];
  readonly "dns-opts"?: readonly string[];
  readonly "host-gateway-ip"?: string;
  readonly "host-gateway-ips"?: readonly string[];
  readonly experimental?: boolean;
  readonly "allow-direct-routing"?: boolean;
  readonly "bridge-accept-fwmark"?: string;
}

type Key = keyof DaemonFile;

/** The keys and the types of their values (moby daemon/config/config.go and config_linux.go). */
const KINDS: Readonly<Record<Key, "text" | "number" | "flag" | "texts" | "pools">> = {
  bridge: "text", bip: "text", bip6: "text", "fixed-cidr": "text", "fixed-cidr-v6": "text", "default-gateway": "text", "default-gateway-v6": "text",
  "default-address-pools": "pools", mtu: "number", icc: "flag", "ip-masq": "flag", iptables: "flag", ip6tables: "flag", "ip-forward": "flag",
  "ip-forward-no-drop": "flag", ipv6: "flag", "userland-proxy": "flag", ip: "text", dns: "texts", "dns-search": "texts", "dns-opts": "texts",
  "host-gateway-ip": "text", "host-gateway-ips": "texts", experimental: "flag", "allow-direct-routing": "flag", "bridge-accept-fwmark": "text",
};

/** Where the flag has another name than the key. */
const FLAG_NAMES: Readonly<Partial<Record<Key, string>>> = { "default-address-pools": "default-address-pool", "dns-opts": "dns-opt", "host-gateway-ips": "host-gateway-ip" };

/** Keys that say nothing about packets. */
const OTHER_KEYS = new Set([
  "authorization-plugins", "builder", "cgroup-parent", "containerd", "containerd-namespace", "containerd-plugins-namespace", "cpu-rt-period", "cpu-rt-runtime", "data-root",
  "debug", "default-cgroupns-mode", "default-ipc-mode", "default-network-opts", "default-runtime", "default-shm-size", "default-ulimits", "exec-opts", "exec-root", "features",
  "group", "hosts", "init", "init-path", "insecure-registries", "labels", "live-restore", "log-driver", "log-format", "log-level", "log-opts", "max-concurrent-downloads",
  "max-concurrent-uploads", "max-download-attempts", "metrics-addr", "no-new-privileges", "node-generic-resources", "oom-score-adjust", "pidfile", "proxies", "raw-logs",
  "registry-mirrors", "rootless", "runtimes", "seccomp-profile", "selinux-enabled", "shutdown-timeout", "storage-driver", "storage-opts", "swarm-default-advertise-addr", "tls",
  "tlscacert", "tlscert", "tlskey", "tlsverify", "userland-proxy-path", "userns-remap",
]);

/**
 * The flags that a `daemon.json` stands for.
 *
 * @throws SimulationError `INVALID_INPUT` for a key that the daemon does not have, or a value that it does not take.
 * @example readDaemonFile({ file: { icc: false, "userland-proxy": false }, subject: "daemon" }, "29").icc // false
 */
export function readDaemonFile({ file, subject, position }: DaemonFileSpec, generation: DockerGeneration): DaemonFlags {
  try {
    return flagsOf(file, subject, generation);
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error;
    throw new SimulationError(error.code, error.message, { ...error.details, ...(position && { position }) });
  }
}

function flagsOf(file: DaemonFile, subject: string, generation: DockerGeneration): DaemonFlags {
  const unknown = Object.keys(file).filter((key) => !Object.hasOwn(KINDS, key) && !OTHER_KEYS.has(key));
  if (unknown.length > 0) {
    const daemon = `unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: ${unknown.join(", ")}`;
    throw new SimulationError("INVALID_INPUT", `${subject}: ${daemon}`, { daemon });
  }
  const given = Object.entries(file).filter((entry): entry is [Key, unknown] => Object.hasOwn(KINDS, entry[0]) && entry[1] !== undefined);
  if (given.length === 0) return defaultFlags(generation);
  const argv = given.flatMap(([key, value]) => wordsOf(key, value, subject).map((word) => `--${FLAG_NAMES[key] ?? key}=${word}`));
  try {
    return parseDaemonFlags(argv, generation);
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error;
    throw new SimulationError(error.code, error.message.replace(/^dockerd/, subject), error.details);
  }
}

/** One flag's values, as the command line has them. */
function wordsOf(key: Key, value: unknown, subject: string): string[] {
  const kind = KINDS[key];
  const fail = (wanted: string): never => {
    throw new SimulationError("INVALID_INPUT", `${subject}.${key}: expected ${wanted}, found ${JSON.stringify(value)}`);
  };
  if (kind === "flag") return typeof value === "boolean" ? [String(value)] : fail("true or false");
  if (kind === "number") return Number.isInteger(value) ? [String(value)] : fail("a whole number");
  if (kind === "text") return typeof value === "string" ? [value] : fail("a text");
  const items: unknown[] = Array.isArray(value) ? value : fail("a list");
  if (kind === "texts") return items.map((item) => (typeof item === "string" ? item : fail("a list of texts")));
  return items.map((item) => {
    const { base, size } = (item ?? {}) as { base?: unknown; size?: unknown };
    return typeof base === "string" && Number.isInteger(size) ? `base=${base},size=${size}` : fail('a list of { "base": …, "size": … }');
  });
}
