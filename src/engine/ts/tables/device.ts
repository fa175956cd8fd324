import { DEVICE_HAIRPIN, DEVICE_UP, DeviceKind } from "../../../../assembly/abi/program";
import type { DeviceRecord } from "../../program";
import type { Link } from "../simulation/link";
import type { Namespace } from "./namespace";
import type { Neighbour } from "./neighbour";

/** A network device: what its record says, with the things around it as references, and its counters. */
export class Device {
  readonly kind: DeviceKind;
  readonly macHigh: number;
  readonly macLow: number;
  readonly mtu: number;
  readonly hairpin: boolean;
  up: boolean;
  peer: Device | null = null;
  /** The bridge whose port this is. */
  master: Device | null = null;
  link: Link | null = null;
  /** Ports of a bridge, by index. */
  readonly ports: Device[] = [];
  /** Its first address; 0: none. */
  ip = 0;
  captured = false;
  /** Entries by IP. */
  readonly neighbours = new Map<number, Neighbour>();

  rxPackets = 0;
  rxBytes = 0;
  txPackets = 0;
  txBytes = 0;

  constructor(
    readonly index: number,
    readonly namespace: Namespace,
    record: DeviceRecord,
  ) {
    this.kind = record.kind;
    this.macHigh = record.macHigh;
    this.macLow = record.macLow | 0;
    this.mtu = record.mtu;
    this.hairpin = (record.flags & DEVICE_HAIRPIN) !== 0;
    this.up = (record.flags & DEVICE_UP) !== 0;
  }

  get isLoopback(): boolean {
    return this.kind === DeviceKind.Loopback;
  }
}
