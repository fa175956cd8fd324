import { packedWasm, WASM_LENGTH_BYTES } from "./bytes.gen";

/** Unpacks what zlib packed (RFC 1950). */
export type Inflate = (packed: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;

/**
 * Compiles the engine that comes with the package: once per process is enough, a module can be posted to workers. `inflate` is for
 * platforms that have something faster than a stream.
 *
 * @throws WebAssembly.CompileError where code generation is forbidden (a page's policy without `wasm-unsafe-eval`).
 * @example
 * const engine = createWasmEngine(await compileWasm());
 */
export async function compileWasm(inflate?: Inflate): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await decodeWasm(inflate));
}

/** The bytes of the module. They travel packed: base64 hides from a page's gzip what it could save. */
export async function decodeWasm(inflate: Inflate = inflateInStream): Promise<Uint8Array<ArrayBuffer>> {
  return inflate(packedWasm());
}

/** What every browser has. */
async function inflateInStream(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream("deflate");
  const writer = writable.getWriter();
  const written = Promise.all([writer.write(packed), writer.close()]);
  const bytes = new Uint8Array(WASM_LENGTH_BYTES);
  const reader = readable.getReader();
  let length = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    bytes.set(chunk.value, length);
    length += chunk.value.length;
  }
  await written;
  return bytes;
}
