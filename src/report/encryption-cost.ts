import type { EngineKind, Nanoseconds } from "../engine/engine";
import type { LatencySummary } from "../observe/histogram";
import { formatCount, formatPerSecond, formatQuantity, formatRate, formatTime } from "./format";
import { plainStyle, type Style } from "./style";
import { type Cell, table } from "./table";

/** One workload on a plain and on an encrypted overlay network. Plain data. */
export interface EncryptionCost {
  /** The overlay networks that were encrypted in the second run. */
  readonly networks: readonly string[];
  readonly durationNs: Nanoseconds;
  readonly seed: number;
  readonly engine: EngineKind;
  readonly cipher: CipherCost;
  readonly plain: EncryptionRun;
  readonly encrypted: EncryptionRun;
}

/** What a CPU takes to encrypt or decrypt, beside what it does for each packet (docs/encryption.md). */
export interface CipherCost {
  /** `measured`: on this machine. */
  readonly source: "model" | "measured";
  readonly nsPerByte: number;
}

/** One of the two runs. */
export interface EncryptionRun {
  /** Inside the networks, by name. */
  readonly mtu: Readonly<Record<string, number>>;
  readonly traffic: readonly EncryptionTraffic[];
  /** Payload that reached processes, in both directions. */
  readonly goodputBitsPerSecond: number;
  readonly messagesPerSecond: number;
  /** What hosts sent on their cables, Ethernet headers included. */
  readonly wire: { readonly packets: number; readonly bytes: number };
  /** Payload bytes of processes by bytes on the cables. */
  readonly wireEfficiency: number;
  readonly hosts: readonly EncryptionHost[];
  /** Of all hosts. */
  readonly cpuNsPerMessage: number;
  readonly dropped: number;
  /** Real time of the simulation: the cipher works on all bytes. */
  readonly elapsedMs: number;
}

export interface EncryptionTraffic {
  readonly name: string;
  readonly from: string;
  readonly messagesPerSecond: number;
  readonly bitsPerSecond: number;
  readonly lost: number;
  readonly latency: LatencySummary;
}

/** CPU time of a host in virtual time; `load` is the share of its CPUs' time. */
export interface EncryptionHost {
  readonly name: string;
  readonly cpus: number;
  readonly busyNs: Nanoseconds;
  readonly load: number;
}

type Row = readonly [name: string, plain: string, encrypted: string, change: string];

/** The comparison for a terminal. */
export function renderEncryptionCost(cost: EncryptionCost, { style = plainStyle }: { readonly style?: Style } = {}): string {
  const { networks, durationNs, seed, engine, cipher, plain, encrypted } = cost;
  const columns = [{ title: "" }, { title: "plain", align: "right" }, { title: "encrypted", align: "right" }, { title: "change", align: "right" }] as const;
  const rows = [...mtuRows(cost), ...totalRows(plain, encrypted), ...hostRows(plain, encrypted), ...trafficRows(plain, encrypted)];
  const cells = rows.map(([name, ...rest]): Cell[] => [name.startsWith(" ") ? name : { text: name, mark: "name" }, ...rest]);
  return [
    style.title(`What encryption costs: ${formatQuantity(networks.length, "overlay network")} (${networks.join(", ")})`),
    style.dim(`${formatTime(durationNs)} of virtual time each, seed ${seed}, engine ${engine}; cipher ${cipher.nsPerByte.toFixed(2)} ns a byte (${cipher.source})`),
    "",
    ...table(columns, cells, { style, indent: 2 }),
    "",
  ].join("\n");
}

function mtuRows({ networks, plain, encrypted }: EncryptionCost): Row[] {
  return networks.map((name) => {
    const [before, after] = [plain.mtu[name] ?? 0, encrypted.mtu[name] ?? 0];
    return [`MTU inside ${name}`, String(before), String(after), String(after - before)];
  });
}

function totalRows(plain: EncryptionRun, encrypted: EncryptionRun): Row[] {
  const row = (name: string, of: (run: EncryptionRun) => number, format: (value: number) => string): Row => [name, format(of(plain)), format(of(encrypted)), change(of(plain), of(encrypted))];
  return [
    row("goodput", (run) => run.goodputBitsPerSecond, formatRate),
    row("messages", (run) => run.messagesPerSecond, formatPerSecond),
    row("bytes on the wire", ({ wire }) => wire.bytes, formatCount),
    row("packets on the wire", ({ wire }) => wire.packets, formatCount),
    ["payload of the wire", percent(plain.wireEfficiency), percent(encrypted.wireEfficiency), points(plain.wireEfficiency, encrypted.wireEfficiency)],
    row("CPU per message", (run) => run.cpuNsPerMessage, formatTime),
    row("dropped packets", (run) => run.dropped, formatCount),
  ];
}

function hostRows(plain: EncryptionRun, encrypted: EncryptionRun): Row[] {
  return plain.hosts.map(({ name, load }) => {
    const after = encrypted.hosts.find((host) => host.name === name)?.load ?? 0;
    return [`CPU of ${name}`, percent(load), percent(after), points(load, after)];
  });
}

function trafficRows(plain: EncryptionRun, encrypted: EncryptionRun): Row[] {
  return plain.traffic.flatMap((before) => {
    const after = encrypted.traffic.find(({ name, from }) => name === before.name && from === before.from);
    if (after === undefined) return [];
    const row = (name: string, of: (traffic: EncryptionTraffic) => number, format: (value: number) => string): Row => [`  ${name}`, format(of(before)), format(of(after)), change(of(before), of(after))];
    return [
      [`${before.name} from ${before.from}`, "", "", ""],
      row("goodput", ({ bitsPerSecond }) => bitsPerSecond, formatRate),
      row("latency, median", ({ latency }) => latency.p50, formatTime),
      row("latency, 99 %", ({ latency }) => latency.p99, formatTime),
      row("lost", ({ lost }) => lost, formatCount),
    ];
  });
}

function change(before: number, after: number): string {
  if (before === after) return "0 %";
  if (before === 0) return "new";
  const share = ((after - before) / before) * 100;
  return `${share > 0 ? "+" : ""}${share.toFixed(1)} %`;
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

function points(before: number, after: number): string {
  const difference = (after - before) * 100;
  return `${difference > 0 ? "+" : ""}${difference.toFixed(1)} pp`;
}
