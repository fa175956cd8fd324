import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { DaemonOperations } from "../model/operations";
import { DockerClient } from "./index";

interface Recorded {
  readonly argv: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

const FILE = fileURLToPath(new URL("../../test/fixtures/docker-client/refusals.json", import.meta.url));
const { refusals } = JSON.parse(readFileSync(FILE, "utf8")) as { refusals: Recorded[] };

/** A daemon that must not be asked. */
const daemon = new Proxy({} as DaemonOperations, {
  get(_, name) {
    if (name === "state") return () => ({ generation: "20.10" });
    throw new Error(`the daemon was asked for ${String(name)}`);
  },
});

describe("the docker client", () => {
  const client = new DockerClient(daemon, { images: [{ name: "web", expose: [], env: [], labels: {}, command: [] }] });

  it.each(refusals.map((recorded) => [recorded.argv.map((word) => JSON.stringify(word)).join(" "), recorded] as const))("refuses %s as the real one does", async (_, { argv, ...outcome }) => {
    expect(await client.run(["docker", ...argv])).toEqual(outcome);
  });
});
