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
  dueAt = NO_DEADLINE;
  timersQueued = 0;
  /** Packets that wait for the MAC. */
  readonly queue: Packet[] = [];

  constructor(
    readonly index: number,
    public device: Device,
    public ip: number,
  ) {}

  /** The slot's next entry. What stays is whether an event of its timer is under way. */
  reuse(device: Device, ip: number): void {
    this.device = device;
    this.ip = ip;
    this.state = NeighbourState.None;
    this.macHigh = this.macLow = 0;
    this.confirmed = -1;
    this.updated = this.since = 0;
    this.probes = 0;
    this.solicitSource = 0;
    this.deadline = NO_DEADLINE;
  }

  get hasMac(): boolean {
    return this.state !== NeighbourState.None && this.state !== NeighbourState.Incomplete && this.state !== NeighbourState.Failed;
  }
}

/** ARP entries. Key: (device, IP). `capacity` entries; a full table takes no more, and only a new program removes some. */
export class NeighbourTable {
  readonly entries: Neighbour[] = [];
  /** Slots of removed entries, the lowest last. */
  private free: Neighbour[] = [];

  constructor(private readonly capacity: number) {}

  find(device: Device, ip: number): Neighbour | null {
    return device.neighbours.get(ip) ?? null;
  }

  /** A new entry in state none, or null if the table is full. */
  create(device: Device, ip: number): Neighbour | null {
    let entry = this.free.pop();
    if (entry === undefined) {
      if (this.entries.length === this.capacity) return null;
      entry = new Neighbour(this.entries.length, device, ip);
      this.entries.push(entry);
    } else {
      entry.reuse(device, ip);
    }
    device.neighbours.set(ip, entry);
    return entry;
  }

  /** Removes what `isStray` says, in the order of slots; `remove` sees each first. */
  removeStrays(isStray: (entry: Neighbour) => boolean, remove: (entry: Neighbour) => void): void {
    for (const entry of this.entries) {
      if (entry.device.neighbours.get(entry.ip) !== entry || !isStray(entry)) continue;
      remove(entry);
      entry.device.neighbours.delete(entry.ip);
      entry.deadline = NO_DEADLINE;
    }
    this.free = this.entries.filter((entry) => entry.device.neighbours.get(entry.ip) !== entry).reverse();
  }
}
