import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadCompose } from "./load";

// Real files of other projects, kept beside the repository because they are not ours to publish.
const CORPUS = fileURLToPath(new URL("../../../shared/compose-corpus/", import.meta.url));
const files = existsSync(CORPUS) ? readdirSync(CORPUS).filter((file) => /\.ya?ml$/.test(file)) : [];
if (files.length === 0) console.warn(`corpus.test.ts: skipped, no Compose files in ${CORPUS}`);

const load = (file: string) => loadCompose({ file, text: readFileSync(CORPUS + file, "utf8") }, { defaultProjectName: "corpus" });

describe.skipIf(files.length === 0)("the corpus of real files", () => {
  it.each(files)("loads %s", (file) => {
    const project = load(file);
    expect(project.services.length + project.disabledServices.length).toBeGreaterThan(0);
    for (const service of project.services) {
      expect(service.place.position?.file).toBe(file);
      expect(service.networks.length > 0 || service.networkMode !== undefined).toBe(true);
      for (const attachment of service.networks) {
        expect(project.networks.some((network) => network.key === attachment.network && network.used)).toBe(true);
      }
    }
    expect([...project.startOrder].sort()).toEqual(project.services.map((service) => service.name).sort());
  });

  it("reports no key as unknown to the simulation but a runtime", () => {
    const notices = files.flatMap((file) => load(file).notices);
    expect(new Set(notices.map((notice) => notice.kind))).toEqual(new Set(["obsolete", "unset-variable", "not-simulated"]));
    const uncovered = notices.filter((notice) => notice.kind === "not-simulated");
    expect(uncovered.map((notice) => notice.path)).toEqual(["services.etl.runtime"]);
  });
});
