import { SimulationError } from "../../errors";
import { ruleText } from "../../model/firewall";
import type { ChainState, Rule, TableState } from "../../model/firewall/rule";

/**
 * Packets are not counted against `-m limit`: it matches always. That is right where only the kernel's log depends on it, as in the rules
 * of ufw: before LOG, and in chains that only write to the log or return, and on the way into them.
 *
 * @throws SimulationError `UNSUPPORTED` at a rule where more depends on it.
 */
export function checkLimits(table: TableState): void {
  const silent = silentChains(table.chains);
  for (const { name, rules } of table.chains) {
    const loud = rules.find((rule) => rule.matches.some(({ match }) => match === "limit") && !silent.has(name) && !isSilent(rule, silent));
    if (!loud) continue;
    const position = loud.cause.kind === "user" ? loud.cause.position : undefined;
    throw new SimulationError("UNSUPPORTED", `-A ${name} ${ruleText(loud)}: "-m limit" is not simulated where more than the log depends on it`, position && { position });
  }
}

/** Chains that no packet leaves otherwise than it came. */
function silentChains(chains: readonly ChainState[]): ReadonlySet<string> {
  const silent = new Set(chains.filter(({ policy }) => policy === undefined).map(({ name }) => name));
  // A chain that leads to one that is not silent is not silent either.
  for (let before = -1; before !== silent.size; ) {
    before = silent.size;
    for (const { name, rules } of chains) {
      if (silent.has(name) && !rules.every((rule) => rule.target.target === "RETURN" || isSilent(rule, silent))) silent.delete(name);
    }
  }
  return silent;
}

function isSilent({ target }: Rule, silent: ReadonlySet<string>): boolean {
  return target.target === "LOG" || target.target === "CONTINUE" || (target.target === "JUMP" && silent.has(target.chain));
}
