import { NONE, type Command } from "../command";
import { printList } from "../list";
import { ask } from "../refusals";
import { ListRow } from "../template/row";
import { descriptionOf } from "./groups";
import { others, refuseOthers } from "./other-flags";

/** docker/cli cli/command/node/list.go. */
const LIST: Command = {
  path: "node ls",
  usage: "[OPTIONS]",
  short: descriptionOf("node ls"),
  count: NONE,
  flags: [{ name: "format", kind: "text" }, { name: "quiet", short: "q", kind: "switch" }, ...others("filter")],
  run(call) {
    const { daemon, flags, output } = call;
    const { nodes, own, leader } = ask(() => daemon.swarm.nodes());
    refuseOthers(call);
    const sorted = [...nodes].sort((a, b) => (a.hostname < b.hostname ? -1 : a.hostname > b.hostname ? 1 : 0));
    const rows = sorted.map((node) => {
      const status = node.isReady ? "Ready" : "Down";
      const manager = node.role !== "manager" ? "" : node === leader ? "Leader" : node.isReady ? "Reachable" : "Unreachable";
      const availability = `${node.availability.charAt(0).toUpperCase()}${node.availability.slice(1)}`;
      return new ListRow({
        ID: node.id, Self: node === own ? "true" : "", Hostname: node.hostname, Status: status, Availability: availability, ManagerStatus: manager, TLSStatus: node.isReady ? "Ready" : "Unknown",
        EngineVersion: "20.10.24+dfsg1",
      }, {});
    });
    const table = "{{.ID}} {{if .Self}}*{{else}} {{ end }}\t{{.Hostname}}\t{{.Status}}\t{{.Availability}}\t{{.ManagerStatus}}\t{{.EngineVersion}}";
    const raw = "node_id: {{.ID}}\nhostname: {{.Hostname}}\nstatus: {{.Status}}\navailability: {{.Availability}}\nmanager_status: {{.ManagerStatus}}\n";
    const headings = {
      ID: "ID", Self: "", Hostname: "HOSTNAME", Status: "STATUS", Availability: "AVAILABILITY", ManagerStatus: "MANAGER STATUS", TLSStatus: "TLS STATUS", EngineVersion: "ENGINE VERSION",
    };
    printList({ type: "*node.nodeContext", table, raw, quiet: "{{.ID}}", headings, rows }, flags.text("format"), flags.on("quiet"), output);
  },
};

export const NODE_VERBS: readonly Command[] = [LIST];
