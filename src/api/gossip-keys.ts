import type { DockerState } from "./spec";

/** A key that the nodes of a swarm seal gossip with (AES-128-GCM, as memberlist does it). */
export interface GossipKey {
  /** 16 bytes in hexadecimal digits. */
  readonly key: string;
  /** Whether nodes still read what is sealed with it; others were in use before. */
  readonly isInUse: boolean;
  /** Whether they seal with it now. */
  readonly isPrimary: boolean;
}

/** Of all swarms of a state, the oldest first. */
export function gossipKeysOf({ hosts }: DockerState): GossipKey[] {
  const keys = new Map<string, GossipKey>();
  for (const { swarm } of hosts) {
    const { keys: ring, made } = swarm?.gossip ?? { keys: [], made: [] };
    for (const { bytes, tag } of made) {
      const key = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const known = keys.get(key);
      keys.set(key, { key, isInUse: known?.isInUse === true || ring.some((own) => own.tag === tag), isPrimary: known?.isPrimary === true || ring[0]?.tag === tag });
    }
  }
  return [...keys.values()];
}
