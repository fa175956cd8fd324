import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderText } from "../../src/report/text";
import type { EncryptionCost } from "../../src/report/encryption-cost";
import type { RunReport } from "../../src/report/report";
import { Workplace } from "./command";

const SHOP = fileURLToPath(new URL("../../examples/shop/compose.yaml", import.meta.url));
const ESCAPE = String.fromCharCode(27);

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
  place.write("compose.yaml", "name: small\nservices:\n  web: { image: nginx, depends_on: [db] }\n  db: { image: postgres }\n");
});
afterAll(() => place.remove());

const json = (text: string) => JSON.parse(text) as RunReport;

describe("dockwire run", () => {
  it("finds the Compose file of the folder, simulates it in a worker, and reports", async () => {
    const { code, stdout, stderr } = await place.run("run", "--for", "200ms");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^small {2}2 containers, 1 network, 1 host\nDocker 29, wasm engine in a worker, seed 0\n/);
    expect(stdout).toMatch(/small-db-1 +eth0 +172\.18\.0\.2 +[0-9a-f:]{17} +small_default +default/);
    expect(stdout).toMatch(/web-1 → db:5432 +\d+ +\d+ +0 /);
    expect(stdout).toMatch(/\n[\d,]+ packets, 200 ms virtual in [\d.]+ m?s real time, .* packets\/s, digest [0-9a-f]{16}\n$/);
    expect(stdout).not.toContain(ESCAPE);
    expect(code).toBe(0);
  });

  it("gives the same digest in both engines, in a worker and without, and another one for another seed", async () => {
    const digest = async (...args: string[]) => json((await place.run("run", SHOP, "--for", "50ms", "--json", ...args)).stdout).run.digest;
    const [first, ...others] = await Promise.all([digest(), digest("--engine", "ts"), digest("--in-thread"), digest("--engine", "ts", "--in-thread")]);
    expect(others).toEqual([first, first, first]);
    expect(await digest("--seed", "8")).not.toBe(first);
  });

  it("prints the same report as JSON", async () => {
    const report = json((await place.run("run", "--for", "200ms", "--json")).stdout);
    expect(report).toMatchObject({ format: 1, project: { name: "small", files: ["compose.yaml"], docker: "29" }, run: { place: "worker", virtualTimeNs: 2e8 } });
    expect(report.traffic).toHaveLength(1);
    expect(renderText(report)).toMatch(/^small {2}2 containers/);
  });

  it("takes x-dockwire's word for time, seed and generation, and options over it", async () => {
    place.write("x.yaml", "services: { web: { image: a }, db: { image: b } }\nx-dockwire: { for: 30ms, seed: 9, docker: '20.10', engine: ts }\n");
    const own = json((await place.run("run", "x.yaml", "--json")).stdout);
    expect(own).toMatchObject({ project: { docker: "20.10" }, run: { seed: 9, engine: "ts", virtualTimeNs: 30e6 } });
    const args = ["--for", "20ms", "--seed", "1", "--docker", "29", "--engine", "wasm"];
    const given = json((await place.run("run", "x.yaml", "--json", ...args)).stdout);
    expect(given).toMatchObject({ project: { docker: "29" }, run: { seed: 1, engine: "wasm", virtualTimeNs: 20e6 } });
  });

  it("writes a capture of all interfaces and bridges", async () => {
    const { code } = await place.run("run", "--for", "50ms", "--pcap", "out.pcapng", "--quiet");
    expect(code).toBe(0);
    const bytes = readFileSync(join(place.folder, "out.pcapng"));
    expect(bytes.readUInt32LE(0)).toBe(0x0a0d0d0a);
    for (const device of ["small-web-1:eth0", "small-db-1:eth0", "br-small_default"]) expect(bytes.includes(device)).toBe(true);
  });

  it("says only the closing line when quiet", async () => {
    const { stdout } = await place.run("run", "--for", "50ms", "-q");
    expect(stdout).toMatch(/^[\d,]+ packets, [^\n]+\n$/);
  });

  it("merges an override file, profiles, variables and several files as Compose does", async () => {
    place.write("merge/compose.yaml", "services:\n  web: { image: '${IMAGE}', depends_on: [db] }\n  db: { image: postgres }\n");
    place.write("merge/compose.override.yaml", "services: { debug: { image: x, profiles: [debug] } }\n");
    place.write("merge/extra.yaml", "services: { extra: { image: y } }\n");
    place.write("merge/other.env", "IMAGE=nginx\n");
    const names = async (...args: string[]) => {
      const { stdout, stderr } = await place.run("run", "--for", "1ms", "--json", ...args);
      expect(stderr).toBe("");
      return json(stdout).containers.map(({ name }) => name);
    };
    expect(await names("merge")).toEqual(["merge-db-1", "merge-web-1"]);
    expect(await names("merge", "--profile", "debug", "--env-file", "merge/other.env")).toEqual(["merge-db-1", "merge-web-1", "merge-debug-1"]);
    expect(await names("merge/compose.yaml", "merge/extra.yaml", "-p", "mine")).toEqual(["mine-db-1", "mine-web-1", "mine-extra-1"]);
  });

  it("reports what it does not simulate, and goes on", async () => {
    place.write("notices.yaml", "services:\n  web:\n    image: nginx\n    dns: 1.1.1.1\n");
    const { code, stdout } = await place.run("run", "notices.yaml", "--for", "1ms");
    expect(stdout).toContain("notices.yaml:4:10: services.web.dns: no DNS server is asked");
    expect(code).toBe(0);
  });

  it("exits with 1 when something gets nothing through, and says why", async () => {
    place.write("refused.yaml", "services: { web: { image: a }, db: { image: b } }\nx-dockwire: { traffic: [{ from: web, to: db, kind: ping, count: 1, start: 5ms }], for: 4ms }\n");
    expect((await place.run("run", "refused.yaml")).code).toBe(0);
    place.write(
      "lost.yaml",
      "services: { web: { image: a }, db: { image: b } }\nx-dockwire: { links: { db: { loss: 100% } }, traffic: [{ from: web, to: 'db:53/udp', rate: 10/s }], for: 5s }\n",
    );
    const { code, stdout } = await place.run("run", "lost.yaml");
    expect(stdout).toMatch(/FAILED\n {2}web-db {2}\S+ → db:53\/udp: nothing was delivered/);
    expect(stdout).toMatch(/LinkLoss|NeighFailed/);
    expect(code).toBe(1);
  });

  it("stops at Ctrl-C with exit code 130, and leaves nothing behind", async () => {
    const { child, outcome } = place.start(["run", SHOP, "--for", "10h", "--pcap", "never.pcapng"]);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await outcome;
    expect(stderr).toMatch(/^interrupted at [\d.,]+ \S+ of 36,000 s virtual time\n$/);
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(existsSync(join(place.folder, "never.pcapng"))).toBe(false);
  });
});

describe("help", () => {
  it("shows the commands, the options and examples", async () => {
    const general = await place.run("--help");
    expect(general).toMatchObject({ code: 0, stderr: "" });
    expect(general.stdout).toContain("$ dockwire run shop/compose.yaml");
    const { code, stdout } = await place.run("run", "--help");
    expect(code).toBe(0);
    for (const option of ["--for", "--seed", "--engine", "--in-thread", "--pcap", "--json", "--docker", "--profile", "--env-file", "--quiet"]) {
      expect(stdout).toContain(option);
    }
    expect(stdout).toContain("Exit codes: 0");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("prints its version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
    expect(await place.run("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("dockwire run --encryption-cost", () => {
  it("compares plain and encrypted overlay networks, as a table and as JSON", async () => {
    place.write("stack/compose.yaml", "name: stack\nservices:\n  web: { image: nginx, depends_on: [db], networks: [back] }\n  db: { image: postgres, networks: [back] }\nnetworks: { back: { driver: overlay } }\n");
    const { code, stdout, stderr } = await place.run("run", "stack/compose.yaml", "--nodes", "2", "--for", "100ms", "--encryption-cost");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^What encryption costs: 1 overlay network \(stack_back\)\n100 ms of virtual time each, seed 0, engine wasm; cipher 0\.50 ns a byte \(model\)\n/);
    expect(stdout).toMatch(/MTU inside stack_back +1450 +1424 +-26\n/);
    const cost = JSON.parse((await place.run("run", "stack/compose.yaml", "--nodes", "2", "--for", "100ms", "--encryption-cost", "--json")).stdout) as EncryptionCost;
    expect(cost.encrypted.cpuNsPerMessage).toBeGreaterThanOrEqual(cost.plain.cpuNsPerMessage);
    expect(cost).toMatchObject({ networks: ["stack_back"], engine: "wasm", plain: { mtu: { stack_back: 1450 } }, encrypted: { mtu: { stack_back: 1424 } } });
  });

  it("tells how much the nodes tell one another, where there are some", async () => {
    place.write("stack/compose.yaml", "name: stack\nservices:\n  web: { image: nginx, depends_on: [db], networks: [back] }\n  db: { image: postgres, networks: [back] }\nnetworks: { back: { driver: overlay } }\n");
    const { stdout } = await place.run("run", "stack/compose.yaml", "--nodes", "3", "--for", "3s");
    expect(stdout).toMatch(/\nMANAGEMENT {2}\S+ leads, all hosts know the same\n +messages +a second +payload +rate\n {2}probes +(1[2-9]|2\d) /);
    const { management } = JSON.parse((await place.run("run", "stack/compose.yaml", "--nodes", "3", "--for", "3s", "--json")).stdout) as RunReport;
    expect(new Set(management?.volumes.map(({ kind }) => kind))).toEqual(new Set(["probes", "sync", "heartbeats"]));
    expect(new Set(management?.volumes.map(({ host }) => host)).size).toBe(3);
    expect((JSON.parse((await place.run("run", "--for", "10ms", "--json")).stdout) as RunReport).management).toBeNull();
  });

  it("says what it needs where there are no nodes", async () => {
    const { code, stderr } = await place.run("run", "--encryption-cost");
    expect(code).toBe(2);
    expect(stderr).toBe("--encryption-cost: expected machines to deploy on (--nodes), found one without a swarm\n");
  });
});
