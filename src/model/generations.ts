import type { GenerationRules } from "./generation";
import { generation20 } from "./generation-20.10";
import { generation29 } from "./generation-29";
import type { DockerGeneration } from "./spec";

const GENERATIONS: Readonly<Record<DockerGeneration, GenerationRules>> = { "20.10": generation20, "29": generation29 };

/** The rules of one generation: the only place that knows them by name. */
export function rulesOf(generation: DockerGeneration): GenerationRules {
  return GENERATIONS[generation];
}
