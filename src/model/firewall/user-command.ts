import { SimulationError } from "../../errors";
import type { UserCommand } from "./command";
import type { Rule } from "./rule";
import type { Tables } from "./tables";

/** Does what `iptables` would do with one command; refuses it in its words. */
export function applyUserCommand(tables: Tables, command: UserCommand): void {
  const { table, chain } = command;
  if (command.command === "new-chain") {
    if (tables.has(table, chain)) fail(command, "Chain already exists.");
    tables.newChain(table, chain);
    return;
  }
  if (command.command === "restore-chain") {
    tables.newChain(table, chain);
    tables.flush(table, chain);
    return;
  }
  if (command.command === "flush-table" || command.command === "delete-chains") {
    for (const name of tables.names(table)) {
      if (command.command === "flush-table") tables.flush(table, name);
      else tables.removeChain(table, name);
    }
    return;
  }
  if (!tables.has(table, chain)) fail(command, "No chain/target/match by that name.");
  if ("rule" in command) checkTarget(tables, command, command.rule);
  switch (command.command) {
    case "append":
      tables.append(command);
      return;
    case "insert":
      if (command.number > tables.length(table, chain) + 1) fail(command, "Index of insertion too big.");
      tables.insert(command, command.number - 1);
      return;
    case "replace":
      if (command.number > tables.length(table, chain)) fail(command, "Index of replacement too big.");
      tables.deleteAt(table, chain, command.number - 1);
      tables.insert(command, command.number - 1);
      return;
    case "delete":
      if (!tables.delete(command)) fail(command, "Bad rule (does a matching rule exist in that chain?).");
      return;
    case "check":
      if (!tables.exists(command)) fail(command, "Bad rule (does a matching rule exist in that chain?).");
      return;
    case "delete-number":
      if (command.number > tables.length(table, chain)) fail(command, "Index of deletion too big.");
      tables.deleteAt(table, chain, command.number - 1);
      return;
    case "flush":
      tables.flush(table, chain);
      return;
    case "delete-chain":
      if (tables.isTarget(table, chain)) fail(command, "Too many links.");
      if (!tables.removeChain(table, chain)) fail(command, tables.length(table, chain) > 0 ? "Directory not empty." : "Operation not supported.");
      return;
    case "policy":
      if (!tables.setPolicy(table, chain, command.policy)) fail(command, "Bad built-in chain name.");
  }
}

function checkTarget(tables: Tables, command: UserCommand, { target }: Rule): void {
  if (target.target !== "JUMP" && target.target !== "GOTO") return;
  if (!tables.has(command.table, target.chain)) fail(command, `No chain/target/match by that name: ${target.chain}.`);
  if (tables.leadsTo(command.table, target.chain, command.chain)) fail(command, "Too many levels of symbolic links.");
}

function fail({ family, table, chain, position }: UserCommand, words: string): never {
  const tool = family === 4 ? "iptables" : "ip6tables";
  throw new SimulationError("INVALID_INPUT", `${tool} -t ${table}, chain ${chain}: ${words.replace(/\.$/, "")}`, {
    iptables: `${tool}: ${words}`,
    ...(position && { position }),
  });
}
