import type { Timekeeper } from "./agenda";
import type { Operations } from "./operations";

/** Swarms do in time what they have set themselves: they restart tasks, roll updates out, give nodes up. */
export function swarmTime(operations: Operations): Timekeeper {
  return {
    get nextAt() {
      return operations.nextAt;
    },
    act: (now) => operations.run((daemons) => [...daemons.values()][0]?.swarm.advanceTo(now)),
  };
}
