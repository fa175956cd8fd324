import type { FlagKind, FlagSpec } from "../flags";
import { GoError } from "../go";
import { readDnsSearch, readDnsServer, readDnsServerOf29, readEnvironment, readExtraHost, readIp, readLabel, readLink, readSysctl, readSysctlOf29 } from "../values";
import { readNetwork, readNetworkOf29 } from "./network-option";

/** Flags of `docker run` and `docker create` that say nothing about networks: they are read and, but for their syntax, left alone. */
const OTHERS: Readonly<Record<Exclude<FlagKind, "map" | "values">, string>> = {
  switch: "disable-content-trust init no-healthcheck oom-kill-disable privileged read-only",
  number: "cpu-period cpu-quota cpu-rt-period cpu-rt-runtime health-retries memory-swappiness oom-score-adj pids-limit stop-timeout blkio-weight",
  text:
    "cgroup-parent cgroupns cidfile cpus cpuset-cpus cpuset-mems gpus health-cmd health-interval health-start-period health-timeout ipc isolation " +
    "kernel-memory log-driver memory-reservation memory-swap mount pid platform runtime shm-size stop-signal userns uts volume-driver",
  list:
    "blkio-weight-device cap-add cap-drop device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops env-file group-add " +
    "label-file log-opt security-opt storage-opt tmpfs ulimit volumes-from",
};

const STREAMS = new Set(["stdin", "stdout", "stderr"]);

function readStream(text: string): string {
  const stream = text.toLowerCase();
  if (!STREAMS.has(stream)) throw new GoError("valid streams are STDIN, STDOUT and STDERR");
  return stream;
}

/** The flags that `docker run` and `docker create` share. */
export const CREATE_FLAGS: readonly FlagSpec[] = [
  { name: "add-host", kind: "list", read: readExtraHost },
  { name: "attach", short: "a", kind: "list", read: readStream },
  { name: "cpu-shares", short: "c", kind: "number" },
  { name: "dns", kind: "list", read: readDnsServer, readOf29: readDnsServerOf29 },
  { name: "dns-opt", kind: "list" },
  { name: "dns-option", kind: "list" },
  { name: "dns-search", kind: "list", read: readDnsSearch },
  { name: "domainname", kind: "text" },
  { name: "entrypoint", kind: "text" },
  { name: "env", short: "e", kind: "list", read: readEnvironment },
  { name: "expose", kind: "list" },
  { name: "hostname", short: "h", kind: "text" },
  { name: "interactive", short: "i", kind: "switch" },
  { name: "ip", kind: "text", readOf29: readIp },
  { name: "ip6", kind: "text", readOf29: readIp },
  { name: "label", short: "l", kind: "list", read: readLabel },
  { name: "link", kind: "list", read: readLink },
  { name: "link-local-ip", kind: "list" },
  { name: "mac-address", kind: "text" },
  { name: "memory", short: "m", kind: "text" },
  { name: "name", kind: "text" },
  { name: "net", kind: "list", read: readNetwork, readOf29: readNetworkOf29 },
  { name: "net-alias", kind: "list" },
  { name: "network", kind: "list", read: readNetwork, readOf29: readNetworkOf29 },
  { name: "network-alias", kind: "list" },
  { name: "publish", short: "p", kind: "list" },
  { name: "publish-all", short: "P", kind: "switch" },
  { name: "pull", kind: "text" },
  { name: "restart", kind: "text" },
  { name: "rm", kind: "switch" },
  { name: "sysctl", kind: "list", read: readSysctl, readOf29: readSysctlOf29 },
  { name: "tty", short: "t", kind: "switch" },
  { name: "user", short: "u", kind: "text" },
  { name: "volume", short: "v", kind: "list" },
  { name: "workdir", short: "w", kind: "text" },
  ...Object.entries(OTHERS).flatMap(([kind, names]) => names.split(" ").map((name) => ({ name, kind: kind as FlagKind }))),
];

export const RUN_FLAGS: readonly FlagSpec[] = [
  ...CREATE_FLAGS,
  { name: "detach", short: "d", kind: "switch" },
  { name: "detach-keys", kind: "text" },
  { name: "sig-proxy", kind: "switch" },
];
