/** What `assembly/index.ts` exports, where each is explained. Booleans cross as 0 and 1, addresses as i32. */
export interface WasmExports {
  readonly memory: WebAssembly.Memory;
  abiVersion(): number;
  manyHosts(): number;
  reserveImage(bytes: number): number;
  build(seed: number): number;
  reserveReload(bytes: number): number;
  reload(): number;
  run(until: number, budget: number): number;
  processedEvents(): number;
  now(): number;
  inputAddress(): number;
  inject(device: number, bytes: number, time: number): void;
  deleteConntrack(): void;
  setDevice(index: number, up: number): void;
  setLink(index: number): number;
  reservePayload(index: number, bytes: number): number;
  setPayload(index: number): void;
  setFlow(index: number): void;
  setSocket(index: number): void;
  appendDomain(bytes: number): void;
  observe(snaplen: number, drops: number): void;
  captureDevice(index: number): void;
  traceFlow(index: number, packets: number): void;
  eventsAddress(): number;
  eventCount(): number;
  eventsLost(): number;
  captureAddress(): number;
  captureBytes(): number;
  forget(): void;
  totals(): number;
  deviceCountersAddress(): number;
  deviceDropsAddress(): number;
  flowCountersAddress(): number;
  repliesAddress(): number;
  histogramsAddress(): number;
  ruleCountersAddress(): number;
  flowDropsAddress(): number;
  hostBusy(index: number): number;
  digestFirst(): number;
  digestSecond(): number;
}

/** The names above, for the test that compares them with a module's. */
export const EXPORT_NAMES: readonly (keyof WasmExports)[] = [
  "memory",
  "abiVersion",
  "manyHosts",
  "reserveImage",
  "build",
  "reserveReload",
  "reload",
  "run",
  "processedEvents",
  "now",
  "inputAddress",
  "inject",
  "deleteConntrack",
  "setDevice",
  "setLink",
  "reservePayload",
  "setPayload",
  "setFlow",
  "setSocket",
  "observe",
  "captureDevice",
  "traceFlow",
  "eventsAddress",
  "eventCount",
  "eventsLost",
  "captureAddress",
  "captureBytes",
  "forget",
  "totals",
  "deviceCountersAddress",
  "deviceDropsAddress",
  "flowCountersAddress",
  "histogramsAddress",
  "ruleCountersAddress",
  "flowDropsAddress",
  "hostBusy",
  "digestFirst",
  "digestSecond",
];

/** A fresh engine with a memory of its own. A failed assertion is an `Error` that names it and its place. */
export function instantiate(module: WebAssembly.Module): WasmExports {
  const abort = (message: number, file: number, line: number, column: number): never => {
    throw new Error(`abort: ${readText(exports.memory, message)} at ${readText(exports.memory, file)}:${line}:${column}`);
  };
  const exports = new WebAssembly.Instance(module, { env: { abort } }).exports as unknown as WasmExports;
  return exports;
}

/** A string of AssemblyScript: UTF-16, its length in bytes in the four bytes before it; 0: none. */
function readText({ buffer }: WebAssembly.Memory, address: number): string {
  if (address === 0) return "";
  const length = new DataView(buffer).getUint32(address - 4, true);
  return new TextDecoder("utf-16le").decode(new Uint8Array(buffer, address, length));
}
