import { signalNumber } from "../../model/signals";
import type { DaemonOperations } from "../../model/operations";
import type { FlagValues } from "../flags";

/** Linux include/uapi/linux/capability.h. */
const CAPABILITIES = new Set(
  (
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE " +
    "MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE " +
    "SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
  ).split(" "),
);
const LOG_DRIVERS = new Set("awslogs fluentd gcplogs gelf journald json-file local logentries none splunk syslog".split(" "));
const RUNTIMES = /^(runc|io\.containerd\.)/;
/** moby daemon/daemon_unix.go: linuxMinMemory. */
const LEAST_MEMORY = 6 * 2 ** 20;
const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** What the daemon refuses of options that say nothing about networks; the rest of them is left alone. */
export function refusalOfOthers(daemon: Pick<DaemonOperations, "state" | "findContainer">, flags: FlagValues): string | undefined {
  const isCurrent = daemon.state().generation === "29";
  const { 1: size = "", 2: unit = "" } = /^(\d+)([bkmgt]?)b?$/i.exec(flags.text("memory")) ?? [];
  if (size !== "" && size !== "0" && Number(size) * (UNITS[unit.toLowerCase()] ?? 1) < LEAST_MEMORY) return "Minimum memory limit allowed is 6MB";
  const signal = flags.text("stop-signal");
  if (signal !== "" && !does(() => signalNumber(signal, "", { invalidSignal: "", prefix: "" }))) return `${isCurrent ? "i" : "I"}nvalid signal: ${signal}`;
  const isolation = flags.text("isolation");
  if (!/^(default)?$/i.test(isolation)) return `${isCurrent ? "i" : "I"}nvalid isolation: "${isolation}" - linux only supports 'default'`;
  for (const [flag, word] of [["cap-add", "CapAdd"], ["cap-drop", "CapDrop"]] as const) {
    const unknown = flags.all(flag).map((name) => name.toUpperCase().replace(/^CAP_/, "")).find((name) => !CAPABILITIES.has(name));
    if (unknown !== undefined) return `invalid ${word}: unknown capability: "CAP_${unknown}"`;
  }
  const runtime = flags.text("runtime");
  if (runtime !== "" && !RUNTIMES.test(runtime)) return isCurrent ? `unknown or invalid runtime name: ${runtime}` : `Unknown runtime specified ${runtime}`;
  const driver = flags.text("log-driver");
  if (driver !== "" && !LOG_DRIVERS.has(driver)) return `error looking up logging plugin ${driver}: plugin "${driver}" not found`;
  const joined = ["pid", "ipc"].map((name) => flags.text(name)).filter((text) => text.startsWith("container:")).map((text) => text.slice("container:".length));
  const sources = flags.all("volumes-from").map((text) => text.split(":")[0] ?? "");
  const absent = [...joined, ...sources].find((name) => !does(() => daemon.findContainer(name)));
  return absent === undefined ? undefined : `No such container: ${absent}`;
}

/** Whether something is not refused. */
function does(something: () => unknown): boolean {
  try {
    something();
    return true;
  } catch {
    return false;
  }
}
