import { formatCount, formatRate, formatTime } from "./format";
import { MANAGEMENT_TITLES, managementRows, managementWords } from "./management";
import { hostWords, networkLines, networkWords } from "./networks";
import { isAnswered } from "./problems";
import type { RunReport } from "./report";
import { markdownTable, type Column } from "./table";
import { closingLine, servicePorts } from "./text";

/**
 * A report for a pull request or a page: GitHub's Markdown, with a line break at its end.
 *
 * @example await appendFile(process.env.GITHUB_STEP_SUMMARY, renderMarkdown(report))
 */
export function renderMarkdown(report: RunReport): string {
  const { project, run } = report;
  const heading = [`## ${project.name}`, "", `Docker ${project.docker}, ${run.engine} engine, seed ${run.seed}. ${closingLine(report)}`];
  const sections = [heading, problems(report), traffic(report), management(report), drops(report), networks(report), services(report), containers(report), notices(report)];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function section(title: string, columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [`### ${title}`, "", ...markdownTable(columns, rows)];
}

function columns(titles: readonly string[], numbers = 0): Column[] {
  return titles.map((title, index) => ({ title, align: index >= titles.length - numbers ? "right" : "left" }));
}

function problems({ problems: found }: RunReport): string[] {
  return section("Failed", columns(["traffic", "from", "to", "why"]), found.map(({ traffic: name, from, to, message }) => [name, from, to, message]));
}

function traffic(report: RunReport): string[] {
  const titles = ["traffic", "from", "to", "kind", "sent", "delivered", "lost", "throughput", "p50", "p99", "max"];
  const rows = report.traffic.map((item) => {
    const answered = isAnswered(item);
    const times = [item.latency.p50Ns, item.latency.p99Ns, item.latency.maxNs].map((ns) => (item.latency.count === 0 ? "-" : formatTime(ns)));
    const counts = [item.sent, answered ? item.answered : item.delivered, item.lost].map(formatCount);
    return [item.name, item.from, item.to, item.kind, ...counts, formatRate(item.throughputBitsPerSecond), ...times];
  });
  return section("Traffic", columns(titles, 7), rows);
}

function management(report: RunReport): string[] {
  return section(`Management: ${managementWords(report)}`, columns(MANAGEMENT_TITLES, 4), managementRows(report));
}

function drops(report: RunReport): string[] {
  const rows = report.drops.map(({ reason, place, meaning, packets }) => [`\`${reason}\``, place, meaning, formatCount(packets)]);
  return section("Drops", columns(["reason", "where", "what it means", "packets"], 1), rows);
}

function networks(report: RunReport): string[] {
  const several = report.hosts.length > 1;
  const rows = networkLines(report).map((network) => {
    const words = [network.driver, networkWords(network)].filter((word) => word !== "").join(", ");
    return [network.name, ...(several ? [hostWords(network.hosts, report)] : []), words, network.subnet, network.gateway, network.bridge];
  });
  return section("Networks", columns(["name", ...(several ? ["host"] : []), "driver", "subnet", "gateway", "bridge"]), rows);
}

function services(report: RunReport): string[] {
  const rows = report.services.map(({ name, tasks, virtualIps, ports }) => {
    return [name, virtualIps.map(({ ipv4, network }) => `${ipv4} (${network})`).join(", "), servicePorts(ports), formatCount(tasks)];
  });
  return section("Services", columns(["name", "virtual IP", "published", "tasks"], 1), rows);
}

function containers(report: RunReport): string[] {
  const several = report.hosts.length > 1;
  const rows = report.containers.flatMap(({ label, host, networkMode, interfaces }) => {
    const place = [label, ...(several ? [host] : [])];
    return interfaces.length === 0
      ? [[...place, "", "", "", networkMode]]
      : interfaces.map((item) => [...place, item.name, item.ipv4, item.mac, item.network]);
  });
  return section("Containers", columns(["name", ...(several ? ["host"] : []), "device", "IPv4", "MAC", "network"]), rows);
}

function notices(report: RunReport): string[] {
  if (report.notices.length === 0) return [];
  const lines = report.notices.map(({ file, line, path, message }) => `- ${file === null ? "" : `\`${file}:${line}\` `}\`${path}\`: ${message}`);
  return ["### Notices", "", ...lines];
}
