/** What `iptables-save` and `ip6tables-save` would print on a host, in each situation of `docs/rules`. `vitest -u` writes the files anew. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { EXPLANATIONS } from "../../scripts/rule-explanations";
import { SITUATIONS } from "../../scripts/rule-situations";
import { renderSave, saveLines } from "../../src/model/firewall";

describe.each(["20.10", "29"] as const)("the rules of Docker %s", (generation) => {
  it.each(SITUATIONS.filter(({ generations }) => generations.includes(generation)))("are as recorded: $name", async ({ name, state }) => {
    const rules = state(generation);
    const text = `# iptables-save\n${renderSave(rules, 4, { skipEmpty: true })}# ip6tables-save\n${renderSave(rules, 6, { skipEmpty: true })}`;
    await expect(text).toMatchFileSnapshot(fileURLToPath(new URL(`./rules.docker-${generation}.${name}.txt`, import.meta.url)));
  });
});

describe("the explanations of rules", () => {
  it("are all needed", () => {
    const lines = SITUATIONS.flatMap(({ generations, state }) =>
      generations.flatMap((generation) => {
        const { v4, v6 } = state(generation);
        return [...v4, ...v6].flatMap((table) => saveLines(table).map((line) => ({ table: table.name, line })));
      }),
    );
    const idle = EXPLANATIONS.filter((explanation) => !lines.some(({ table, line }) => explanation.table === table && explanation.line.test(line)));
    expect(idle.map(({ why }) => why)).toEqual([]);
  });
});
