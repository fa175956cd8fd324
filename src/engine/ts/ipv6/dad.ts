import { DAD_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { visit } from "../graph/step";
import { enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { UNSPECIFIED } from "../memory/address-table";
import { EventType } from "../simulation/event-queue";
import type { Address6 } from "../tables/address6";
import { solicitFor } from "./discovery";

function* tentative({ namespaces }: Kernel): Generator<Address6> {
  for (const { addresses6 } of namespaces) for (const address of addresses6) if (address.isTentative && !address.hasFailed) yield address;
}

/** Addresses have appeared: those that are not known to be nobody else's are to be looked after. */
export function pushDad(kernel: Kernel): void {
  if (kernel.isDadQueued || tentative(kernel).next().done === true) return;
  kernel.isDadQueued = true;
  kernel.queue.push(kernel.clock, EventType.Dad, 0, 0);
}

/** addrconf_dad_work: new addresses are asked for, and those that nobody has claimed are ours. */
export function detectDuplicates(kernel: Kernel): void {
  kernel.isDadQueued = false;
  let next = Infinity;
  for (const address of [...tentative(kernel)]) {
    const end = address.since + DAD_NS;
    if (!address.hasSolicited) ask(kernel, address);
    else if (end <= kernel.now) address.isTentative = false;
    if (address.isTentative && !address.hasFailed) next = Math.min(next, end);
  }
  if (next === Infinity) return;
  kernel.isDadQueued = true;
  kernel.queue.push(Math.max(next, kernel.now), EventType.Dad, 0, 0);
}

function ask(kernel: Kernel, address: Address6): void {
  const { device } = address;
  const { cpu } = device.namespace;
  address.hasSolicited = true;
  if (!enter(kernel, cpu, kernel.now)) return;
  visit(kernel, Node.Timer);
  solicitFor(kernel, device, address.ip, UNSPECIFIED, null);
  leave(kernel, cpu);
}
