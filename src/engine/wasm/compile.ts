/** A build of the engine inside the JavaScript. */
export interface PackedWasm {
  /** Unpacked. */
  readonly lengthBytes: number;
  /** What zlib makes of it (RFC 1950). It travels packed: base64 hides from a page's gzip what it could save. */
  readonly base64: string;
}

/** Unpacks what zlib packed. */
export type Inflate = (packed: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;

/**
 * Compiles a build of the engine: once per process is enough, a module can be posted to workers. `inflate` is for platforms that
 * have something faster than a stream.
 *
 * @throws WebAssembly.CompileError where code generation is forbidden (a page's policy without `wasm-unsafe-eval`).
 * @example
 * const engine = createWasmEngine(await compileWasm(PACKED));
 */
export async function compileWasm(packed: PackedWasm, inflate?: Inflate): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await decodeWasm(packed, inflate));
}

/** The bytes of the module, decoded anew at each call. */
export async function decodeWasm(packed: PackedWasm, inflate?: Inflate): Promise<Uint8Array<ArrayBuffer>> {
  const text = atob(packed.base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = text.charCodeAt(index);
  return inflate === undefined ? inflateInStream(bytes, packed.lengthBytes) : inflate(bytes);
}

/** What every browser has. */
async function inflateInStream(packed: Uint8Array<ArrayBuffer>, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new DecompressionStream("deflate");
  const writer = writable.getWriter();
  const written = Promise.all([writer.write(packed), writer.close()]);
  const bytes = new Uint8Array(lengthBytes);
  const reader = readable.getReader();
  let length = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    bytes.set(chunk.value, length);
    length += chunk.value.length;
  }
  await written;
  return bytes;
}
