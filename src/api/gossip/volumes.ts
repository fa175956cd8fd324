/** What management traffic is for. */
export const PURPOSES = ["probes", "gossip", "sync", "heartbeats", "raft"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Messages, each answer being one, and their bytes as processes write them. */
export interface Volume {
  readonly messages: number;
  readonly bytes: number;
}

export type Volumes = Readonly<Record<Purpose, Volume>>;

/** Volumes as they grow: by the host that sends, and by purpose. */
export class VolumeBook {
  readonly #hosts = new Map<string, Record<Purpose, { messages: number; bytes: number }>>();

  add(host: string, purpose: Purpose, messages: number, bytes: number): void {
    const own = this.#hosts.get(host) ?? none();
    this.#hosts.set(host, own);
    own[purpose].messages += messages;
    own[purpose].bytes += bytes;
  }

  of(host: string): Volumes {
    return this.#hosts.get(host) ?? none();
  }

  copy(): VolumeBook {
    const copy = new VolumeBook();
    for (const [host, volumes] of this.#hosts) for (const purpose of PURPOSES) copy.add(host, purpose, volumes[purpose].messages, volumes[purpose].bytes);
    return copy;
  }

  total(): Volumes {
    const total = none();
    for (const volumes of this.#hosts.values()) {
      for (const purpose of PURPOSES) {
        total[purpose].messages += volumes[purpose].messages;
        total[purpose].bytes += volumes[purpose].bytes;
      }
    }
    return total;
  }
}

function none(): Record<Purpose, { messages: number; bytes: number }> {
  const zero = () => ({ messages: 0, bytes: 0 });
  return { probes: zero(), gossip: zero(), sync: zero(), heartbeats: zero(), raft: zero() };
}
