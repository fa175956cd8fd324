/**
 * ipt_do_table: a packet goes through the chain of a table and those that it jumps to, until a rule decides or the policy does.
 * What a list of ten thousand rules says is what they say one by one: a classifier only leaves out those that cannot match.
 */
import { Drop } from "../abi/drop";
import { EventKind } from "../abi/event";
import { CHAIN_DEPTH_MAX } from "../abi/limits";
import { Hook, RULE_CHAIN, RULE_SET_MARK, RULE_SET_MARK_MASK, RULE_SIZE, RULE_TARGET, Table, Target } from "../abi/netfilter";
import { Node } from "../abi/node";
import { NONE } from "../abi/version";
import { writeRecord } from "../graph/trace";
import { Packet } from "../memory/pool";
import { Classifier, CURSOR_BYTES, KINDS_MAX, nextCandidate, openLists } from "../tables/classifier";
import { notePath } from "../tables/path";
import { builtInChain, Chain, chainAt, countRule, ruleIndex } from "../tables/ruleset";
import { inspect, namespace } from "./inspect";
import { matches } from "./match";
import { setUntracked, stateOf } from "./state";

/** A chain in progress: what comes next in it. */
@unmanaged
class Frame {
  chain: Chain;
  /** Without a classifier: the next rule. */
  next: usize;
  /** With one: how many lists are open. Their cursors follow the frame. */
  lists: u32;
}

const FRAME_HEADER: usize = 16;
const FRAME_BYTES: usize = FRAME_HEADER + <usize>KINDS_MAX * CURSOR_BYTES;
const FRAMES = memory.data(17 * (16 + 16 * 8), 16);

/** Address of the rule that decided, or 0: the policy did. */
export let decidingRule: usize = 0;

/** What the namespace's chain of a table at a hook says; there is one. */
export function traverse(packet: Packet, hook: Hook, table: Table, node: Node): Target {
  if (FRAME_BYTES != 16 + 16 * 8 || CHAIN_DEPTH_MAX != 16) ERROR("FRAMES: its size disagrees with the numbers that it is made of");
  inspect(packet);
  const start = builtInChain(namespace.key, hook, table);
  let depth: usize = 0;
  open(FRAMES, start);
  while (true) {
    const frame = FRAMES + depth * FRAME_BYTES;
    const rule = nextMatch(frame, packet);
    if (rule == 0) {
      if (depth == 0) return decideByPolicy(packet, start, node);
      depth--;
      continue;
    }
    const target = load<u32>(rule, RULE_TARGET);
    noteMatch(packet, changetype<Frame>(frame).chain, rule, target, node);
    switch (target) {
      case Target.Accept:
      case Target.Drop:
        decidingRule = rule;
        return target;
      case Target.Return:
        if (depth == 0) return decideByPolicy(packet, start, node);
        depth--;
        break;
      case Target.Jump:
        depth++;
        assert(depth <= <usize>CHAIN_DEPTH_MAX, "rules: chains nest no deeper than the loader lets them");
        open(FRAMES + depth * FRAME_BYTES, chainAt(load<u32>(rule, RULE_CHAIN)));
        break;
      case Target.Goto:
        open(frame, chainAt(load<u32>(rule, RULE_CHAIN)));
        break;
      case Target.Mark:
        packet.mark = (packet.mark & ~load<u32>(rule, RULE_SET_MARK_MASK)) ^ load<u32>(rule, RULE_SET_MARK);
        break;
      case Target.NoTrack:
        if (table == Table.Raw && stateOf(packet) == 0) setUntracked(packet);
        break;
      default:
        if (!decides(target, hook, table)) break;
        decidingRule = rule;
        return target;
    }
  }
}

/** A target in a place that is not its own only counts. */
function decides(target: Target, hook: Hook, table: Table): bool {
  if (target == Target.Reject) return table == Table.Filter;
  if (table != Table.Nat) return false;
  if (target == Target.Dnat || target == Target.Redirect) return hook == Hook.Prerouting || hook == Hook.Output;
  if (target == Target.Masquerade) return hook == Hook.Postrouting;
  return target == Target.Snat && (hook == Hook.Postrouting || hook == Hook.Input);
}

@inline function noteMatch(packet: Packet, chain: Chain, rule: usize, target: Target, node: Node): void {
  countRule(rule, 1);
  notePath(rule);
  if (packet.trace != NONE) recordRule(packet, node, target, chain.index, ruleIndex(rule));
}

function decideByPolicy(packet: Packet, chain: Chain, node: Node): Target {
  decidingRule = 0;
  if (packet.trace != NONE) recordRule(packet, node, chain.policy, chain.index, NONE);
  return chain.policy;
}

function recordRule(packet: Packet, node: Node, target: Target, chain: u32, rule: u32): void {
  writeRecord(EventKind.Rule, node, <Drop>target, packet.trace, packet.device.index, packet.flow, rule, chain);
}

function open(at: usize, chain: Chain): void {
  const frame = changetype<Frame>(at);
  frame.chain = chain;
  frame.next = chain.first;
  if (chain.classifier != 0) frame.lists = openLists(changetype<Classifier>(chain.classifier), at + FRAME_HEADER);
}

/** The next rule of a chain in progress that matches, or 0. */
@inline function nextMatch(at: usize, packet: Packet): usize {
  const frame = changetype<Frame>(at);
  const chain = frame.chain;
  if (chain.classifier != 0) return nextMatchListed(at, frame.lists, packet);
  for (let rule = frame.next; rule < chain.end; rule += RULE_SIZE) {
    if (!matches(rule, packet)) continue;
    frame.next = rule + RULE_SIZE;
    return rule;
  }
  return 0;
}

function nextMatchListed(at: usize, lists: u32, packet: Packet): usize {
  let rule: usize;
  do rule = nextCandidate(at + FRAME_HEADER, lists);
  while (rule != 0 && !matches(rule, packet));
  return rule;
}
