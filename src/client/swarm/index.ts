import type { Command } from "../command";
import { FILE_VERBS } from "./files";
import { NODE_VERBS } from "./node";
import { SERVICE_VERBS } from "./service";
import { STACK_VERBS } from "./stack";
import { SWARM_VERBS } from "./swarm";

export { SWARM_GROUPS } from "./groups";

/** The commands of `SWARM_GROUPS`. */
export const SWARM_COMMANDS: readonly Command[] = [...SWARM_VERBS, ...NODE_VERBS, ...SERVICE_VERBS, ...FILE_VERBS, ...STACK_VERBS];
