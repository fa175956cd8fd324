import type { Engine } from "../engine";
import { TsEngine } from "./engine";

/**
 * A packet path in plain TypeScript, which behaves as docs/ENGINE.md says.
 *
 * @example
 * const engine = createTsEngine();
 * engine.load(program, { seed: 7 });
 * engine.run(1_000_000_000, Infinity);
 * console.log(engine.digest());
 */
export function createTsEngine(): Engine {
  return new TsEngine();
}
