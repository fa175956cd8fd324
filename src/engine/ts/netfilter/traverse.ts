import { CHAIN_DEPTH_MAX } from "../../../../assembly/abi/limits";
import { EventKind } from "../../../../assembly/abi/event";
import { Hook, Table, Target } from "../../../../assembly/abi/netfilter";
import type { Drop } from "../../../../assembly/abi/drop";
import type { Node } from "../../../../assembly/abi/node";
import { NONE } from "../../../../assembly/abi/version";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";
import { CtState } from "./entry";
import type { Chain } from "./filter";
import type { Rule } from "./rule";
import { LISTS_MAX } from "./rule-lists";
import { CACHED_RULES_MAX } from "./verdict-cache";
import { PacketView } from "./view";

/** Where the way through a chain stands: the next rule of each list that matters. */
class Level {
  chain: Chain | null = null;
  count = 0;
  readonly lists: Int32Array[] = Array.from({ length: LISTS_MAX }, () => new Int32Array(0));
  readonly cursors = new Int32Array(LISTS_MAX);

  enter(chain: Chain, view: PacketView): void {
    this.chain = chain;
    this.count = chain.lists.select(view, this.lists);
    for (let i = 0; i < this.count; i++) this.cursors[i] = 0;
  }

  /** Position of the next rule that may match; -1 at the end. */
  next(): number {
    const { lists, cursors, count } = this;
    let best = -1;
    let from = 0;
    for (let i = 0; i < count; i++) {
      const list = lists[i];
      const cursor = cursors[i];
      if (cursor < list.length && (best < 0 || list[cursor] < best)) {
        best = list[cursor];
        from = i;
      }
    }
    if (best >= 0) cursors[from]++;
    return best;
  }
}

/** A way through the chains of one table. One serves the whole engine: nothing that it does asks another table. */
export class Traversal {
  readonly view = new PacketView();
  /** The first rules that matched, and how many did. */
  readonly matched = new Int32Array(CACHED_RULES_MAX);
  count = 0;
  /** Packets that each rule matched. */
  counters = new Float64Array(0);
  private readonly levels = Array.from({ length: CHAIN_DEPTH_MAX + 1 }, () => new Level());

  /**
   * ipt_do_table: the rule that decides about a packet, or null for the policy of the built-in chain. `view` has been read; it
   * is kept up to date where rules change marks.
   */
  run(kernel: Kernel, packet: Packet, builtin: Chain, hook: Hook, node: Node): Rule | null {
    const { levels, view } = this;
    let depth = 0;
    this.count = 0;
    levels[0].enter(builtin, view);
    for (;;) {
      const level = levels[depth];
      const { chain } = level;
      const position = level.next();
      if (position < 0 || chain === null) {
        if (depth-- === 0) break;
        continue;
      }
      const rule = chain.rules[position];
      if (!rule.matches(view)) continue;
      this.note(rule.index);
      const { target } = rule.record;
      if (packet.trace !== UNTRACED) recordRule(kernel, packet, target, rule.index, chain.index, node);
      if (decides(target, chain.table, hook)) return rule;
      if (target === Target.Return) {
        if (depth-- === 0) break;
      } else if (target === Target.Jump && rule.chain !== null) {
        levels[++depth].enter(rule.chain, view);
      } else if (target === Target.Goto && rule.chain !== null) {
        level.enter(rule.chain, view);
      } else if (target === Target.Mark) {
        packet.mark = (packet.mark & ~rule.record.setMarkMask) ^ rule.record.setMark;
        view.mark = packet.mark;
      } else if (target === Target.NoTrack && chain.table === Table.Raw && packet.ctState === CtState.None) {
        packet.ctState = CtState.Untracked;
        view.readState(packet);
      }
    }
    if (packet.trace !== UNTRACED) recordRule(kernel, packet, builtin.policy, NONE, builtin.index, node);
    return null;
  }

  private note(rule: number): void {
    this.counters[rule]++;
    if (this.count < CACHED_RULES_MAX) this.matched[this.count] = rule;
    this.count++;
  }
}

/** Does the table end with this target? Where it does not belong it only counts. */
function decides(target: Target, table: Table, hook: Hook): boolean {
  switch (target) {
    case Target.Accept:
    case Target.Drop:
      return true;
    case Target.Reject:
      return table === Table.Filter;
    case Target.Dnat:
    case Target.Redirect:
      return table === Table.Nat && (hook === Hook.Prerouting || hook === Hook.Output);
    case Target.Snat:
      return table === Table.Nat && (hook === Hook.Postrouting || hook === Hook.Input);
    case Target.Masquerade:
      return table === Table.Nat && hook === Hook.Postrouting;
    default:
      return false;
  }
}

function recordRule(kernel: Kernel, packet: Packet, target: Target, rule: number, chain: number, node: Node): void {
  const { trace, device, flow } = packet;
  const deviceIndex = device === null ? -1 : device.index;
  const flowIndex = flow === null ? -1 : flow.index;
  // The record has the target where others have a reason.
  const reason = target as number as Drop;
  kernel.events.write(kernel.clock, EventKind.Rule, node, reason, trace, deviceIndex, flowIndex, rule, chain);
}
