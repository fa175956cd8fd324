import type { DockerTopology } from "../api/docker";
import { fromSpec } from "../targets/bound";
import { loadCompose, type LoadOptions } from "./load";
import type { Notice } from "./notice";
import { toTopology, type TopologyOptions } from "./to-topology";

export interface ComposeOptions extends LoadOptions, TopologyOptions {
  /** What messages call the text; its folder is where relative paths start. `"compose.yaml"` unless given. */
  readonly file?: string;
  /** Told of everything that was understood and has no effect here. */
  readonly onNotice?: (notice: Notice) => void;
}

/**
 * A Compose application on paper, as `docker compose up` would make it: the same kind of description as that of `docker(…)`, to
 * compile, to start, or to build on. Traffic is that of its `x-dockwire` section, or follows from `depends_on`.
 *
 * @param input the text of a Compose file, or the same as a plain object
 * @throws SimulationError as `loadCompose` does: one sentence with file, line and column.
 * @example
 * await using lab = await compose(await readFile("compose.yaml", "utf8")).start();
 * const { traffic } = await lab.run({ for: "10s" });
 */
export function compose(input: string | Readonly<Record<string, unknown>>, options: ComposeOptions = {}): DockerTopology {
  const { file = "compose.yaml", onNotice, generation, seed, nodes, ...loading } = options;
  const project = loadCompose(typeof input === "string" ? { file, text: input } : input, { ...loading, isStack: nodes !== undefined });
  const { spec, notices } = toTopology(project, { ...(generation !== undefined && { generation }), ...(seed !== undefined && { seed }), ...(nodes !== undefined && { nodes }) });
  for (const notice of notices) onNotice?.(notice);
  return fromSpec(spec);
}
