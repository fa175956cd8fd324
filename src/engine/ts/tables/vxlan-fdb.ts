import { VXLAN_AGEING_NS } from "../../../../assembly/abi/limits";
import { DeviceKind } from "../../../../assembly/abi/program";
import type { VxlanRemoteRecord } from "../../program";
import type { Device } from "./device";
import { MacTable } from "./mac-table";

/** No host: addresses of remotes are never 0. */
export const NO_REMOTE = 0;

/**
 * Behind which host a MAC is, for all VXLAN devices. Key: (device, MAC); value: the host's address. Permanent entries come with the
 * program; `capacity` others are learnt from what arrives, and are as good as none 300 s after the last frame.
 */
export class VxlanFdb {
  private permanent = new MacTable(0);
  private permanentRemotes = new Int32Array(0);
  private readonly learned: MacTable;
  private readonly devices: (Device | null)[];
  private readonly remotes: Int32Array;
  private readonly updated: Float64Array;
  private readonly free: number[];

  constructor(capacity: number) {
    this.learned = new MacTable(capacity);
    this.devices = Array.from({ length: capacity }, () => null);
    this.remotes = new Int32Array(capacity);
    this.updated = new Float64Array(capacity);
    this.free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
  }

  /** Replaces the permanent entries, and forgets what was learnt of the same MACs, or at devices that are no tunnels any more. */
  load(records: readonly VxlanRemoteRecord[]): void {
    this.permanent = new MacTable(records.length);
    this.permanentRemotes = Int32Array.from(records, ({ remote }) => remote);
    records.forEach(({ device, macHigh, macLow }, entry) => this.permanent.insert(entry, device, macHigh, macLow | 0));
    const { highs, lows } = this.learned;
    this.devices.forEach((device, entry) => {
      if (device === null) return;
      const isAlive = device.kind === DeviceKind.Vxlan && device.up;
      if (!isAlive || this.permanentOf(device, highs[entry], lows[entry]) !== NO_REMOTE) this.forget(entry);
    });
  }

  /** The host that the program names for a MAC, or NO_REMOTE. */
  permanentOf(device: Device, high: number, low: number): number {
    const entry = this.permanent.find(device.index, high, low);
    return entry < 0 ? NO_REMOTE : this.permanentRemotes[entry];
  }

  /** Whether there is an entry, however old. */
  has(device: Device, high: number, low: number): boolean {
    return this.permanentOf(device, high, low) !== NO_REMOTE || this.learned.find(device.index, high, low) >= 0;
  }

  find(device: Device, high: number, low: number, clock: number): number {
    const remote = this.permanentOf(device, high, low);
    if (remote !== NO_REMOTE) return remote;
    const entry = this.learned.find(device.index, high, low);
    return entry < 0 || clock - this.updated[entry] > VXLAN_AGEING_NS ? NO_REMOTE : this.remotes[entry];
  }

  learn(device: Device, high: number, low: number, remote: number, clock: number): void {
    let entry = this.learned.find(device.index, high, low);
    if (entry < 0) {
      if (this.free.length === 0) this.expire(clock);
      const free = this.free.pop();
      if (free === undefined) return;
      entry = free;
      this.learned.insert(entry, device.index, high, low);
      this.devices[entry] = device;
    }
    this.remotes[entry] = remote;
    this.updated[entry] = clock;
  }

  private expire(clock: number): void {
    this.devices.forEach((device, entry) => {
      if (device !== null && clock - this.updated[entry] > VXLAN_AGEING_NS) this.forget(entry);
    });
  }

  private forget(entry: number): void {
    this.learned.remove(entry);
    this.devices[entry] = null;
    this.free.push(entry);
  }
}
