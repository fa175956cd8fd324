/** The worker script, bundled into one classic script (scripts/inline-worker.mjs) as text. */
declare module "inline-worker:host" {
  const source: string;
  export default source;
}
