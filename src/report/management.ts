import { formatBytes, formatCount, formatPerSecond, formatRate } from "./format";
import type { ReportManagement, ReportVolume, RunReport } from "./report";

type Kind = ReportVolume["kind"];
type Sent = Readonly<Record<Kind, { readonly messages: number; readonly bytes: number }>>;

/** As much as a report takes of what is known of a control plane. */
export interface ManagementInput {
  readonly isConverged: boolean;
  readonly nodes: readonly { readonly host: string; readonly sent: Sent; readonly raft?: { readonly role: string; readonly term: number } }[];
}

const KINDS: readonly Kind[] = ["probes", "gossip", "sync", "heartbeats", "raft"];
/** Hosts that a text names, those that send most. */
const HOSTS_SHOWN = 6;
const SECOND = 1e9;

export function managementOf({ isConverged, nodes }: ManagementInput, nowNs: number): ReportManagement {
  const seconds = Math.max(nowNs, 1) / SECOND;
  const [leader] = nodes.filter(({ raft }) => raft?.role === "leader").sort((a, b) => (b.raft?.term ?? 0) - (a.raft?.term ?? 0));
  const volumes = nodes.flatMap(({ host, sent }) =>
    KINDS.filter((kind) => sent[kind].messages > 0).map((kind): ReportVolume => {
      const { messages, bytes } = sent[kind];
      return { host, kind, messages, payloadBytes: bytes, messagesPerSecond: messages / seconds, payloadBitsPerSecond: (8 * bytes) / seconds };
    }),
  );
  return { isConverged, leader: leader?.host ?? null, volumes };
}

/** What it is called, messages, their rate, bytes, their rate. */
export type ManagementRow = readonly [name: string, messages: string, perSecond: string, bytes: string, rate: string];

export const MANAGEMENT_TITLES = ["", "messages", "a second", "payload", "rate"] as const;

/** A row for each kind, and for each host, as far as there are not too many. */
export function managementRows({ management }: RunReport): ManagementRow[] {
  const volumes = management?.volumes ?? [];
  const hosts = [...new Set(volumes.map(({ host }) => host))].map((name) => ({ name: `from ${name}`, own: volumes.filter(({ host }) => host === name) }));
  const bytesOf = ({ own }: { readonly own: readonly ReportVolume[] }) => own.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0);
  const shown = hosts.length <= HOSTS_SHOWN ? hosts : [...hosts].sort((a, b) => bytesOf(b) - bytesOf(a)).slice(0, HOSTS_SHOWN);
  const others = hosts.filter((host) => !shown.includes(host));
  return [
    ...KINDS.map((kind) => ({ name: kind, own: volumes.filter((volume) => volume.kind === kind) })).filter(({ own }) => own.length > 0),
    ...shown,
    ...(others.length > 0 ? [{ name: `from ${others.length} more`, own: others.flatMap(({ own }) => own) }] : []),
  ].map(rowOf);
}

function rowOf({ name, own }: { readonly name: string; readonly own: readonly ReportVolume[] }): ManagementRow {
  const sum = (of: (volume: ReportVolume) => number) => own.reduce((total, volume) => total + of(volume), 0);
  return [
    name,
    formatCount(sum(({ messages }) => messages)),
    formatPerSecond(sum(({ messagesPerSecond }) => messagesPerSecond)),
    formatBytes(sum(({ payloadBytes }) => payloadBytes)),
    formatRate(sum(({ payloadBitsPerSecond }) => payloadBitsPerSecond)),
  ];
}

/** `m1 leads, all hosts know the same`. */
export function managementWords({ management }: RunReport): string {
  if (management === null) return "";
  const leader = management.leader === null ? "nobody leads" : `${management.leader} leads`;
  return `${leader}, ${management.isConverged ? "all hosts know the same" : "not all hosts know the same"}`;
}
