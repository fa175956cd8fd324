import { expect, it } from "vitest";
import { containersOnBridge } from "../../../test/support/program";
import { PACKED } from "./bytes.gen";
import { compileWasm } from "./compile";
import { imageOf } from "./encode";
import { EXPORT_NAMES, instantiate } from "./instance";

it("exports what the SDK calls", async () => {
  const module = await compileWasm(PACKED);
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  expect(EXPORT_NAMES.filter((name) => !names.includes(name))).toEqual([]);
});

it("names a broken invariant and its place", async () => {
  const wasm = instantiate(await compileWasm(PACKED));
  const program = containersOnBridge(2).draft.program();
  const image = imageOf(program);
  const address = wasm.reserveImage(image.bytes) >>> 0;
  image.write(new DataView(wasm.memory.buffer, address, image.bytes));
  expect(wasm.build(7)).toBe(1);
  expect(() => wasm.build(7)).toThrow(/^abort: arena: reserved before it is sealed at assembly\/memory\/arena\.ts:\d+:\d+$/);
});
