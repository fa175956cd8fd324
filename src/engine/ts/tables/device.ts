import { DEVICE_HAIRPIN, DEVICE_UP, DeviceKind } from "../../../../assembly/abi/program";
import type { DeviceRecord } from "../../program";
import type { Link } from "../simulation/link";
import type { Namespace } from "./namespace";
import type { Neighbour } from "./neighbour";

/** A network device: what its record says, with the things around it as references, and its counters. */
export class Device {
  kind = DeviceKind.Gone;
  macHigh = 0;
  macLow = 0;
  mtu = 0;
  hairpin = false;
  up = false;
  peer: Device | null = null;
  /** The bridge whose port this is. */
  master: Device | null = null;
  link: Link | null = null;
  /** Ports of a bridge, by index. */
  ports: Device[] = [];
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
    public namespace: Namespace,
  ) {}

  /** Takes over what a record says; whom it is connected to is found once all devices are there. */
  configure({ kind, flags, macHigh, macLow, mtu }: DeviceRecord, namespace: Namespace): void {
    this.namespace = namespace;
    this.kind = kind;
    this.macHigh = macHigh;
    this.macLow = macLow | 0;
    this.mtu = mtu;
    this.hairpin = (flags & DEVICE_HAIRPIN) !== 0;
    this.up = (flags & DEVICE_UP) !== 0;
  }

  get isLoopback(): boolean {
    return this.kind === DeviceKind.Loopback;
  }
}
