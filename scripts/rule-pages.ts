/** Writes the pages of `docs/rules` from what the rule compiler makes of each situation. */
import { type Family, type FirewallState, isEmpty, saveLines, type TableState } from "../src/model/firewall";
import type { DockerGeneration } from "../src/model/spec";
import { EXPLANATIONS } from "./rule-explanations";
import { type RuleSituation, SITUATIONS } from "./rule-situations";

interface TableLine {
  readonly table: string;
  readonly text: string;
}

/** A line of a page: whether the situation has it, the default bridge alone, or both. */
interface PageLine extends TableLine {
  readonly mark: "+" | "-" | " ";
}

/** The pages by their path. */
export function renderRulePages(): Record<string, string> {
  const pages = SITUATIONS.map((situation) => [`docs/rules/${situation.name}.md`, renderPage(situation)] as const);
  return Object.fromEntries([["docs/rules/README.md", renderIndex()], ...pages]);
}

/** Why a rule is there: Docker's are explained, a user's own are the user's. */
export function explain(table: string, line: string, userLines: ReadonlySet<string>): string {
  if (userLines.has(line)) return "A rule of your own.";
  const found = EXPLANATIONS.find((explanation) => explanation.table === table && explanation.line.test(line));
  if (!found) throw new Error(`no explanation for the rule of table ${table}: ${line}`);
  return found.why;
}

function renderIndex(): string {
  const items = SITUATIONS.map(({ name, title, generations }) => `| [${title}](${name}.md) | ${generations.join(", ")} |`);
  return `# The rules of a Docker host

<!-- Written by \`npm run docs\` from scripts/rule-situations.ts and src/model/firewall. -->

What Docker programs into the packet filter, situation by situation and in both generations, as \`iptables-save\` prints it. The
rules are those that the simulator's packets meet: \`src/model/firewall\` programs them operation by operation, as the daemon does, and
\`src/compile/rules\` makes the tables of the engines of them. They are compared line by line with recordings of Docker 20.10 and with the
rule dumps of Docker 29's own tests.

| situation | generations |
| --- | --- |
${items.join("\n")}

A packet meets table raw, then mangle, nat and filter. The names in capital letters without \`DOCKER\` are the kernel's: \`PREROUTING\` for everything
that comes in, \`INPUT\` for what is for the host itself, \`FORWARD\` for what it passes on, \`OUTPUT\` for what it sends, \`POSTROUTING\` for
everything that goes out. Translation (nat) is asked for the first packet of a connection only; the others follow it.
`;
}

function renderPage(situation: RuleSituation): string {
  const lines = new Map(situation.generations.map((generation) => [generation, linesOf(situation, generation)]));
  const onlyIn29 = situation.generations.length === 1 ? "\n\nDocker 20.10 does not have it." : "";
  const base = baseOf(situation);
  const compared = base ? ` Lines with \`+\` come to those of "[${base.title}](${base.name}.md)", lines with \`-\` are missing.` : "";
  const dumps = [...lines].map(([generation, own]) => `### Docker ${generation}\n\n${renderDump(situation, generation, own)}`);
  return `# ${situation.title}

<!-- Written by \`npm run docs\` from scripts/rule-situations.ts and src/model/firewall. -->

\`\`\`sh
${situation.commands.join("\n")}
\`\`\`

${situation.prose}${onlyIn29}

## What each rule is for

${base ? `Beside those of "[${base.title}](${base.name}.md)":\n\n` : ""}${renderTable(situation, lines)}

## All rules

As \`${situation.ipv6 ? "ip6tables-save" : "iptables-save"}\` prints them, without counters.${compared}

${dumps.join("\n\n")}
`;
}

/** One row per purpose, one column per generation: so the generations stand side by side. */
function renderTable(situation: RuleSituation, lines: ReadonlyMap<DockerGeneration, readonly PageLine[]>): string {
  const generations = [...lines.keys()];
  const users = userLines(situation);
  const purposes = new Map<string, Map<DockerGeneration, string[]>>();
  for (const [generation, own] of lines) {
    for (const { table, text, mark } of own.filter((line) => line.mark !== " " && line.text.startsWith("-A "))) {
      const why = explain(table, text, users);
      const row = purposes.get(why) ?? new Map<DockerGeneration, string[]>();
      row.set(generation, [...(row.get(generation) ?? []), `${mark === "-" ? "gone: " : ""}${table}: \`${text.slice(3)}\``]);
      purposes.set(why, row);
    }
  }
  const rows = [...purposes].map(([why, row]) => `| ${why} | ${generations.map((generation) => row.get(generation)?.join("<br>") ?? "–").join(" | ")} |`);
  return [`| | ${generations.map((generation) => `Docker ${generation}`).join(" | ")} |`, `| --- |${" --- |".repeat(generations.length)}`, ...rows].join("\n");
}

function renderDump(situation: RuleSituation, generation: DockerGeneration, lines: readonly PageLine[]): string {
  const tables = [...new Set(lines.map(({ table }) => table))];
  const marked = ({ text, mark }: PageLine) => (baseOf(situation) ? `${mark} ${text}` : text);
  const blocks = tables.map((table) => `*${table}\n${lines.filter((line) => line.table === table).map(marked).join("\n")}`);
  return `\`\`\`${baseOf(situation) ? "diff" : "text"}\n${blocks.join("\n")}\n\`\`\`${generation === "20.10" && situation.ipv6 ? "\n\n(with `--experimental --ip6tables`)" : ""}`;
}

function linesOf(situation: RuleSituation, generation: DockerGeneration): readonly PageLine[] {
  const family: Family = situation.ipv6 ? 6 : 4;
  const own = textLines(situation.state(generation), family);
  const base = baseOf(situation);
  if (!base) return own.map((line) => ({ ...line, mark: "+" }));
  return difference(textLines(base.state(generation, situation.ipv6), family), own);
}

/** The situation that this one is told as a change of. */
function baseOf(situation: RuleSituation): RuleSituation | undefined {
  return SITUATIONS.find(({ name }) => name === situation.base);
}

/** Both lists as one, by their longest common subsequence. */
function difference(before: readonly TableLine[], after: readonly TableLine[]): readonly PageLine[] {
  const same = (a: TableLine | undefined, b: TableLine | undefined) => a?.table === b?.table && a?.text === b?.text;
  // lengths[i][j]: what the rests from i and from j have in common.
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i]![j] = same(before[i], after[j]) ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const lines: PageLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && same(before[i], after[j])) {
      lines.push({ ...after[j]!, mark: " " });
      i++;
      j++;
    } else if (j < after.length && (i === before.length || lengths[i]![j + 1]! > lengths[i + 1]![j]!)) lines.push({ ...after[j++]!, mark: "+" });
    else lines.push({ ...before[i++]!, mark: "-" });
  }
  return lines;
}

function textLines(state: FirewallState, family: Family): readonly TableLine[] {
  const tables: readonly TableState[] = family === 4 ? state.v4 : state.v6;
  return tables.filter((table) => !isEmpty(table)).flatMap((table) => saveLines(table).map((text) => ({ table: table.name, text })));
}

/** The rules that the situation's own commands make. */
function userLines(situation: RuleSituation): ReadonlySet<string> {
  const state = situation.state(situation.generations[0]!);
  const own = [...state.v4, ...state.v6].flatMap((table) =>
    table.chains.flatMap(({ name, rules, ...chain }) =>
      saveLines({ name: table.name, chains: [{ ...chain, name, rules: rules.filter(({ cause }) => cause.kind === "user") }] }).slice(1),
    ),
  );
  return new Set(own);
}
