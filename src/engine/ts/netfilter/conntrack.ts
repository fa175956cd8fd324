import { finishHash, HashTable, mixHash } from "../memory/hash-table";
import type { Packet } from "../memory/packet";
import type { Namespace } from "../tables/namespace";
import { CtState, Entry } from "./entry";

/**
 * The connections of all namespaces. Key: (namespace, protocol, source, source port, destination, destination port), one for
 * each direction; value: the entry. `capacity.conntrack` places. Entries end by their deadline, which nobody waits for: a dead
 * one is found out when something looks for it, or when room is needed.
 */
export class ConntrackTable {
  /** Direction of what `find` found. */
  foundReply = false;
  /** Where the search for a free port goes on (`natOffset`). */
  natOffset = 0;
  /** Made when a namespace tracks: most simulations have none. */
  private index: HashTable | null = null;
  private readonly entries: Entry[] = [];
  private readonly free: Entry[] = [];
  /** No deadline is earlier. */
  private earliest = Infinity;
  /** Confirmed entries that are not assured, the one confirmed first in front. */
  private oldest: Entry | null = null;
  private newest: Entry | null = null;

  constructor(private readonly capacity: number) {}

  enable(): void {
    this.index ??= new HashTable(2 * this.capacity);
  }

  /** The live, confirmed entry of a tuple, or null. */
  find(
    namespace: Namespace,
    protocol: number,
    source: number,
    sourcePort: number,
    destination: number,
    destinationPort: number,
    clock: number,
  ): Entry | null {
    const { index, entries } = this;
    if (index === null) return null;
    const hash = hashOf(namespace, protocol, source, sourcePort, destination, destinationPort);
    for (let at = index.first(hash); at >= 0; at = index.next(at)) {
      const entry = entries[at >> 1];
      const isReply = (at & 1) !== 0;
      if (entry.namespace !== namespace || entry.protocol !== protocol) continue;
      if (!entry.tuple(isReply).equals(source, sourcePort, destination, destinationPort)) continue;
      if (entry.isDead(clock)) {
        this.remove(entry);
        return null;
      }
      this.foundReply = isReply;
      return entry;
    }
    return null;
  }

  /** A new, unconfirmed entry, or null if the table is full and nobody can go. */
  create(namespace: Namespace, protocol: number, clock: number): Entry | null {
    if (this.free.length === 0 && this.entries.length >= this.capacity && !this.makeRoom(clock)) return null;
    let entry = this.free.pop();
    if (entry === undefined) {
      entry = new Entry(this.entries.length);
      this.entries.push(entry);
    }
    entry.begin(namespace, protocol, clock);
    return entry;
  }

  setDeadline(entry: Entry, deadline: number): void {
    entry.deadline = deadline;
    this.expect(deadline);
  }

  /** An entry may die at that time. */
  expect(deadline: number): void {
    if (deadline < this.earliest) this.earliest = deadline;
  }

  /** Lets both tuples lead to the entry; the reply tuple is found first. */
  confirm(entry: Entry): void {
    const { index } = this;
    if (index === null) return;
    entry.confirmed = true;
    index.insert(hashEntry(entry, false), entry.index * 2);
    index.insert(hashEntry(entry, true), entry.index * 2 + 1);
    entry.previous = this.newest;
    if (this.newest === null) this.oldest = entry;
    else this.newest.next = entry;
    this.newest = entry;
  }

  assure(entry: Entry): void {
    entry.assured = true;
    if (entry.confirmed && !entry.gone) this.unlink(entry);
  }

  /** The entry goes: it is found no more, and its place is free once no packet carries it. */
  remove(entry: Entry): void {
    if (entry.gone) return;
    const { index } = this;
    entry.gone = true;
    if (entry.balanced !== null) {
      entry.balanced.entry = null;
      entry.balanced = null;
    }
    if (entry.confirmed && index !== null) {
      index.remove(hashEntry(entry, false), entry.index * 2);
      index.remove(hashEntry(entry, true), entry.index * 2 + 1);
      if (!entry.assured) this.unlink(entry);
    }
    if (entry.carriers === 0) this.free.push(entry);
  }

  /** Confirmed entries go. */
  removeAll(isWanted: (entry: Entry) => boolean): void {
    for (const entry of this.entries) if (entry.confirmed && !entry.gone && isWanted(entry)) this.remove(entry);
  }

  /** The packet carries its entry no more. One that was never confirmed ends with the last packet. */
  forget(packet: Packet): void {
    const { conntrack: entry } = packet;
    packet.ctState = CtState.None;
    packet.ctReply = false;
    if (entry === null) return;
    packet.conntrack = null;
    if (--entry.carriers > 0) return;
    if (entry.gone) this.free.push(entry);
    else if (!entry.confirmed) this.remove(entry);
  }

  /** Dead entries go; if there is none, the oldest that is not assured (early_drop). */
  private makeRoom(clock: number): boolean {
    if (clock >= this.earliest) this.sweep(clock);
    if (this.free.length > 0) return true;
    let victim = this.oldest;
    while (victim !== null && victim.carriers > 0) victim = victim.next;
    if (victim === null) return false;
    this.remove(victim);
    return true;
  }

  private sweep(clock: number): void {
    this.earliest = Infinity;
    for (const entry of this.entries) {
      if (entry.gone || !entry.confirmed) continue;
      if (entry.isDead(clock) && entry.carriers === 0) {
        this.remove(entry);
        continue;
      }
      this.expect(entry.deadline);
      if (entry.balanced !== null) this.expect(entry.balanced.deadline);
    }
  }

  private unlink(entry: Entry): void {
    const { previous, next } = entry;
    if (previous === null) this.oldest = next;
    else previous.next = next;
    if (next === null) this.newest = previous;
    else next.previous = previous;
    entry.previous = entry.next = null;
  }
}

function hashOf(
  { index }: Namespace,
  protocol: number,
  source: number,
  sourcePort: number,
  destination: number,
  destinationPort: number,
): number {
  const hash = mixHash(mixHash(index, source), destination);
  return finishHash(mixHash(mixHash(hash, (sourcePort << 16) | destinationPort), protocol));
}

function hashEntry(entry: Entry, isReply: boolean): number {
  const { namespace, protocol } = entry;
  const { source, sourcePort, destination, destinationPort } = entry.tuple(isReply);
  return namespace === null ? 0 : hashOf(namespace, protocol, source, sourcePort, destination, destinationPort);
}
