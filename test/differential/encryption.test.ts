/** A lab with an encrypted network on both engines: the same bytes on the cable, through rotations of keys. */
import { expect, it } from "vitest";
import { startLab } from "../../src/api/start";
import type { Engine } from "../../src/engine/engine";
import { createTsEngine } from "../../src/engine/ts/index";
import { PACKED } from "../../src/engine/wasm/bytes.gen";
import { compileWasm } from "../../src/engine/wasm/compile";
import { createWasmEngine } from "../../src/engine/wasm/index";
import { EngineSession } from "../../src/worker/session";
import { swarm } from "../support/docker";

const prod = swarm("prod")
  .underlay({ delay: "50us", loss: "2%" })
  .node("m1")
  .node("w1")
  .node("w2")
  .overlay("sec", { attachable: true, encrypted: true })
  .overlay("plain", { attachable: true })
  .container("web", { node: "w1", networks: ["sec"] })
  .container("other", { node: "w2", networks: ["sec", "plain"] })
  .container("client", { node: "m1", networks: ["sec", "plain"] })
  .traffic("queries", "client").to("web:7777/udp").request({ size: 300, response: 3000, clients: 2 })
  .traffic("bulk", "client").to("web:80/tcp").request({ response: "64k" })
  .traffic("open", "client").to("other:7000/udp").rate("500/s").size("900B");

async function play(engine: Engine) {
  const platform = { openHost: async () => new EngineSession(engine), createEngine: async () => engine };
  await using lab = await startLab(() => prod.compile(), { seed: 3 }, platform);
  const capture = lab.capture({ at: ["m1:eth0", "client:eth0"] });
  for (let round = 0; round < 4; round++) {
    await lab.run({ for: "70ms" });
    await lab.rotateKeys();
  }
  const { digest, flows, hosts } = await lab.run({ for: "20ms" });
  const frames = (await capture.frames()).map(({ bytes }) => Buffer.from(bytes).toString("hex"));
  return { digest, frames, hosts, answered: flows.map(({ name, answered, delivered }) => [name, answered, delivered]) };
}

it("an encrypted overlay network is the same on both engines, byte for byte, through rotations", { timeout: 300_000 }, async () => {
  const [ts, wasm] = [await play(createTsEngine()), await play(createWasmEngine(await compileWasm(PACKED)))];
  expect(ts.frames.length).toBeGreaterThan(300);
  expect(wasm).toEqual(ts);
});
