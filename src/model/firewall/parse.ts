import type { SourcePosition } from "../../errors";
import type { Family, Policy, Rule, TableName } from "./rule";

/** One `iptables` command, understood. */
export type UserCommand = { readonly family: Family; readonly table: TableName; readonly chain: string; readonly position?: SourcePosition } & (
  | { readonly command: "append" | "delete" | "check"; readonly rule: Rule }
  /** Before the rule of this number; 1 is the first. */
  | { readonly command: "insert"; readonly number: number; readonly rule: Rule }
  | { readonly command: "replace"; readonly number: number; readonly rule: Rule }
  | { readonly command: "delete-number"; readonly number: number }
  | { readonly command: "new-chain" | "delete-chain" | "flush" }
  | { readonly command: "policy"; readonly policy: Policy }
);
