/** The tables of a scenario's state: Docker's hosts among the machines of the recordings. */
import { compileState, type Layout } from "../../../src/compile";
import { swarmLayers } from "../../../src/compile/overlay";
import { RECORDED_UNDERLAY } from "../../support/recorded-world";
import { ROOM, type Compile } from "./simulation";

/** A compiler that remembers where things were. */
export function scenarioCompiler(): Compile {
  let layout: Layout | undefined;
  return (state) => {
    const { program, processes, ...compiled } = compileState(state, { seed: 1, underlay: RECORDED_UNDERLAY, sandboxForwarding: false, capacity: ROOM, overlays: swarmLayers.overlays }, layout);
    layout = compiled.layout;
    const { namespaceOf, deviceOf } = layout;
    const place = (name: string) => {
      const [host = "", ...container] = name.split("/");
      return namespaceOf(host, container.length === 0 ? undefined : container.join("/"));
    };
    return {
      program,
      processes,
      namespaceOf: place,
      deviceOf: (name, device) => {
        const namespace = place(name);
        return namespace === undefined ? undefined : deviceOf(namespace, device);
      },
    };
  };
}
