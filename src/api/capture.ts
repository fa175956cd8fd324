import { Drop } from "../../assembly/abi/drop";
import { CAPTURE_OUTBOUND } from "../../assembly/abi/event";
import { DeviceKind } from "../../assembly/abi/program";
import type { CapturedFrame } from "../engine/engine";
import { readFrames, type RecordBatch } from "../engine/records";
import { SimulationError } from "../errors";
import type { Frame } from "../observe/frames";
import type { CompiledTopology } from "./spec";

export interface CaptureOptions {
  /** Devices (`"web:eth0"`), containers or hosts (`"web"`: all their devices), or everything. */
  readonly at: readonly string[] | "all";
  /** Bytes stored of each frame; 65535 unless given. */
  readonly snaplen?: number;
}

/** tcpdump's default is 262144 for the sake of USB; no frame here is longer than 64 KiB. */
const SNAPLEN_DEFAULT = 65_535;

/**
 * What passed some devices since the capture was asked for, as `tcpdump -i` on each of them would have it, with the fate of
 * the frames that died there. It stays readable when the lab is closed.
 */
export class Capture {
  readonly snaplen: number;
  /** Indices of the captured devices. @internal */
  readonly devices: Set<number>;
  readonly #at: CaptureOptions["at"];
  readonly #topology: CompiledTopology;
  readonly #batches: RecordBatch[] = [];
  #isStopped = false;

  /** @internal */
  constructor(topology: CompiledTopology, { at, snaplen = SNAPLEN_DEFAULT }: CaptureOptions) {
    if (!Number.isInteger(snaplen) || snaplen < 1 || snaplen > SNAPLEN_DEFAULT) {
      throw new SimulationError("INVALID_INPUT", `snaplen: expected a whole number of bytes from 1 to ${SNAPLEN_DEFAULT}, found ${snaplen}`);
    }
    this.#topology = topology;
    this.snaplen = snaplen;
    this.#at = at;
    this.devices = new Set(at === "all" ? topology.devices.values() : at.flatMap((name) => devicesOf(topology, name)));
  }

  /** The file: one interface per device, nanosecond times from the start of the simulation, drop reasons as comments. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const { captureFile } = await import("./capture-file");
    return captureFile(this.#topology, this.devices, this.#captured(), this.snaplen);
  }

  /** The same as objects, in the order of time. */
  async frames(): Promise<Frame[]> {
    const { readableFrames } = await import("../observe/frames");
    return readableFrames(this.#captured(), this.#topology.program.names);
  }

  /** Ends the capture; what it has stays readable. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Takes in the devices that have the names by now. @internal */
  follow(): void {
    const { devices } = this.#topology;
    for (const [name, index] of devices) {
      if (this.#at === "all" || this.#at.some((at) => at === name || name.startsWith(`${at}:`))) this.devices.add(index);
    }
  }

  /** @internal */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @internal */
  add(batch: RecordBatch): void {
    if (!this.#isStopped && batch.frames.byteLength > 0) this.#batches.push(batch);
  }

  /** Captures share one engine: it stores what any of them wants, and each takes its own part. */
  *#captured(): Generator<CapturedFrame> {
    for (const batch of this.#batches) {
      for (const frame of readFrames(batch)) {
        if (!this.devices.has(frame.device) || isEcho(this.#topology, frame)) continue;
        yield frame.bytes.length > this.snaplen ? { ...frame, bytes: frame.bytes.subarray(0, this.snaplen) } : frame;
      }
    }
  }
}

/** What a loopback device sends comes in at once: as tcpdump has it, it is seen once (libpcap, pcap-linux.c: lo_ifindex). */
function isEcho({ program }: CompiledTopology, { device, direction, reason }: CapturedFrame): boolean {
  return direction === CAPTURE_OUTBOUND && reason === Drop.None && program.devices[device]?.kind === DeviceKind.Loopback;
}

/** A device by its name, or all devices of a container or host. */
export function devicesOf(topology: CompiledTopology, name: string): number[] {
  const exact = topology.devices.get(name);
  if (exact !== undefined) return [exact];
  const owned = [...topology.devices].filter(([device]) => device.startsWith(`${name}:`)).map(([, index]) => index);
  if (owned.length > 0) return owned;
  throw unknownDevice(topology, name);
}

/** One device by its full name. */
export function deviceOf(topology: CompiledTopology, name: string): number {
  const device = topology.devices.get(name);
  if (device === undefined) throw unknownDevice(topology, name);
  return device;
}

function unknownDevice(topology: CompiledTopology, name: string): SimulationError {
  const known = [...topology.devices.keys()];
  const [first = "nothing"] = known;
  return new SimulationError("NOT_FOUND", `device: expected a device such as "${first}" or what it belongs to, found "${name}"`, { name, known });
}
