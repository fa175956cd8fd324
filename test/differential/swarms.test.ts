/** Whole swarms, built as users build them, on both engines: virtual addresses, the routing mesh and tunnels while the swarm changes. */
import { beforeAll, describe, expect, it } from "vitest";
import { startLab } from "../../src/api/start";
import type { OverlayOptions } from "../../src/api/swarm-options";
import type { Engine } from "../../src/engine/engine";
import { createTsEngine } from "../../src/engine/ts/index";
import { PACKED } from "../../src/engine/wasm/bytes.gen";
import { compileWasm } from "../../src/engine/wasm/compile";
import { createWasmEngine } from "../../src/engine/wasm/index";
import { EngineSession } from "../../src/worker/session";
import { swarm } from "../support/docker";
import { describeFrame } from "../support/frame";

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWasm(PACKED);
}, 120_000);

/** Three nodes; a service behind a virtual address, published in both ways; UDP in datagrams that do not fit; connections that stay. */
function busy(back: OverlayOptions) {
  const nodes = swarm("prod").node("m1").node("w1").node("w2").overlay("back", { attachable: true, ...back });
  const services = nodes
    .service("web", { replicas: 3, networks: ["back"], publish: ["8080:80", "5353:53/udp", { target: 81, published: 8081, mode: "host" }] })
    .service("rr", { replicas: 2, networks: ["back"], endpointMode: "dnsrr" })
    .container("client", { node: "w1", networks: ["back"] });
  return services
    .traffic("short", "client").to("web:80/tcp").exchange({ response: "16k", clients: 3, think: "7ms" })
    .traffic("long", "client").to("web:80/tcp").request({ response: "4k", clients: 2, think: "5ms" })
    .traffic("names", "client").to("rr:80/tcp").exchange({ response: "1k", think: "11ms" })
    .traffic("outside", "lan").to("m1:8080/tcp").exchange({ response: "2k", clients: 2, think: "9ms" })
    .traffic("own", "lan").to("w2:8081/tcp").exchange({ response: "2k", think: "13ms" })
    .traffic("large", "lan").to("w1:5353/udp").size(1470).rate("200pps");
}

/** What it has shown: frames as lines, and everything else. */
interface Life {
  readonly frames: readonly string[];
  readonly summary: Readonly<Record<string, unknown>>;
}

/** What a lab shows of itself after 0.3 s of work. */
async function life(engine: Engine, back: OverlayOptions): Promise<Life> {
  const platform = { openHost: async () => new EngineSession(engine), createEngine: async () => engine };
  const lab = await startLab(() => busy(back).compile(), { seed: 11 }, platform);
  try {
    const done = [lab.at("100ms").docker("service scale -d web=6", { host: "m1" }), lab.at("200ms").docker("service scale -d web=1", { host: "m1" }), lab.at("250ms").docker("service rm rr", { host: "m1" })];
    const capture = lab.capture({ at: ["client", "m1/lb-back", "w1/ingress-sbox"] });
    const { digest, traffic, drops } = await lab.run({ for: "300ms" });
    const answers = await Promise.all(done);
    const frames = (await capture.frames()).map(({ timeNs, device, bytes }) => `${timeNs} ${device} ${describeFrame(bytes)}`);
    const reach = String(await lab.reach("lan", "w2:8080"));
    return { frames, summary: { digest, traffic, drops, exits: answers.map(({ exit }) => exit), reach } };
  } finally {
    await lab.dispose();
  }
}

describe("both engines live through the same in a swarm", { timeout: 600_000 }, () => {
  it.each<[string, OverlayOptions]>([
    ["as Docker makes it", {}],
    ["with encrypted overlay networks", { encrypted: true }],
    ["with direct server return", { options: { dsr: "" } }],
  ])("%s", async (_, back) => {
    const [first, second] = [await life(createTsEngine(), back), await life(createWasmEngine(module), back)];
    expect(first.summary).toMatchObject({ exits: [0, 0, 0], reach: expect.stringContaining("ok") as string });
    const at = first.frames.findIndex((frame, index) => second.frames[index] !== frame);
    expect(second.frames[at], `frame ${at}`).toBe(first.frames[at]);
    expect(second).toEqual(first);
  });
});

/** What becomes of connections while a service of two tasks shrinks to one: of one that is kept, and of new ones. */
async function departure(engine: Engine) {
  const platform = { openHost: async () => new EngineSession(engine), createEngine: async () => engine };
  const nodes = swarm("prod").node("m1").node("w1").overlay("back", { attachable: true });
  const topology = nodes
    .service("web", { replicas: 2, networks: ["back"], publish: ["8080:80"] })
    .container("client", { networks: ["back"] })
    .traffic("kept", "client").to("web:80/tcp").request({ think: "100ms", timeout: "1s" });
  const lab = await startLab(() => topology.compile(), { seed: 3 }, platform);
  try {
    const seen: unknown[] = [];
    const pass = async (time: "500ms" | "1900ms" | "3s") => {
      const { traffic, digest } = await lab.run({ for: time });
      seen.push(digest);
      return traffic[0]!;
    };
    const at = async (from: "client" | "lan", to: string) => {
      const { result, server } = await lab.reach(from, to);
      return `${result} ${server ?? "-"}`;
    };
    const before = await pass("500ms");
    // The connection that is kept is the first one, and goes to the first task in turn.
    const { stdout } = await lab.docker("service scale -d web=1");
    const during = await pass("1900ms");
    const elsewhere = [await at("client", "web:80"), await at("client", "web:80"), await at("lan", "m1:8080"), await at("lan", "w1:8080"), await at("client", "tasks.web:80")];
    const { stdout: states } = await lab.docker("service ps --format '{{.Name}} {{.DesiredState}} {{.CurrentState}}' web");
    const after = await pass("3s");
    const { stdout: left } = await lab.docker("service ps --format '{{.Name}} {{.DesiredState}}' web");
    return { seen, before, stdout, during, elsewhere, states, after, left };
  } finally {
    await lab.dispose();
  }
}

describe("a task that goes", { timeout: 300_000 }, () => {
  it("keeps its connections until it is gone, two seconds after new ones go elsewhere, in both engines", async () => {
    const [first, second] = [await departure(createTsEngine()), await departure(createWasmEngine(module))];
    expect(second).toEqual(first);
    const { before, during, elsewhere, states, after, left } = first;
    expect([before, during].map(({ errors, timeouts }) => errors + timeouts)).toEqual([0, 0]);
    expect(during.answered - before.answered).toBeGreaterThan(10);
    expect(elsewhere).toEqual(Array.from({ length: 5 }, () => "ok web.1"));
    expect(states).toMatch(/^web\.1 Running Running [^\n]*\nweb\.2 Remove Running [^\n]*\n$/);
    expect(left).toBe("web.1 Running\n");
    expect(after.errors + after.timeouts).toBeGreaterThan(0);
  });
});
