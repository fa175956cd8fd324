import type { Packet } from "../memory/packet";
import type { Device } from "./device";

/** NUD_*. An entry is in state none only until its creator has set another. */
export enum NeighbourState {
  None,
  Incomplete,
  Reachable,
  Stale,
  Delay,
  Probe,
  Failed,
  Permanent,
}

/** No timer is wanted. */
export const NO_DEADLINE = -1;

export class Neighbour {
  state = NeighbourState.None;
  macHigh = 0;
  macLow = 0;
  /** When the other side last proved that it is there; -1: never. */
  confirmed = -1;
  /** When the MAC was learnt. */
  updated = 0;
  /** When the state became delay. */
  since = 0;
  probes = 0;
  /** The sender address of its requests. */
  solicitSource = 0;
  deadline = NO_DEADLINE;
  timerQueued = false;
  /** Packets that wait for the MAC. */
  readonly queue: Packet[] = [];

  constructor(
    readonly index: number,
    readonly device: Device,
    readonly ip: number,
  ) {}

  get hasMac(): boolean {
    return this.state !== NeighbourState.None && this.state !== NeighbourState.Incomplete && this.state !== NeighbourState.Failed;
  }
}

/** ARP entries. Key: (device, IP). `capacity` entries; none is ever removed, and a full table takes no more. */
export class NeighbourTable {
  readonly entries: Neighbour[] = [];

  constructor(private readonly capacity: number) {}

  find(device: Device, ip: number): Neighbour | null {
    return device.neighbours.get(ip) ?? null;
  }

  /** A new entry in state none, or null if the table is full. */
  create(device: Device, ip: number): Neighbour | null {
    if (this.entries.length === this.capacity) return null;
    const entry = new Neighbour(this.entries.length, device, ip);
    this.entries.push(entry);
    device.neighbours.set(ip, entry);
    return entry;
  }
}
