import { DEVICE_UP } from "../../assembly/abi/program";
import type { DatapathProgram } from "../engine/program";
import type { CompiledTopology } from "./spec";

/** The topology of a running lab: one object for all who look at it, which follows when daemons change the network. */
export class LiveTopology implements CompiledTopology {
  #current: CompiledTopology;

  constructor(topology: CompiledTopology) {
    this.#current = topology;
  }

  become(topology: CompiledTopology): void {
    this.#current = topology;
  }

  get spec(): CompiledTopology["spec"] {
    return this.#current.spec;
  }

  get state(): CompiledTopology["state"] {
    return this.#current.state;
  }

  get program(): DatapathProgram {
    return this.#current.program;
  }

  get devices(): CompiledTopology["devices"] {
    return this.#current.devices;
  }

  get cursor(): CompiledTopology["cursor"] {
    return this.#current.cursor;
  }

  readonly describe: CompiledTopology["describe"] = () => this.#current.describe();
  readonly resolveTraffic: CompiledTopology["resolveTraffic"] = (...args) => this.#current.resolveTraffic(...args);
  readonly moveTraffic: CompiledTopology["moveTraffic"] = (...args) => this.#current.moveTraffic(...args);
  readonly daemons: CompiledTopology["daemons"] = (files) => this.#current.daemons(files);
  readonly follow: CompiledTopology["follow"] = (...args) => this.#current.follow(...args);
  readonly render: CompiledTopology["render"] = () => this.#current.render();
  readonly rules: CompiledTopology["rules"] = () => this.#current.rules();
}

/** Tables in which some devices have been set down. */
export function withDevicesDown(program: DatapathProgram, down: ReadonlySet<number>): DatapathProgram {
  if (down.size === 0) return program;
  return { ...program, devices: program.devices.map((device, index) => (down.has(index) ? { ...device, flags: device.flags & ~DEVICE_UP } : device)) };
}
