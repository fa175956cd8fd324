import type { GenerationRules } from "./generation";
import { generation29 } from "./generation-29";
import { unsupported } from "./refusal";
import type { DockerGeneration } from "./spec";

const known = new Map<DockerGeneration, GenerationRules>([[generation29.name, generation29]]);

/** From now on there is this generation, too: few descriptions follow an older one, so that a page loads it when one does. */
export function knowGeneration(rules: GenerationRules): void {
  known.set(rules.name, rules);
}

/**
 * The rules of one generation.
 *
 * @throws SimulationError `UNSUPPORTED` for one that has not been loaded.
 */
export function rulesOf(generation: DockerGeneration): GenerationRules {
  return known.get(generation) ?? unsupported(`Docker ${generation}`, "a description that is compiled at once with it (start it instead)");
}
