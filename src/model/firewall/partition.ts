import type { IpAddress } from "../../net/ip";
import { hostCidr } from "./conditions";
import type { FirewallState } from "./rule";
import { is, jump, perform, StepMaker } from "./step";
import { Tables } from "./tables";

/** Machines that still reach one another: their addresses. */
export type PartitionSide = readonly IpAddress[];

/**
 * What a switch does when the network is in parts: nothing passes from an address of one side to an address of another. Machines of no
 * side reach everybody.
 *
 * @example partitionFirewall([[m1], [w1, w2]], "m1 | w1, w2").v4 // filter: FORWARD, SIDE-1, SIDE-2
 */
export function partitionFirewall(sides: readonly PartitionSide[], words: string): FirewallState {
  const tables = new Tables();
  const make = new StepMaker(4, { kind: "partition", sides: words });
  sides.forEach((side, index) => {
    const chain = `SIDE-${index + 1}`;
    tables.newChain("filter", chain);
    const others = sides.filter((other) => other !== side).flat();
    perform(tables, others.map((address) => make.append("filter", chain, { destination: is(hostCidr(address)), matches: [{ match: "comment", text: `partition ${words}` }] }, "DROP")));
    perform(tables, side.map((address) => make.append("filter", "FORWARD", { source: is(hostCidr(address)) }, jump(chain))));
  });
  return { v4: tables.snapshot(), v6: new Tables().snapshot() };
}
