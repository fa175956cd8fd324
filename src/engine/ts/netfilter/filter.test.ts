import { describe, expect, it } from "vitest";
import { Drop } from "../../../../assembly/abi/drop";
import { EventKind } from "../../../../assembly/abi/event";
import { CTSTATE_ESTABLISHED, CTSTATE_NEW, Hook, RejectWith, Table, Target } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { FlowKind } from "../../../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { NONE } from "../../../../assembly/abi/version";
import { FlowError } from "../../../../assembly/abi/counter";
import { MS, type ProgramDraft, SECOND, twoBridges } from "../../../../test/support/program";
import { addChain, type RuleSpec } from "../../../../test/support/rules";
import { simulate } from "../../../../test/support/simulate";
import { createTsEngine } from "../index";

/** left sends 3 datagrams to right through a router whose FORWARD chain is given. */
function forwarded(rules: readonly RuleSpec[], policy: Target.Accept | Target.Drop = Target.Accept) {
  const built = twoBridges();
  const { draft, root, left, right } = built;
  addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, policy, rules });
  draft.flow(left.namespace, right, { count: 3 });
  return { ...built, result: () => simulate(draft.program(), { untilNs: SECOND, trace: [{ flow: 0, packets: 1 }] }) };
}

describe("a chain", () => {
  it("drops by its policy what no rule takes", () => {
    const { result } = forwarded([{ destinationPort: 1, protocol: PROTOCOL_UDP, target: Target.Accept }], Target.Drop);
    expect(result().drops).toEqual({ NetfilterDrop: 3 });
  });

  it("counts what its rules match, those without a target too", () => {
    const { result } = forwarded([{}, { protocol: PROTOCOL_TCP }, { target: Target.Accept }, {}]);
    expect(result().counters.rules).toEqual([3, 0, 3, 0]);
  });

  it("comes back from a jump, not to a goto, and its rules in a trace say the way", () => {
    const { draft, root, left, right } = twoBridges();
    const inner = addChain(draft, root, { table: Table.Filter, rules: [{}] });
    const middle = addChain(draft, root, { table: Table.Filter, rules: [{ target: Target.Goto, chain: inner }, { target: Target.Drop }] });
    const rules = [{ target: Target.Jump, chain: middle }, { protocol: PROTOCOL_UDP, target: Target.Return }, { target: Target.Drop }];
    const outer = addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules });
    draft.flow(left.namespace, right, { count: 1 });
    const { events, counters } = simulate(draft.program(), { untilNs: SECOND, trace: [{ flow: 0, packets: 1 }] });
    const way = events.filter(({ kind }) => kind === EventKind.Rule).map(({ node, length, sequence, reason }) => [node, length, sequence, reason as number]);
    expect(way).toEqual([
      [Node.Forward, outer, 3, Target.Jump],
      [Node.Forward, middle, 1, Target.Goto],
      [Node.Forward, inner, 0, Target.None],
      [Node.Forward, outer, 4, Target.Return],
      [Node.Forward, outer, NONE, Target.Accept],
    ]);
    expect(counters.flows[0].delivered).toBe(1);
  });

  it("finds the rule among many that is the first to match, whatever it tests", () => {
    for (const match of [{ destination: "172.21.0.2" }, { source: "172.20.0.2" }, { protocol: PROTOCOL_UDP, destinationPort: 9000 }, { protocol: PROTOCOL_UDP }, {}]) {
      const others = Array.from({ length: 40 }, (_, i) => ({ destination: `10.0.0.${i}`, target: Target.Drop }));
      const { result } = forwarded([...others, { ...match, target: Target.Accept }, { target: Target.Drop }]);
      expect(result().counters.rules?.slice(40), JSON.stringify(match)).toEqual([3, 0]);
    }
  });

  it("is told to the sender by REJECT, and by the error of its own system call in OUTPUT", () => {
    const rejecting = forwarded([{ target: Target.Reject, rejectWith: RejectWith.AdminProhibited }]);
    expect(rejecting.result().counters.flows[0]).toMatchObject({ errors: 3, error: FlowError.HostUnreachable });
    const { draft, left, right } = twoBridges();
    addChain(draft, left.namespace, { table: Table.Filter, hook: Hook.Output, policy: Target.Drop, rules: [] });
    draft.flow(left.namespace, right, { count: 3 });
    expect(simulate(draft.program(), { untilNs: SECOND }).counters.flows[0]).toMatchObject({ errors: 3, error: FlowError.NotPermitted });
  });

  it("resets a TCP connection that it refuses", () => {
    const { draft, root, left, right } = twoBridges();
    const reset = { protocol: PROTOCOL_TCP, target: Target.Reject, rejectWith: RejectWith.TcpReset };
    addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules: [reset] });
    draft.request(left.namespace, right);
    const { counters, drops } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows[0].error).toBe(FlowError.ConnectionRefused);
    expect(drops).toEqual({ NetfilterDrop: 1, TcpReset: 1 });
  });

  it("lets answers through that belong to a connection, and marks reach later tables", () => {
    const { draft, root, left, right, front } = twoBridges();
    addChain(draft, root, { table: Table.Mangle, hook: Hook.Prerouting, rules: [{ in: front, target: Target.Mark, setMark: [5, 0xff] }] });
    const rules = [{ ctstate: CTSTATE_ESTABLISHED, target: Target.Accept }, { ctstate: CTSTATE_NEW, mark: [5, 0xff] as const, target: Target.Accept }];
    addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, policy: Target.Drop, rules });
    draft.request(left.namespace, right);
    draft.flow(right.namespace, left, { protocol: PROTOCOL_ICMP, kind: FlowKind.Ping, count: 2 });
    const { counters, drops } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows.map(({ answered }) => answered)).toEqual([1, 0]);
    expect(drops).toEqual({ NetfilterDrop: 2 });
  });
});

describe("loading rules", () => {
  const load = (build: (draft: ProgramDraft, root: number) => void) => () => {
    const { draft, root } = twoBridges();
    build(draft, root);
    createTsEngine().load(draft.program(), { seed: 1 });
  };

  it("refuses circles, jumps into built-in chains, and two chains for one hook", () => {
    const chain = { table: Table.Filter, rules: [{ target: Target.Jump, chain: 1 }] };
    expect(load((draft, root) => [chain, { ...chain, rules: [{ target: Target.Goto, chain: 0 }] }].map((spec) => addChain(draft, root, spec)))).toThrow(/a circle/);
    expect(load((draft, root) => [{ ...chain, hook: Hook.Forward, rules: [] }, { ...chain, rules: [{ target: Target.Jump, chain: 0 }] }].map((spec) => addChain(draft, root, spec)))).toThrow(/user chains/);
    expect(load((draft, root) => [0, 1].map(() => addChain(draft, root, { table: Table.Filter, hook: Hook.Input, rules: [] })))).toThrow(/a second one/);
  });

  it("refuses ranges that hold nothing", () => {
    const rules = [{ target: Target.Snat, to: ["10.0.0.9", "10.0.0.1"] as const }];
    expect(load((draft, root) => addChain(draft, root, { table: Table.Nat, hook: Hook.Postrouting, rules }))).toThrow(/ascending/);
  });
});

describe("packets that no rule sees", () => {
  it("cost nothing where there is no chain, and a visit per hook where there is", () => {
    const run = (hasChain: boolean) => {
      const { draft, root, left, right } = twoBridges();
      if (hasChain) addChain(draft, root, { table: Table.Filter, hook: Hook.Input, rules: [] });
      draft.flow(left.namespace, right, { count: 1 });
      const { events } = simulate(draft.program(), { untilNs: 10 * MS, trace: [{ flow: 0, packets: 1 }] });
      return events.filter(({ reason }) => reason === Drop.None).map(({ timeNs, node }) => [timeNs, node]);
    };
    expect(run(true)).toEqual(run(false));
  });
});
