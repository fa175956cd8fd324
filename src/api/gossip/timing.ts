/** When the nodes of a swarm send one another messages, and how large those are whose words are not played. Times in nanoseconds, sizes in bytes. */

export const GOSSIP_PORT = 7946;
export const MANAGER_PORT = 2377;

/** memberlist net.go, libnetwork networkdb message.go: the largest packet, and what is reserved in it around each of several messages. */
const PACKET_BYTES = 1400;
export const MEMBER_ROOM = PACKET_BYTES - 2 - 29;
export const MEMBER_OVERHEAD = 2;
export const TABLE_ROOM = PACKET_BYTES - 5;
export const TABLE_OVERHEAD = 4;
/**
 * Estimates of gRPC calls over an HTTP/2 connection that is open, in the records of TLS: a frame of headers (9 bytes, and 40 to 60 of indexed
 * ones) and one of data (9 bytes, 5 of gRPC's own, and the message); frames of headers come back, with the answer between them.
 */
export const GRPC_CALL = 9 + 50 + 9 + 5;
export const GRPC_RETURN = 9 + 15 + 9 + 5 + 9 + 10;
/** swarmkit api: HeartbeatRequest has the ID of the session, HeartbeatResponse the period. */
export const HEARTBEAT_BYTES = GRPC_CALL + 27;
export const HEARTBEAT_ANSWER_BYTES = GRPC_RETURN + 9;
/** A raft message without entries: type, both ends, term and commit in protobuf, in the message of the call. */
export const RAFT_BYTES = GRPC_CALL + 45;
export const RAFT_ANSWER_BYTES = GRPC_RETURN;
/** An answer to a heartbeat of raft is a call of its own, which goes back with that of the call. */
export const RAFT_HEARTBEAT_ANSWER_BYTES = RAFT_ANSWER_BYTES + RAFT_BYTES;
/** A change of the store as an entry of raft: an object with its specification. */
export const RAFT_ENTRY_BYTES = 600;

const MS = 1e6;
const SECOND = 1e9;
/** memberlist DefaultLANConfig, which libnetwork networkdb uses. */
export const GOSSIP_INTERVAL = 200 * MS;
export const GOSSIP_NODES = 3;
export const PROBE_INTERVAL = SECOND;
export const PROBE_TIMEOUT = 500 * MS;
export const INDIRECT_CHECKS = 3;
export const RETRANSMIT_MULTIPLE = 4;
export const SUSPICION_MULTIPLE = 4;
export const SUSPICION_MAX_MULTIPLE = 6;
export const PUSH_PULL_INTERVAL = 30 * SECOND;
export const STREAM_TIMEOUT = 10 * SECOND;
/** swarmkit manager/dispatcher: defaultHeartBeatEpsilon: periods differ by so much. */
export const HEARTBEAT_EPSILON = SECOND / 2;
/** swarmkit manager/state/raft: TickInterval; DefaultRaftConfig: HeartbeatTick 1, ElectionTick 10. */
export const RAFT_TICK = SECOND;
export const ELECTION_TICKS = 10;
/** memberlist util.go: pushPullScaleThreshold. */
const SCALE_FROM = 32;

/** memberlist util.go: how much more seldom large swarms push and pull. */
export function pushPullInterval(nodes: number): number {
  return nodes <= SCALE_FROM ? PUSH_PULL_INTERVAL : PUSH_PULL_INTERVAL * (Math.ceil(Math.log2(nodes) - Math.log2(SCALE_FROM)) + 1);
}

/** memberlist util.go: how often a message is sent on. */
export function retransmits(nodes: number): number {
  return RETRANSMIT_MULTIPLE * Math.ceil(Math.log10(nodes + 1));
}

/** memberlist suspicion.go: how long a node is suspected after `confirmations` others have said so, too. */
export function suspicionTimeout(nodes: number, confirmations: number): number {
  const least = SUSPICION_MULTIPLE * Math.max(1, Math.log10(Math.max(1, nodes))) * PROBE_INTERVAL;
  const wanted = nodes - 2 < SUSPICION_MULTIPLE - 2 ? 0 : SUSPICION_MULTIPLE - 2;
  if (wanted === 0) return Math.round(least);
  const most = SUSPICION_MAX_MULTIPLE * least;
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.round(Math.max(least, most - share * (most - least)));
}
