import { renderSave } from "../../model/firewall";
import type { HostState } from "../../model/state";

/**
 * The packet filters of hosts as `iptables-save` and `ip6tables-save` print them, counters 0; tables that nobody has touched are left out.
 *
 * @example renderRules(state.hosts) // "# host1: iptables-save\n*nat\n:PREROUTING ACCEPT [0:0]\n…"
 */
export function renderRules(hosts: readonly Pick<HostState, "name" | "firewall">[]): string {
  return hosts
    .flatMap(({ name, firewall }) => [
      `# ${name}: iptables-save\n${renderSave(firewall, 4, { skipEmpty: true })}`,
      `# ${name}: ip6tables-save\n${renderSave(firewall, 6, { skipEmpty: true })}`,
    ])
    .join("\n");
}
