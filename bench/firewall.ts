/** Networks behind firewalls: what chains, connection tracking and translation cost a packet that is routed between two bridges. */
import { CTSTATE_ESTABLISHED, CTSTATE_RELATED, Hook, MATCH_OUT, Table, Target } from "../assembly/abi/netfilter";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../assembly/abi/protocol";
import type { DatapathProgram } from "../src/engine/program";
import { ipText, ProgramDraft, SECOND, US } from "../test/support/program";
import { addChain, type RuleSpec } from "../test/support/rules";

const CONTAINERS = 8;
const PORT = 9000;
/** Longer than nf_conntrack_udp_timeout: when the next datagram of a flow comes, its connection is forgotten. */
const FORGOTTEN_NS = 40 * SECOND;
const FRONT = "172.20.0.0/16";

export interface FirewallOptions {
  /** Docker's rules: MASQUERADE, established connections first, then the chains. */
  readonly isDocker?: boolean;
  /** Rules that do not match, in front of the one that accepts. */
  readonly rules?: number;
  /** Every packet begins a connection. */
  readonly isNew?: boolean;
}

/** Containers of one bridge send to those of another one through their host. */
export function routedThroughFirewall({ isDocker = false, rules = 0, isNew = false }: FirewallOptions): DatapathProgram {
  const draft = new ProgramDraft();
  const root = draft.namespace(draft.host(16), { forwarding: 1 });
  const front = draft.bridge(root, "172.20.0.1");
  const back = draft.bridge(root, "172.21.0.1");
  const pairs = Array.from({ length: CONTAINERS }, (_, i) => [draft.container(front, `172.20.0.${i + 2}`), draft.container(back, `172.21.0.${i + 2}`)] as const);
  for (const [from, to] of pairs) {
    const flows = isNew ? 128 : 2;
    for (let flow = 0; flow < flows; flow++) {
      const intervalNs = isNew ? FORGOTTEN_NS : 20 * US;
      draft.flow(from.namespace, to, { destinationPort: PORT, intervalNs, startNs: Math.floor((flow * intervalNs) / flows), bytes: 64 });
    }
  }
  if (isDocker || rules > 0) addFirewall(draft, root, front, isDocker, rules);
  return draft.program({
    capacity: { packets: 4096, flows: draft.flows.length, sockets: draft.sockets.length, conntrack: 65_536, rules: draft.rules.length },
  });
}

function addFirewall(draft: ProgramDraft, root: number, front: number, isDocker: boolean, rules: number): void {
  const list = Array.from({ length: rules }, (_, i): RuleSpec => ({
    destination: `${ipText(0x0a000000 + (i >>> 2))}/32`, in: front, protocol: i % 2 === 0 ? PROTOCOL_TCP : PROTOCOL_UDP, destinationPort: 1024 + (i % 4), target: Target.Accept,
  }));
  const user = addChain(draft, root, { table: Table.Filter, rules: [...list, { target: Target.Return }] });
  const docker: RuleSpec[] = isDocker ? [{ ctstate: CTSTATE_RELATED | CTSTATE_ESTABLISHED, target: Target.Accept }] : [];
  const forward = [{ target: Target.Jump, chain: user }, ...docker, { in: front, target: Target.Accept }];
  addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, policy: Target.Drop, rules: forward });
  if (!isDocker) return;
  addChain(draft, root, { table: Table.Nat, hook: Hook.Prerouting, rules: [{ destination: "127.0.0.0/8", target: Target.Return }] });
  const masquerade = { source: FRONT, out: front, not: MATCH_OUT, target: Target.Masquerade };
  addChain(draft, root, { table: Table.Nat, hook: Hook.Postrouting, rules: [masquerade] });
}
