import type { DockerState } from "../spec";
import type { View } from "./layer";
import { GossipNode } from "./node";
import { isSameRow, localNetworks, mistakenView, type Row, type Rows, rowsOf } from "./rows";

/** An entry that has come, changed or gone. */
export interface RowChange {
  readonly key: string;
  readonly version: number;
  readonly row: Row | undefined;
  readonly of: Row;
}

/** Who is in a swarm, what is there to know, and who knows it. */
export class Ledger {
  readonly nodes = new Map<string, GossipNode>();
  /** Somebody believes other things than before. */
  isChanged = false;
  #rows: Rows;
  #local: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #versions = new Map<string, number>();
  readonly #failed: ReadonlySet<string>;

  /** Everybody knows what is so at first; `failed`: hosts that do not run. */
  constructor(state: DockerState, failed: ReadonlySet<string>) {
    this.#failed = failed;
    this.#rows = rowsOf(state);
    this.#local = localNetworks(state);
    this.meet(state);
  }

  get members(): string[] {
    return [...this.nodes.keys()];
  }

  get rows(): Rows {
    return this.#rows;
  }

  /** The overlay networks that each host uses. */
  get local(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#local;
  }

  /** What a host believes. */
  readonly view: View = (state, host) => {
    const node = this.nodes.get(host);
    return node === undefined || (node.stale.size === 0 && node.failed.size === 0) ? state : mistakenView(state, host, rowsOf(state), node);
  };

  runs(host: string): boolean {
    return !this.#failed.has(host);
  }

  /** How often an entry has changed. */
  versionOf(key: string): number {
    return this.#versions.get(key) ?? 0;
  }

  /** Whether an entry of a key is any business of a host. */
  matters(host: string, key: string): boolean {
    return this.uses(host, key.slice(0, key.indexOf("/")));
  }

  uses(host: string, networkId: string): boolean {
    return this.#local.get(host)?.has(networkId) === true;
  }

  /** The networks that two hosts use. */
  common(one: string, other: string): string[] {
    return [...(this.#local.get(one) ?? [])].filter((id) => this.uses(other, id));
  }

  /** Everything that a host knows of some networks. */
  known(host: string, networks: readonly string[]): Row[] {
    const node = this.nodes.get(host);
    const wanted = new Set(networks);
    const known: Row[] = [];
    for (const [key, row] of this.#rows) {
      if (!wanted.has(row.networkId)) continue;
      const believed = node?.stale.has(key) ? node.stale.get(key) : row;
      if (believed) known.push(believed);
    }
    return known;
  }

  meet(state: DockerState): void {
    const members = state.hosts.filter(({ swarm }) => swarm?.role !== undefined && swarm.nodeId !== "").map(({ name }) => name);
    for (const host of members) if (!this.nodes.has(host)) this.nodes.set(host, new GossipNode(host));
    for (const host of this.nodes.keys()) {
      if (members.includes(host)) continue;
      this.nodes.delete(host);
      for (const node of this.nodes.values()) for (const known of [node.failed, node.suspects]) known.delete(host);
    }
  }

  /** The daemons have changed something: what is news, and which hosts use a network of which they know nobody. */
  follow(state: DockerState): { readonly changes: readonly RowChange[]; readonly joined: readonly { readonly host: string; readonly networkId: string }[] } {
    const [rows, local] = [rowsOf(state), localNetworks(state)];
    this.meet(state);
    const changes: RowChange[] = [];
    for (const key of new Set([...this.#rows.keys(), ...rows.keys()])) {
      const [before, row] = [this.#rows.get(key), rows.get(key)];
      const of = row ?? before;
      if (of === undefined || isSameRow(before, row)) continue;
      const version = this.versionOf(key) + 1;
      this.#versions.set(key, version);
      for (const node of this.nodes.values()) {
        if (node.host !== of.host && local.get(node.host)?.has(of.networkId) && !node.stale.has(key)) node.stale.set(key, before);
      }
      changes.push({ key, version, row, of });
    }
    const joined = [...local].flatMap(([host, ids]) => [...ids].filter((id) => !this.#local.get(host)?.has(id) && this.#beginsAnew(host, id, rows)).map((networkId) => ({ host, networkId })));
    this.#rows = rows;
    this.#local = local;
    for (const node of this.nodes.values()) for (const key of node.stale.keys()) if (!this.matters(node.host, key)) node.stale.delete(key);
    return { changes, joined };
  }

  /** A host knows nobody on a network until somebody has told it everything. False: there is nobody to know. */
  #beginsAnew(host: string, networkId: string, rows: Rows): boolean {
    const node = this.nodes.get(host);
    const others = [...rows.values()].filter((row) => row.networkId === networkId && row.host !== host);
    if (node === undefined || others.length === 0) return false;
    for (const { key } of others) node.stale.set(key, undefined);
    this.isChanged = true;
    return true;
  }
}
