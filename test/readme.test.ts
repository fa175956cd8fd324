/** What the README shows is what happens. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** The code blocks of one language, in order. */
const blocks = (language: string) => [...README.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].filter(([, name]) => name === language).map(([, , text = ""]) => text);

let folder: string;
beforeAll(() => {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  folder = mkdtempSync(join(ROOT, "build/readme-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: ROOT, encoding: "utf8" });

describe("the README", () => {
  it("shows a program of six lines that runs as printed, and prints what is shown", async () => {
    const [program = ""] = blocks("js");
    expect(program.trimEnd().split("\n")).toHaveLength(6);
    const file = join(folder, "snippet.mjs");
    writeFileSync(file, program);
    const { stdout } = await run(file);
    expect(stdout).toBe(blocks("text")[0]);
  });

  it("shows the report that the command prints, but for real time", async () => {
    const sample = blocks("text").find((text) => text.startsWith("$ dockwire run ")) ?? "";
    const [command = "", ...shown] = sample.split("\n");
    expect(command).toBe("$ dockwire run examples/shop/compose.yaml");
    const { stdout } = await run("dist/cli.js", "run", "examples/shop/compose.yaml");
    const timeless = (text: string) => text.replace(/virtual in .* packets\/s/, "virtual");
    expect(timeless(stdout)).toBe(timeless(shown.join("\n")));
  });

  it("shows a network that changes while it runs, and what that prints", async () => {
    const file = join(folder, "changes.mjs");
    writeFileSync(file, blocks("js").find((text) => text.includes("lab.docker(")) ?? "");
    const { stdout } = await run(file);
    expect(stdout).toBe(blocks("text")[1]);
  });

  it("shows a swarm, and what that prints", async () => {
    const file = join(folder, "swarm.mjs");
    writeFileSync(file, blocks("js").find((text) => text.includes("swarm(")) ?? "");
    const { stdout } = await run(file);
    expect(stdout).toBe(blocks("text").find((text) => text.startsWith("client → ")));
  });

  it("shows operations at given times, which the same swarm does", async () => {
    const file = join(folder, "operations.mjs");
    const [start] = (blocks("js").find((text) => text.includes("swarm(")) ?? "").split("const ask");
    const operations = blocks("js").find((text) => text.includes("lab.at(")) ?? "";
    const tasks = `(await lab.docker("service ls --format {{.Replicas}}")).stdout.trim(), (await lab.docker("node ls --format {{.Hostname}}={{.Availability}}")).stdout.trim().split("\\n").join(" ")`;
    writeFileSync(file, `${start}${operations}console.log(lab.now, traffic.length, drops.length > 0, ${tasks});\nawait lab.dispose();\n`);
    expect((await run(file)).stdout).toBe("90000000000 0 true 5/5 m1=Active w1=Drain w2=Active\n");
  });

  it("shows who reaches whom as the command prints it", async () => {
    const sample = blocks("text").find((text) => text.startsWith("$ dockwire reach ")) ?? "";
    const [command = "", ...shown] = sample.split("\n");
    const outcome = await run("dist/cli.js", ...command.split(" ").slice(2)).catch((error: { code: number; stdout: string }) => error);
    expect(outcome).toMatchObject({ code: 1, stdout: shown.join("\n") });
  });

  it("shows a Compose file of which nothing is left out", async () => {
    const file = join(folder, "compose.yaml");
    writeFileSync(file, blocks("yaml")[0] ?? "");
    const { stdout, stderr } = await run("dist/cli.js", "run", file, "--for", "100ms", "--json");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).traffic.length).toBeGreaterThan(4);
  });
});
