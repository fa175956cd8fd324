/** Name servers around the hosts, asked in packets on both engines. */
import { afterEach, describe, expect, it } from "vitest";
import type { Lab } from "../src/api/lab";
import { startLab } from "../src/api/start";
import type { CompiledTopology } from "../src/api/spec";
import { loadCompose, toTopology } from "../src/compose";
import { createTsEngine } from "../src/engine/ts/index";
import { PACKED } from "../src/engine/wasm/bytes.gen";
import { compileWasm } from "../src/engine/wasm/compile";
import { createWasmEngine } from "../src/engine/wasm/index";
import { fromSpec } from "../src/targets/node";
import { EngineSession } from "../src/worker/session";
import { docker } from "./support/docker";

const labs: Lab[] = [];
afterEach(async () => {
  await Promise.all(labs.splice(0).map((lab) => lab.dispose()));
});

const ENGINES = { ts: async () => createTsEngine, wasm: async () => ((module) => () => createWasmEngine(module))(await compileWasm(PACKED)) };

async function start(engine: keyof typeof ENGINES, topology: { compile(): CompiledTopology }): Promise<Lab> {
  const createEngine = await ENGINES[engine]();
  const lab = await startLab(() => topology.compile(), { seed: 7 }, { openHost: async () => new EngineSession(createEngine()), createEngine: async () => createEngine() });
  labs.push(lab);
  return lab;
}

/** The addresses that a container finds, or what its name server said. */
async function find(lab: Lab, container: string, name: string): Promise<string> {
  const { stdout, stderr } = await lab.docker(`exec ${container} nslookup ${name}`);
  const text = stdout + stderr;
  const [, ...answers] = [...text.matchAll(/^Address: (\S+)$/gm)].map(([, address]) => address);
  return [...text.matchAll(/^Name:.*\nAddress: (\S+)$/gm)].map(([, address]) => address).join() || answers.join() || (/: ([A-Z]+)$/m.exec(text)?.[1] ?? "nothing");
}

const NAMES = { internet: { "www.example.com": ["198.51.100.10", "2001:db8:ffff::10"], "drop.example": "198.51.100.10" }, lan: { "wiki.corp.example": "192.0.2.50" } };

describe.each(["ts", "wasm"] as const)("name servers around the hosts, %s engine", (engine) => {
  const world = (generation: "20.10" | "29", nameservers?: string[]) =>
    docker("world", { docker: generation })
      .underlay({ names: NAMES })
      .host("h1", nameservers ? { resolvConf: { nameservers } } : {})
      .network("net")
      .network("vault", { internal: true })
      .container("web", { networks: ["net"] })
      .container("db", { networks: ["vault"] })
      .container("old");

  it.each(["20.10", "29"] as const)("answer what they know, %s", async (generation) => {
    const lab = await start(engine, world(generation));
    for (const container of ["web", "old"]) {
      expect(await find(lab, container, "www.example.com")).toContain("198.51.100.10");
      expect(await find(lab, container, "wiki.corp.example")).toBe("192.0.2.50");
      expect(await find(lab, container, "nobody.example")).toBe("NXDOMAIN");
    }
  });

  it("are asked by a stub on the host's loopback address, and not by containers of the default bridge, which ask 8.8.8.8", async () => {
    const lab = await start(engine, world("29", ["127.0.0.53"]));
    expect(await find(lab, "web", "wiki.corp.example")).toBe("192.0.2.50");
    expect(await find(lab, "old", "wiki.corp.example")).toBe("NXDOMAIN");
    expect(await find(lab, "old", "drop.example")).toBe("198.51.100.10");
    expect((await lab.docker("run -d --name dns -p 127.0.0.53:53:53/udp pihole")).stderr).toMatch(/address already in use/);
  });

  it("hear of an internal network with 20.10 only, by way of the stub", async () => {
    const heard = async (generation: "20.10" | "29") => {
      const lab = await start(engine, world(generation, ["127.0.0.53"]));
      const capture = lab.capture({ at: ["lan:eth0"] });
      const found = await find(lab, "db", "drop.example");
      return [found, (await capture.frames()).filter(({ bytes }) => bytes[23] === 17).length > 0];
    };
    expect(await heard("20.10")).toEqual(["198.51.100.10", true]);
    expect(await heard("29")).toEqual(["SERVFAIL", false]);
  });

  it("decide what reach says of a name", async () => {
    const lab = await start(engine, world("29"));
    expect(String(await lab.reach("web", "www.example.com:443")).split("\n")[0]).toBe("web → www.example.com:443 (198.51.100.10): ok; internet saw 192.0.2.11 ask 198.51.100.10");
    expect((await lab.reach("db", "www.example.com:443")).reason).toBe('db cannot resolve "www.example.com": its name server said SERVFAIL; it is on internal networks alone, for which Docker asks nobody outside');
    await lab.iptables("-I FORWARD -p udp --dport 53 -j DROP");
    await lab.iptables("-I OUTPUT -p udp --dport 53 -j DROP");
    expect((await lab.reach("web", "drop.example:443")).reason).toBe('web cannot resolve "drop.example": its name server said SERVFAIL');
  });

  it("are asked as the container's own resolv.conf says", async () => {
    const topology = world("29", ["127.0.0.53"]).container("own", { networks: "net", dns: "8.8.8.8", dnsSearch: ["example.com"] });
    const lab = await start(engine, topology);
    expect(await find(lab, "own", "wiki.corp.example")).toBe("NXDOMAIN");
    expect((await lab.docker("exec own getent hosts www")).stdout).toContain("198.51.100.10");
  });

  it("go on while the network changes", async () => {
    const lab = await start(engine, world("29"));
    await lab.docker("network connect net db");
    expect(await find(lab, "db", "www.example.com")).toContain("198.51.100.10");
    await lab.restart("web");
    expect(await find(lab, "web", "wiki.corp.example")).toBe("192.0.2.50");
  });
});

it("both engines say the same, to the byte", async () => {
  const digests = await Promise.all(
    (["ts", "wasm"] as const).map(async (engine) => {
      const lab = await start(engine, docker("same").underlay({ ipv6: true, delay: "1ms", names: NAMES }).host("h1", { resolvConf: { nameservers: ["127.0.0.53", "2001:db8:ffff::10"] } }).network("net").container("web", { networks: ["net"] }));
      const capture = lab.capture({ at: ["lan:eth0", "internet:eth0", "web:lo"] });
      for (const name of ["www.example.com", "wiki.corp.example", "nobody.example"]) await find(lab, "web", name);
      return [(await capture.frames()).map(({ timeNs, bytes }) => `${timeNs} ${Buffer.from(bytes).toString("hex")}`), (await lab.run({ for: "1s" })).digest];
    }),
  );
  expect(digests[0]).toEqual(digests[1]);
  expect(digests[0]![0]!.length).toBeGreaterThan(10);
});

it("traffic goes to the names that they know", () => {
  const { program } = docker("feeds").underlay({ names: NAMES }).container("web").traffic("feed", "web").to("drop.example:443/tcp").request().compile();
  expect(program.flows[0]?.destination).toBe(0xc633640a);
});

describe("x-dockwire.underlay.names", () => {
  const load = (names: string) => toTopology(loadCompose({ file: "compose.yaml", text: `services: { web: { image: nginx } }\nx-dockwire:\n  underlay:\n    names:\n${names}` }, {})).spec;

  it("says the same", async () => {
    const spec = load("      internet: { www.example.com: [198.51.100.10] }\n      lan: { wiki.corp.example: 192.0.2.50 }\n");
    const lab = await start("ts", fromSpec(spec));
    const [container] = lab.describe().containers;
    expect(await find(lab, container!.name, "wiki.corp.example")).toBe("192.0.2.50");
  });

  it("lets traffic go to what they know, and dns of a service be", () => {
    const text = "services: { web: { image: nginx, dns: 8.8.8.8 } }\nx-dockwire:\n  traffic: [{ from: web, to: 'www.example.com:443' }]\n  underlay: { names: { internet: { www.example.com: 198.51.100.10 } } }\n";
    const { spec, notices } = toTopology(loadCompose({ file: "compose.yaml", text }, {}));
    expect(fromSpec(spec).compile().program.flows[0]?.destination).toBe(0xc633640a);
    expect(notices).toEqual([]);
  });

  it.each([
    ["      internet: { www.example.com: example.org }\n", 'compose.yaml:5:36: x-dockwire.underlay.names.internet.www.example.com: expected an address, found "example.org"'],
    ["      wan: { www.example.com: 192.0.2.1 }\n", /^compose\.yaml:5:7: .*wan/],
  ])("has its mistakes named with their place: %j", (names, message) => {
    expect(() => load(names)).toThrow(message);
  });
});

it.each([
  [{ internet: { "": "192.0.2.1" } }, 'underlay: names: internet: expected a name such as "www.example.com", found ""'],
  [{ internet: { www: "nowhere" } }, 'underlay: names: internet: www: expected an address, found "nowhere"'],
  [{ wan: {} } as object, 'underlay: names: expected internet or lan, whose name servers there are, found "wan"'],
])("refuses names that nobody can have: %j", (names, message) => {
  expect(() => docker("wrong").underlay({ names }).host("h1").compile()).toThrow(message);
});
