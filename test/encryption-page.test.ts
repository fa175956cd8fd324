/** docs/encryption.md: its Compose file costs what the page says, on the TypeScript engine in this thread. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { compareEncryption } from "../src/api/encryption-cost";
import { loadCompose, toTopology } from "../src/compose";
import { createTsEngine } from "../src/engine/ts/index";
import { renderEncryptionCost } from "../src/report";
import { EngineSession } from "../src/worker/session";

it("shows what its own Compose file costs", async () => {
  const page = await readFile("docs/encryption.md", "utf8");
  const [, text = ""] = /^```yaml\n([^]*?)^```$/m.exec(page) ?? [];
  const [, shown = ""] = /^```text\n([^]*?)^```$/m.exec(page) ?? [];
  const { spec } = toTopology(loadCompose({ file: "compose.yaml", text }, { isStack: true, defaultProjectName: "shop" }), { seed: 0, nodes: 2 });
  const platform = { openHost: async () => new EngineSession(createTsEngine()), createEngine: async () => createTsEngine() };
  expect(renderEncryptionCost(await compareEncryption(spec, { for: "500ms", seed: 0 }, platform))).toBe(shown);
}, 60_000);
