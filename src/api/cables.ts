import { NONE } from "../../assembly/abi/version";
import { linkRecord } from "../compile/link";
import type { DatapathProgram, LinkRecord, ProgramPatch } from "../engine/program";
import { SimulationError } from "../errors";
import { deviceOf } from "./capture";
import { readLinkOptions, type LinkOptions } from "./options";
import type { CompiledTopology } from "./spec";

/** What the cables of a running lab do at present: a link in each direction. */
export class Cables {
  readonly #topology: CompiledTopology;
  /** Links that are not as they were described. */
  readonly #changed = new Map<number, LinkRecord>();

  constructor(topology: CompiledTopology) {
    this.#topology = topology;
  }

  /** The links of a program, with what has been changed since they were described. */
  presentLinks({ links }: DatapathProgram): LinkRecord[] {
    return links.map((record, index) => this.#changed.get(index) ?? record);
  }

  /**
   * Both directions of a device's cable with some properties changed; once the engine has applied the patch, `commit` makes them the
   * present ones.
   *
   * @throws SimulationError `UNSUPPORTED` if the cable was described without properties: there is no link that could get some.
   */
  change(device: string, options: LinkOptions): { readonly patch: ProgramPatch; commit(): void } {
    const { program } = this.#topology;
    const { devices } = program;
    const present = this.presentLinks(program);
    const own = devices[deviceOf(this.#topology, device)];
    const indices = [own?.link ?? NONE, devices[own?.peer ?? NONE]?.link ?? NONE].filter((index) => index !== NONE);
    if (indices.length === 0) {
      const message = `link: expected a cable that was described with a delay, a rate or the like, found an ideal one at "${device}"`;
      throw new SimulationError("UNSUPPORTED", message, { device });
    }
    const changes = readLinkOptions(options, "link");
    const links = indices.map((index) => ({ index, record: linkRecord({ ...present[index], ...changes }, "link") }));
    return {
      patch: { links },
      commit: () => {
        for (const { index, record } of links) this.#changed.set(index, record);
      },
    };
  }
}
