/** The comparison itself: a recording equals itself, and every changed value is found. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { leavesOf } from "./checks";
import { compareRecording } from "./compare/compare";
import { generationOf, isRecord, recordingsIn, type Json, type Recording, type Step } from "./recording";

const recordings = ["recordings", "recordings-29"].flatMap((folder) => recordingsIn(fileURLToPath(new URL(folder, import.meta.url))));
const asPlayed = (steps: readonly Step[]) => steps.map((step) => ({ step }));

describe("the comparison of a recording", () => {
  it.each(recordings.map((recording): [string, Recording] => [`${recording.scenario} of ${generationOf(recording)}`, recording]))("finds %s equal to itself", (_, recording) => {
    const { passed, total, differences } = compareRecording(recording, asPlayed(recording.steps));
    expect(differences).toEqual([]);
    expect(passed).toBe(total);
    expect(total).toBeGreaterThan(0);
  });

  it("counts every check as failed where nothing could be played, as many as otherwise", () => {
    for (const recording of recordings) {
      const nothing = compareRecording(recording, recording.steps.map(() => ({ failed: "nothing" })));
      expect(nothing.passed, recording.scenario).toBe(0);
      expect(nothing.total, recording.scenario).toBeGreaterThanOrEqual(compareRecording(recording, asPlayed(recording.steps)).total);
    }
  });

  it("finds one changed value of each kind", () => {
    const changed = /\.(exit|result|peer|addr|server|mtu|IPAddress|MacAddress|Gateway|Aliases\[0\]|hosts_file\[0\]|resolv_conf\[0\]|env\[0\]|routes\[0\]|filter\[9\]|nat\[6\]|HostPort|Subnet)$/;
    const found = new Set<string>();
    for (const recording of recordings) {
      for (const [index, step] of recording.steps.entries()) {
        for (const { path } of leavesOf("", step as unknown as Json)) {
          const field = changed.exec(path)?.[1];
          if (field === undefined || found.has(field) || recording.unstable?.length) continue;
          found.add(field);
          const steps = recording.steps.map((each, at) => (at === index ? (alter(step as unknown as Json, path, "") as unknown as Step) : each));
          const { differences } = compareRecording(recording, asPlayed(steps));
          expect(differences.length, `${recording.scenario} steps[${index}]${path}`).toBeGreaterThan(0);
        }
      }
    }
    expect([...found].sort()).toEqual(["Aliases[0]", "Gateway", "HostPort", "IPAddress", "MacAddress", "Subnet", "addr", "env[0]", "exit", "filter[9]", "hosts_file[0]", "mtu", "nat[6]", "peer", "resolv_conf[0]", "result", "routes[0]", "server"]);
  });
});

/** A copy in which the value at a path is another one. */
function alter(value: Json, wanted: string, path: string): Json {
  if (path === wanted) return `${String(value)}, changed`;
  if (Array.isArray(value)) return value.map((inner: Json, index) => alter(inner, wanted, `${path}[${index}]`));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inner === undefined ? undefined : alter(inner, wanted, `${path}.${key}`)]));
}
