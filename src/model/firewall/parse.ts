import type { UserCommand } from "./command";
import { readCommand, readPolicy, readTable } from "./parse-command";
import type { Family, TableName } from "./rule";
import { BUILT_IN_CHAINS } from "./tables";
import { refuseRule, splitWords, type Word } from "./words";

/** What a text of rules is read as. */
export interface ParseOptions {
  /** For messages. */
  readonly file: string;
  /** The family of lines that do not begin with `iptables` or `ip6tables`; 4 unless given. */
  readonly family?: Family;
}

/** What `parseIptables` is. A page whose hosts have no rules of their users need not load it. */
export type RuleParser = (text: string, options: ParseOptions) => readonly UserCommand[];

/**
 * Reads rules as people write them: lines of `iptables …` and `ip6tables …`, bare arguments such as `-A DOCKER-USER -i eth0 -j DROP`, or
 * what `iptables-save` prints (taken as `iptables-restore --noflush` does). `#` begins a comment.
 *
 * @throws SimulationError at `file:line:column` for what is wrong, `UNSUPPORTED` for matches and targets that are not simulated.
 * @example firewall.apply(parseIptables("iptables -I DOCKER-USER -s 203.0.113.0/24 -j DROP", { file: "rules.txt" }))
 */
export function parseIptables(text: string, { file, family = 4 }: ParseOptions): readonly UserCommand[] {
  const commands: UserCommand[] = [];
  let table: TableName = "filter";
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [first, ...rest] = splitWords(line, { file, line: index + 1 });
    if (!first || first.text === "COMMIT") continue;
    if (first.text.startsWith("*")) table = readTable({ ...first, text: first.text.slice(1) });
    else if (first.text.startsWith(":")) commands.push(readHeader(first, rest, { family, table }));
    else commands.push(...readCommand([first, ...rest], { family, table, text: line.trim() }));
  }
  return commands;
}

/**
 * The commands of one call of `iptables` or `ip6tables`, as an argument vector.
 *
 * @throws SimulationError as `parseIptables` does; the column is that in the arguments joined by blanks.
 */
export function parseIptablesArgv(argv: readonly string[], { file, family = 4 }: ParseOptions): readonly UserCommand[] {
  let column = 1;
  const words = argv.map((text): Word => {
    const word = { text, position: { file, line: 1, column } };
    column += text.length + 1;
    return word;
  });
  return readCommand(words, { family, table: "filter", text: argv.join(" ") });
}

/** `:INPUT DROP [0:0]`, `:MINE - [0:0]`. */
function readHeader(first: Word, [policy]: readonly Word[], { family, table }: { readonly family: Family; readonly table: TableName }): UserCommand {
  const place = { family, table, chain: first.text.slice(1), position: first.position };
  if (!policy) return refuseRule("INVALID_INPUT", `${first.text}: expected a policy, found the end of the line`, first.position);
  if (BUILT_IN_CHAINS[table].includes(place.chain)) return { ...place, command: "policy", policy: readPolicy(policy) };
  return { ...place, command: "restore-chain" };
}
