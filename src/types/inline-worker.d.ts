/** The worker scripts, each bundled into one classic script (scripts/inline-worker.mjs) as text. */
declare module "inline-worker:host" {
  const source: string;
  export default source;
}
declare module "inline-worker:wasm-host" {
  const source: string;
  export default source;
}
