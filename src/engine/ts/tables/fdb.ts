import { FDB_AGEING_NS } from "../../../../assembly/abi/limits";
import { DeviceKind } from "../../../../assembly/abi/program";
import type { Device } from "./device";
import { MacTable } from "./mac-table";
import type { VxlanFdb } from "./vxlan-fdb";

/**
 * The forwarding databases of all bridges. Key: (bridge, MAC); value: port and when it was last seen. `capacity` entries;
 * an entry that was not seen for 300 s is as good as none, and makes room when the table is full. If none is that old,
 * nothing more is learnt.
 */
export class Fdb {
  private readonly macs: MacTable;
  private readonly ports: (Device | null)[];
  private readonly updated: Float64Array;
  private readonly free: number[];

  constructor(capacity: number) {
    this.macs = new MacTable(capacity);
    this.ports = Array.from({ length: capacity }, () => null);
    this.updated = new Float64Array(capacity);
    this.free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
  }

  learn(bridge: Device, high: number, low: number, port: Device, clock: number): void {
    let entry = this.macs.find(bridge.index, high, low);
    if (entry < 0) {
      if (this.free.length === 0) this.expire(clock);
      const free = this.free.pop();
      if (free === undefined) return;
      entry = free;
      this.macs.insert(entry, bridge.index, high, low);
    }
    this.ports[entry] = port;
    this.updated[entry] = clock;
  }

  /** The port behind which the MAC is, or null. */
  find(bridge: Device, high: number, low: number, clock: number): Device | null {
    const entry = this.macs.find(bridge.index, high, low);
    if (entry < 0 || clock - this.updated[entry] > FDB_AGEING_NS) return null;
    return this.ports[entry];
  }

  /** After a change of devices: forgets what was learnt at ports that are none any more, of addresses that are the bridge's own now, and of those that a tunnel knows no more of. */
  forgetStrays(localMacs: LocalMacs, tunnels: Pick<VxlanFdb, "has">): void {
    const { bridges, highs, lows } = this.macs;
    for (let entry = this.ports.length - 1; entry >= 0; entry--) {
      const port = this.ports[entry];
      if (port === null) continue;
      const { master } = port;
      const isAlive = port.up && master !== null && master.index === bridges[entry];
      const isUnknown = port.kind === DeviceKind.Vxlan && !tunnels.has(port, highs[entry], lows[entry]);
      if (!isAlive || isUnknown || localMacs.has(master, highs[entry], lows[entry])) this.forget(entry);
    }
  }

  private expire(clock: number): void {
    for (let entry = this.ports.length - 1; entry >= 0; entry--) {
      if (clock - this.updated[entry] > FDB_AGEING_NS) this.forget(entry);
    }
  }

  private forget(entry: number): void {
    this.macs.remove(entry);
    this.ports[entry] = null;
    this.free.push(entry);
  }
}

/** The bridges' own addresses and those of their ports, which the kernel keeps in the FDB as local entries. Made anew when devices change. */
export class LocalMacs {
  private readonly macs: MacTable;

  constructor(devices: readonly Device[]) {
    this.macs = new MacTable(devices.length);
    for (const device of devices) {
      const bridge = device.kind === DeviceKind.Bridge ? device : device.master;
      if (bridge === null || this.has(bridge, device.macHigh, device.macLow)) continue;
      this.macs.insert(device.index, bridge.index, device.macHigh, device.macLow);
    }
  }

  has(bridge: Device, high: number, low: number): boolean {
    return this.macs.find(bridge.index, high, low) >= 0;
  }
}
