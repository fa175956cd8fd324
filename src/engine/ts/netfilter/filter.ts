import { Hook, MATCH_TCP_FLAGS, Table, Target } from "../../../../assembly/abi/netfilter";
import { RuleLists } from "./rule-lists";
import { CONNECTION_TESTS, PACKET_TESTS, type Rule } from "./rule";

const TABLES = Table.Filter + 1;
const HOOKS = Hook.Postrouting + 1;

/** A chain with its rules, and which of them a packet has to be asked about. */
export class Chain {
  readonly lists: RuleLists;

  constructor(
    readonly index: number,
    readonly table: Table,
    readonly policy: Target.Accept | Target.Drop,
    readonly rules: readonly Rule[],
  ) {
    this.lists = new RuleLists(rules);
  }
}

/** The packet filter of a namespace that has one, for one family. */
export class Filter {
  /** Connections are tracked; and translated. */
  tracks = false;
  translates = false;
  /** A rule asks for TCP flags, so that segments of one connection may fare differently. */
  asksFlags = false;
  /** The namespace has virtual services. */
  balances = false;
  /** A rule asks for what every packet of a connection may have otherwise. */
  asksPackets = false;
  private readonly chains: (Chain | null)[] = Array.from({ length: TABLES * HOOKS }, () => null);
  private readonly visited: boolean[] = Array.from({ length: HOOKS }, () => false);

  constructor(
    /** Changes with every load: verdicts of another generation are void. */
    readonly generation: number,
  ) {}

  /** Notes what a rule of one of its chains asks for. */
  learn({ record }: Rule): void {
    if ((record.matches & CONNECTION_TESTS) !== 0 || record.target === Target.NoTrack) this.tracks = true;
    if ((record.matches & PACKET_TESTS) !== 0) this.asksPackets = true;
    if ((record.matches & MATCH_TCP_FLAGS) !== 0) this.asksFlags = true;
  }

  place(chain: Chain, hook: Hook): void {
    this.chains[chain.table * HOOKS + hook] = chain;
    if (chain.table === Table.Nat) this.tracks = this.translates = true;
    this.visited[hook] = true;
  }

  /** To be called when all chains are placed. */
  finish(balances: boolean): void {
    this.balances = balances;
    if (balances) this.tracks = this.visited[Hook.Forward] = true;
    for (let hook = 0; hook < HOOKS; hook++) if (this.tracks && hook !== Hook.Forward) this.visited[hook] = true;
  }

  /** Is there anything to do at the hook? */
  visits(hook: Hook): boolean {
    return this.visited[hook];
  }

  chain(table: Table, hook: Hook): Chain | null {
    return this.chains[table * HOOKS + hook];
  }
}
