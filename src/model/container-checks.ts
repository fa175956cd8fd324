import { modeOf } from "./container";
import type { GenerationRules } from "./generation";
import { refuse } from "./refusal";
import type { ContainerSpec } from "./spec";

/** moby daemon/names/names.go: RestrictedNameChars, followed by at least one more. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/**
 * What `docker create` refuses before it looks at any network (moby daemon/internal/runconfig/hostconfig.go and
 * daemon/container_operations.go).
 *
 * @throws SimulationError `INVALID_INPUT` or `CONFLICT` in Docker's words.
 */
export function checkContainer(spec: ContainerSpec, rules: GenerationRules): void {
  const fail = (daemon: string, position = spec.position): never => refuse("INVALID_INPUT", `container ${spec.name}`, daemon, position);
  if (!NAME.test(spec.name)) fail(`Invalid container name (${spec.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  if (spec.networkMode !== undefined && spec.networks.length > 0) {
    fail(`the network mode ${spec.networkMode} excludes networks (${spec.networks.map(({ network }) => network).join(", ")})`);
  }
  checkMode(spec, rules, fail);
  const seen = new Set<string>();
  for (const [index, endpoint] of spec.networks.entries()) {
    if (seen.has(endpoint.network)) {
      const twice = `endpoint with name ${spec.name} already exists in network ${endpoint.network}`;
      refuse("CONFLICT", `container ${spec.name}`, twice, endpoint.position ?? spec.position);
    }
    seen.add(endpoint.network);
    const reason = rules.endpoints.check(endpoint, index);
    if (reason !== undefined) fail(reason, endpoint.position ?? spec.position);
    if (endpoint.network === "bridge" && endpoint.aliases.length > 0) fail(rules.messages.aliasNeedsUserNetwork, endpoint.position ?? spec.position);
  }
}

function checkMode(spec: ContainerSpec, rules: GenerationRules, fail: (daemon: string) => never): void {
  const { mode } = modeOf(spec);
  if (mode === "sandbox") return;
  if (spec.links.length > 0) fail("links are only supported for user-defined networks");
  if (mode !== "container") return;
  if (spec.networkMode === "container:") fail(rules.messages.badContainerMode);
  if (spec.hostname !== undefined) fail("conflicting options: hostname and the network mode");
  if (spec.extraHosts.length > 0) fail("conflicting options: custom host-to-IP mapping and the network mode");
  if (spec.publish.length > 0) fail("conflicting options: port publishing and the container type network mode");
  if (spec.expose.length > 0) fail("conflicting options: port exposing and the container type network mode");
}
