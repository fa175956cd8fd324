import type { SourcePosition } from "../../errors";
import type { Family, Policy, Rule, TableName } from "./rule";

/** Where a command works. */
interface CommandPlace {
  readonly family: Family;
  readonly table: TableName;
  readonly chain: string;
  readonly position?: SourcePosition;
}

/** One `iptables` command, understood. Numbers of rules count from 1. */
export type UserCommand =
  | (CommandPlace & { readonly command: "append" | "delete" | "check"; readonly rule: Rule })
  | (CommandPlace & { readonly command: "insert" | "replace"; readonly number: number; readonly rule: Rule })
  | (CommandPlace & { readonly command: "delete-number"; readonly number: number })
  /** `restore-chain` is a header of `iptables-restore --noflush`: the chain is there and empty. */
  | (CommandPlace & { readonly command: "new-chain" | "delete-chain" | "flush" | "restore-chain" })
  /** `-F` and `-X` without a chain; the chain is `""`. */
  | (CommandPlace & { readonly command: "flush-table" | "delete-chains" })
  | (CommandPlace & { readonly command: "policy"; readonly policy: Policy });
