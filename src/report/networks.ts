import type { ReportNetwork, RunReport } from "./report";

/** A line about a network: hosts whose daemons say the same of it share one. */
export interface NetworkLine extends Omit<ReportNetwork, "host"> {
  readonly hosts: readonly string[];
}

/** @example networkLines(report)[0] // { name: "ingress", driver: "overlay", hosts: ["m1", "w1"], … } */
export function networkLines({ networks }: RunReport): readonly NetworkLine[] {
  const lines = new Map<string, NetworkLine>();
  for (const { host, ...network } of networks) {
    const key = JSON.stringify(network);
    lines.set(key, { ...network, hosts: [...(lines.get(key)?.hosts ?? []), host] });
  }
  return [...lines.values()];
}

/** `"all"`, or their names. */
export function hostWords(hosts: readonly string[], { hosts: all }: RunReport): string {
  return hosts.length === all.length ? "all" : hosts.join(" ");
}

/** What sets a network apart: `internal`, `encrypted`, its VNIs. */
export function networkWords({ internal, encrypted, vnis }: Pick<ReportNetwork, "internal" | "encrypted" | "vnis">): string {
  const words = [...(internal ? ["internal"] : []), ...(encrypted ? ["encrypted"] : []), ...(vnis.length > 0 ? [`VNI ${vnis.join(" ")}`] : [])];
  return words.join(", ");
}
