import type { DatapathProgram } from "../../engine/program";
import { renderAddresses } from "./ip-addr";
import { renderRoutes } from "./ip-route";
import { renderServices } from "./ipvs";
import { renderBridgePorts } from "./bridge-link";

/**
 * A program as the tools of iproute2 and ipvsadm would print it, one namespace after the other.
 *
 * @example render(compile(spec).program).includes("default via 172.17.0.1 dev eth0") // true
 */
export function render(program: DatapathProgram): string {
  const parts = program.names.namespaces.flatMap((name, namespace) => [
    section(name, "ip addr", renderAddresses(program, namespace)),
    section(name, "ip route", renderRoutes(program, namespace)),
    section(name, "bridge link", renderBridgePorts(program, namespace)),
    section(name, "ipvsadm --save -n", renderServices(program, namespace)),
  ]);
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function section(namespace: string, command: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : [`# ${namespace}: ${command}`, ...lines].join("\n");
}
