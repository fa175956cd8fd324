/** How large the messages are that the nodes of a swarm send one another, and when they send them. Times in nanoseconds, sizes in bytes of payload. */

export const GOSSIP_PORT = 7946;
export const MANAGER_PORT = 2377;

/** memberlist security.go: version, nonce and tag of AES-GCM around each packet. */
const SEALED = 1 + 12 + 16;
/** A ping names the node that is meant and the one that asks, an answer repeats its number. */
export const PING_BYTES = SEALED + 70;
export const ACK_BYTES = SEALED + 20;
/** libnetwork networkdb: the largest packet of gossip; what is in it beside the messages. */
const PACKET_BYTES = 1400;
export const PACKET_ROOM = PACKET_BYTES - SEALED - 10;
/** A row of overlay_peer_table and one of endpoint_table, with their IDs of 25 digits. */
export const ROW_BYTES = 170 + 250;
/** suspect, dead and alive of memberlist. */
export const NODE_BYTES = 90;
/** Push-pull and bulk sync: each side sends what it knows. */
export const SYNC_BYTES = SEALED + 30;
export const MEMBER_BYTES = 90;
/** A gRPC request over TLS: heartbeats of agents to their manager, of the leader to the other managers (swarmkit dispatcher, raft). */
export const HEARTBEAT_BYTES = 120;
export const HEARTBEAT_ANSWER_BYTES = 60;

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
/** swarmkit: DefaultHeartBeatPeriod, and the tick of raft. */
export const AGENT_INTERVAL = 5 * SECOND;
export const RAFT_INTERVAL = SECOND;

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
