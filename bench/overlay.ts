/** Overlay networks: what a packet costs that crosses the cable between two hosts inside another one. */
import { VXLAN_FRAME_ROOM } from "../assembly/abi/limits";
import type { DatapathProgram } from "../src/engine/program";
import { addMember, joinMembers } from "../test/support/overlay";
import { ipText, ProgramDraft, US } from "../test/support/program";

/** Containers of each of the two hosts. */
const CONTAINERS = 8;

/** Each container sends to its counterpart on the other host. */
export function udpOverVxlan(bytes: number): DatapathProgram {
  const draft = new ProgramDraft();
  const roots = [0, 1].map(() => draft.namespace(draft.host(16)));
  const link = { rateBps: 10e9, delayNs: 50 * US, jitterNs: 0, loss: 0, duplicate: 0, reorder: 0, limit: 1000 };
  const nics = draft.cable(roots[0], roots[1], ["192.168.0.1", "192.168.0.2"], 24, link);
  const members = nics.map(({ namespace, ip }, host) =>
    addMember(draft, { underlay: namespace, tunnel: ip, vni: 4097, addresses: Array.from({ length: CONTAINERS }, (_, i) => ipText(0x0a000100 + 2 + host * CONTAINERS + i)) }),
  );
  joinMembers(draft, members);
  for (const [from, to] of [members, [...members].reverse()]) {
    from.containers.forEach((container, i) => draft.flow(container.namespace, to.containers[i], { bytes, intervalNs: 20 * US, startNs: i * US }));
  }
  return draft.program({ capacity: { packets: 4096, frameBytes: 1450 + VXLAN_FRAME_ROOM } });
}
