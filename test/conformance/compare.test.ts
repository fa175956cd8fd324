/** The comparison itself: a recording equals itself, and every changed value is found. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { rootCertificate } from "../../src/client/swarm/root-certificate";
import { leavesOf } from "./checks";
import { withoutChance } from "./compare/certificates";
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

  it("takes the certificate of a simulated root for one of those that were recorded", () => {
    const printed = recordings.flatMap(({ steps }) => steps.flatMap((step) => ("stdout" in step && step.stdout.startsWith("-----BEGIN CERTIFICATE-----") ? [step.stdout] : [])));
    expect(printed.length).toBeGreaterThan(0);
    for (const pem of printed) expect(withoutChance(rootCertificate("root").pem.trim())).toBe(withoutChance(pem));
    expect(withoutChance(printed[0]!)).toMatch(/^<certificate with .*, signed by itself, .*>$/);
  });

  it("lets certificates be others, but not of another kind, and misses no part of what nodes say of theirs", () => {
    const shown = (stdout: string): Recording => {
      const recording = recordings.find(({ scenario, steps }) => scenario === "swarm-managers" && steps.some((step) => "stdout" in step && step.stdout.includes("TrustRoot")))!;
      return { ...recording, steps: recording.steps.flatMap((step) => ("stdout" in step && step.stdout.includes("TrustRoot") ? [{ ...step, stdout } as Step] : [])) };
    };
    const tls = (root: string, fields: object = {}) => {
      const { pem, subject, publicKey } = rootCertificate(root);
      return JSON.stringify({ TLSInfo: { TrustRoot: pem, CertIssuerSubject: subject, CertIssuerPublicKey: publicKey, ...fields } });
    };
    const differences = (got: string) => compareRecording(shown(tls("a")), asPlayed(shown(got).steps)).differences.length;
    expect(differences(tls("b"))).toBe(0);
    expect(differences(tls("b", { CertIssuerPublicKey: rootCertificate("c").publicKey }))).toBe(1);
    expect(differences(tls("b", { CertIssuerSubject: undefined }))).toBe(1);
    expect(differences(tls("b", { TrustRoot: "" }))).toBe(1);
    expect(differences(tls("b", { TrustRoot: rootCertificate("b").pem.replace(/\n$/, "") }))).toBe(1);
    // Cut short, it is none; with another signature, it is not signed by itself; the names are within the first lines.
    const [head, ...lines] = rootCertificate("b").pem.split("\n");
    expect(differences(tls("b", { TrustRoot: [head, ...lines.slice(1)].join("\n") }))).toBe(1);
    const last = lines.at(-3)!;
    expect(differences(tls("b", { TrustRoot: [head, ...lines.slice(0, -3), (last.startsWith("A") ? "B" : "A") + last.slice(1), ...lines.slice(-2)].join("\n") }))).toBe(1);
    expect(differences("{}")).toBe(1);
  });
});

/** A copy in which the value at a path is another one. */
function alter(value: Json, wanted: string, path: string): Json {
  if (path === wanted) return `${String(value)}, changed`;
  if (Array.isArray(value)) return value.map((inner: Json, index) => alter(inner, wanted, `${path}[${index}]`));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inner === undefined ? undefined : alter(inner, wanted, `${path}.${key}`)]));
}
