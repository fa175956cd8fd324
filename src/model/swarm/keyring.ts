import { REPLAY_WINDOW_MAX } from "../../../assembly/abi/limits";
import { SimulationError } from "../../errors";
import type { SwarmClock } from "./clock";
import type { SwarmIds } from "./ids";
import { isInTouch, type ClusterNode } from "./objects";
import type { IpsecKeyState, IpsecState, KeyringState } from "./state";

/** swarmkit manager/keymanager/keymanager.go: DefaultKeyRotationInterval, in nanoseconds. */
export const KEY_ROTATION_NS = 12 * 3600 * 1e9;
/** keyringSize, DefaultKeyLen. */
const KEYS = 3;
const KEY_BYTES = 16;
/** keymanager.go: genSkew; the first number of the keys' clock is chosen at random below this. */
const SKEW = 65_536;
/** Keys of gossip count on the same clock, and are made first. */
const SUBSYSTEMS = ["networking:gossip", "networking:ipsec"] as const;
type Subsystem = (typeof SUBSYSTEMS)[number];

/** How a swarm seals what goes over its encrypted networks; the simulator's own. */
export interface IpsecOptions {
  /** How many packets late one may come, at most 64; 64 unless given. Docker sets none up: 0. */
  readonly replayWindow?: number;
  /** `"sized"`: packets have the length and the cost of encrypted ones, and their bytes stay plain. `"real"` unless given. */
  readonly cipher?: "real" | "sized";
}

interface RingKey extends IpsecKeyState {
  /** The key's Lamport time. */
  readonly time: number;
}

/**
 * The keys that managers hand out to the nodes of a swarm: three for each use. Each rotation drops the oldest and makes a new one, and
 * nodes encrypt with the one in the middle: whoever has missed one rotation still understands, and is understood.
 */
export class Keyring {
  readonly #ids: SwarmIds;
  readonly #options: Required<IpsecOptions>;
  readonly #clock: SwarmClock;
  readonly #nodes: () => readonly ClusterNode[];
  readonly #keys: Record<Subsystem, RingKey[]> = { "networking:gossip": [], "networking:ipsec": [] };
  /** All that there ever were, the oldest first. */
  readonly #made: Record<Subsystem, RingKey[]> = { "networking:gossip": [], "networking:ipsec": [] };
  /** What nodes have that were not told of the last rotations. */
  readonly #late = new Map<ClusterNode, Readonly<Record<Subsystem, readonly RingKey[]>>>();
  #time: number;

  constructor(ids: SwarmIds, clock: SwarmClock, nodes: () => readonly ClusterNode[], { replayWindow = 64, cipher = "real" }: IpsecOptions = {}) {
    this.#ids = ids;
    this.#clock = clock;
    this.#nodes = nodes;
    this.#options = checked({ replayWindow, cipher });
    this.#time = Number.parseInt(ids.bits("key clock").slice(0, 8), 16) % SKEW;
    for (const subsystem of SUBSYSTEMS) for (let i = 0; i < KEYS; i++) this.#make(subsystem);
    this.#wait();
  }

  /** keymanager.go: rotateKey. Nodes that the managers cannot reach keep what they have. */
  rotate(): void {
    for (const node of this.#nodes()) {
      if (isInTouch(node)) this.#late.delete(node);
      else if (!this.#late.has(node)) this.#late.set(node, { "networking:gossip": [...this.#keys["networking:gossip"]], "networking:ipsec": [...this.#keys["networking:ipsec"]] });
    }
    for (const subsystem of SUBSYSTEMS) {
      this.#keys[subsystem].shift();
      this.#make(subsystem);
    }
  }

  /** What a node encrypts networks with. */
  stateOf(node: ClusterNode): IpsecState {
    return { ...this.#options, ...this.#ringOf(node, "networking:ipsec") };
  }

  /** What a node seals gossip with. */
  gossipOf(node: ClusterNode): KeyringState {
    return this.#ringOf(node, "networking:gossip");
  }

  /** The keys that it has, with the one that it encrypts with in front (libnetwork agent.go: getKeys). */
  #ringOf(node: ClusterNode, subsystem: Subsystem): KeyringState {
    const [oldest, primary, newest] = ((isInTouch(node) ? undefined : this.#late.get(node)) ?? this.#keys)[subsystem];
    return { keys: [primary!, oldest!, newest!].map(shown), made: this.#made[subsystem].map(shown) };
  }

  #make(subsystem: Subsystem): void {
    this.#time++;
    const digits = this.#ids.bits(`key ${subsystem}`);
    const bytes = Array.from({ length: KEY_BYTES }, (_, index) => Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16));
    const key = { bytes, tag: this.#time >>> 0, time: this.#time };
    this.#keys[subsystem].push(key);
    this.#made[subsystem].push(key);
  }

  #wait(): void {
    this.#clock.after(KEY_ROTATION_NS, () => {
      this.rotate();
      this.#wait();
    });
  }
}

function shown({ bytes, tag }: RingKey): IpsecKeyState {
  return { bytes, tag };
}

function checked({ replayWindow, cipher }: Required<IpsecOptions>): Required<IpsecOptions> {
  const isWindow = Number.isInteger(replayWindow) && replayWindow >= 0 && replayWindow <= REPLAY_WINDOW_MAX;
  if (!isWindow) throw new SimulationError("INVALID_INPUT", `swarm: ipsec.replayWindow: expected a number from 0 to ${REPLAY_WINDOW_MAX}, found ${replayWindow}`);
  if (cipher === "real" || cipher === "sized") return { replayWindow, cipher };
  throw new SimulationError("INVALID_INPUT", `swarm: ipsec.cipher: expected "real" or "sized", found ${JSON.stringify(cipher)}`);
}
