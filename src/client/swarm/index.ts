import type { Command } from "../command";
import { NODE_VERBS } from "./node";
import { refusedCommands } from "./refused";
import { SERVICE_VERBS } from "./service";
import { SWARM_VERBS } from "./swarm";

export { SWARM_GROUPS } from "./groups";

const MADE: readonly Command[] = [...SWARM_VERBS, ...NODE_VERBS, ...SERVICE_VERBS];

/** The commands of `SWARM_GROUPS`. */
export const SWARM_COMMANDS: readonly Command[] = [...MADE, ...refusedCommands(MADE)];
