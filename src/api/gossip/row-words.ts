import { SERVICE_ID_LABEL, SERVICE_NAME_LABEL } from "../../model/labels";
import type { DockerState } from "../../model/state";
import { formatIpv4 } from "../../net/ip";
import { formatMac } from "../../net/mac";
import type { Row } from "./rows";
import { endpointRecord, partOf, peerRecord, type TableEvent, tableEvent } from "./wire/networkdb";
import { concat } from "./wire/bytes";

/** Who says a row, and when: its owner's name, and the Lamport time of its tables. */
export interface RowStamp {
  readonly node: string;
  readonly time: number;
}

/** Rows of one compressed part: as many as fill the compressor's table, about. */
const ROWS_PER_PART = 16;
/** Different parts that are remembered. */
const PARTS_MAX = 4096;

/** What rows are in the words of NetworkDB. Each is put into words once. */
export class RowWords {
  readonly #events = new Map<string, { readonly row: Row | undefined; readonly time: number; readonly messages: readonly Uint8Array[] }>();
  readonly #parts = new Map<string, Uint8Array>();

  /** The entries of a row, or word that they are gone; `of` is what it was then. */
  events(state: DockerState, key: string, row: Row | undefined, of: Row, { node, time }: RowStamp): readonly Uint8Array[] {
    const known = this.#events.get(key);
    if (known !== undefined && known.row === row && known.time === time) return known.messages;
    const common = { kind: row ? "create" : "delete", time, node, networkId: of.networkId, key: of.endpoint.id } as const;
    const empty = new Uint8Array(0);
    const peer: TableEvent = { ...common, table: "overlay_peer_table", value: row ? peerOf(state, row) : empty };
    const events = [peer];
    // Load balancers have no names.
    if (of.container) events.push({ ...common, table: "endpoint_table", value: row ? endpointOf(state, row) : empty });
    const messages = events.map(tableEvent);
    this.#events.set(key, { row, time, messages });
    return messages;
  }

  /** All entries of many rows, in parts that are the same as long as their rows are. */
  parts(rows: readonly { readonly key: string; readonly time: number; messages(): readonly Uint8Array[] }[]): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < rows.length; at += ROWS_PER_PART) {
      const own = rows.slice(at, at + ROWS_PER_PART);
      const name = own.map(({ key, time }) => `${key}@${time}`).join(" ");
      const part = this.#parts.get(name) ?? concat(own.flatMap((row) => row.messages().map(partOf)));
      if (this.#parts.size >= PARTS_MAX) this.#parts.clear();
      this.#parts.set(name, part);
      parts.push(part);
    }
    return parts;
  }
}

function peerOf({ hosts }: DockerState, { endpoint, host }: Row): Uint8Array {
  const end = hosts.find(({ name }) => name === host)?.swarm?.dataPathAddress ?? "";
  return peerRecord(`${formatIpv4(endpoint.ip)}/${endpoint.prefixLength}`, formatMac(endpoint.mac), end);
}

/** libnetwork agent.go: addServiceInfoToCluster. */
function endpointOf({ hosts }: DockerState, { endpoint, container, host, networkId }: Row): Uint8Array {
  const [name = "", ...others] = endpoint.dnsNames;
  const labels = container?.spec.labels ?? {};
  const id = labels[SERVICE_ID_LABEL];
  const swarm = hosts.find((candidate) => candidate.name === host)?.swarm;
  const service = swarm?.services.find((candidate) => candidate.id === id);
  const address = formatIpv4(endpoint.ip);
  if (id === undefined || service === undefined) return endpointRecord({ name, address, taskAliases: others });
  const virtualIp = service.virtualIps.find((own) => own.networkId === networkId)?.ip;
  const aliases = service.aliases.find((own) => own.networkId === networkId)?.names ?? [];
  const isIngress = endpoint.network === "ingress";
  return endpointRecord({
    name, address, taskAliases: others,
    service: { name: labels[SERVICE_NAME_LABEL] ?? service.name, id, virtualIp: virtualIp === undefined ? "<nil>" : formatIpv4(virtualIp), aliases, ports: isIngress ? service.ports : [] },
  });
}
