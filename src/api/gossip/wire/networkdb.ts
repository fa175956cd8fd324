/** Messages of libnetwork's NetworkDB (networkdb.proto), and the records of its tables (agent.proto, drivers/overlay/overlay.proto). */
import type { ServicePort } from "../../../model/swarm/service-spec";
import { concat } from "./bytes";
import { Proto } from "./protobuf";

enum Type {
  TableEvent = 2,
  PushPull = 3,
  BulkSync = 4,
  Compound = 5,
}

/** networkdb.go: reapEntryInterval: how long deleted entries are remembered, in seconds. */
const REAP_SECONDS = 30 * 60;
const EVENT = { create: 1, delete: 3 };

/** An entry of a table of a network, or word that it is gone. */
export interface TableEvent {
  readonly kind: "create" | "delete";
  readonly time: number;
  /** The node's name. */
  readonly node: string;
  readonly networkId: string;
  readonly table: "endpoint_table" | "overlay_peer_table";
  readonly key: string;
  readonly value: Uint8Array;
}

/** An endpoint of an overlay network: its address, and where the tunnel to it ends. */
export function peerRecord(address: string, mac: string, tunnelEnd: string): Uint8Array {
  return new Proto().text(1, address).text(2, mac).text(3, tunnelEnd).finish();
}

export interface EndpointFields {
  readonly name: string;
  readonly address: string;
  readonly taskAliases: readonly string[];
  /** Of the service whose task it is. */
  readonly service?: { readonly name: string; readonly id: string; readonly virtualIp: string; readonly aliases: readonly string[]; readonly ports: readonly ServicePort[] };
}

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 0, udp: 1, sctp: 2 };

/** An endpoint by its names. */
export function endpointRecord({ name, address, taskAliases, service }: EndpointFields): Uint8Array {
  const proto = new Proto().text(1, name);
  // Go's text for no address at all.
  proto.text(2, service?.name ?? "").text(3, service?.id ?? "").text(4, service?.virtualIp ?? "<nil>").text(5, address);
  for (const { protocol, target, published } of service?.ports ?? []) {
    proto.bytes(6, new Proto().varint(2, PROTOCOLS[protocol] ?? 0).varint(3, target).varint(4, published).finish());
  }
  for (const alias of service?.aliases ?? []) proto.text(7, alias);
  for (const alias of taskAliases) proto.text(8, alias);
  return proto.finish();
}

export function tableEvent({ kind, time, node, networkId, table, key, value }: TableEvent): Uint8Array {
  const event = new Proto().varint(1, EVENT[kind]).varint(2, time).text(3, node).text(4, networkId).text(5, table).text(6, key);
  if (value.length > 0) event.bytes(7, value);
  return wrap(Type.TableEvent, event.varint(8, kind === "delete" ? REAP_SECONDS : 0).finish());
}

/** Several messages in one. */
export function compound(messages: readonly Uint8Array[]): Uint8Array {
  return wrap(Type.Compound, concat(messages.map(partOf)));
}

/** One message as it is among several. */
export function partOf(message: Uint8Array): Uint8Array {
  return new Proto().bytes(1, new Proto().bytes(1, message).finish()).finish();
}

export interface BulkSync {
  readonly time: number;
  /** It asks for the same back. */
  readonly isUnsolicited: boolean;
  readonly node: string;
  readonly networks: readonly string[];
}

/** Everything that a node knows of some networks, of which so many bytes of messages follow; all but these. */
export function bulkSyncHead({ time, isUnsolicited, node, networks }: BulkSync, bytes: number): Uint8Array {
  const inner = new Proto().varint(1, Type.Compound).head(2, bytes).finish();
  const sync = new Proto().varint(1, time).varint(2, isUnsolicited).text(3, node);
  for (const network of networks) sync.text(4, network);
  const head = sync.head(5, inner.length + bytes).finish();
  const outer = new Proto().varint(1, Type.BulkSync).head(2, head.length + inner.length + bytes);
  return concat([outer.finish(), head, inner]);
}

/** Which nodes are on which networks: the same for all who know it. */
export function networkEntries(time: number, entries: readonly { readonly networkId: string; readonly node: string }[]): Uint8Array {
  const proto = new Proto();
  for (const { networkId, node } of entries) proto.bytes(2, new Proto().text(1, networkId).varint(2, time).text(3, node).finish());
  return proto.finish();
}

/** What stands before and behind them, for the other end of a push-pull. */
export function networkPushPull(time: number, node: string, entries: Uint8Array): readonly [head: Uint8Array, tail: Uint8Array] {
  const [start, tail] = [new Proto().varint(1, time).finish(), new Proto().text(3, node).finish()];
  const head = new Proto().varint(1, Type.PushPull).head(2, start.length + entries.length + tail.length).finish();
  return [concat([head, start]), tail];
}

function wrap(type: Type, data: Uint8Array): Uint8Array {
  return new Proto().varint(1, type).bytes(2, data).finish();
}
