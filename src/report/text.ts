import { dropText } from "./drop-text";
import { formatCount, formatPerSecond, formatQuantity, formatRate, formatTime } from "./format";
import { MANAGEMENT_TITLES, managementRows, managementWords } from "./management";
import { hostWords, networkLines, networkWords } from "./networks";
import { isAnswered } from "./problems";
import type { ReportNotice, ReportPort, ReportServicePort, ReportTraffic, RunReport } from "./report";
import { plainStyle, type Style } from "./style";
import { PAGE_WIDTH, table, wrapText, type Cell, type Column } from "./table";

export interface TextOptions {
  /** Marks for a terminal; none by default. */
  readonly style?: Style;
  /** Columns of the page. */
  readonly width?: number;
  /** Names are never cut, even if lines are longer than the page: for what is not read on a screen. */
  readonly isWhole?: boolean;
}

/**
 * A report for people, without a line break at its end.
 *
 * @example console.log(renderText(report))
 */
export function renderText(report: RunReport, options: TextOptions = {}): string {
  const page: Page = { report, style: options.style ?? plainStyle, width: options.width ?? PAGE_WIDTH, isWhole: options.isWhole ?? false };
  const sections = [header, networks, services, containers, traffic, management, drops, notices, problems, closing];
  return sections
    .map((section) => section(page).join("\n"))
    .filter((text) => text !== "")
    .join("\n\n");
}

interface Page {
  readonly report: RunReport;
  readonly style: Style;
  readonly width: number;
  readonly isWhole: boolean;
}

const INDENT = 2;

function section({ style, width, isWhole }: Page, title: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): string[] {
  return rows.length === 0 ? [] : [style.title(title), ...table(columns, rows, { style, width, isWhole, indent: INDENT })];
}

function header({ report, style }: Page): string[] {
  const { project, run } = report;
  const size = [
    formatQuantity(report.containers.length, "container"),
    formatQuantity(networkLines(report).length, "network"),
    formatQuantity(report.hosts.length, "host"),
  ].join(", ");
  const place = run.place === "worker" ? "in a worker" : "in this thread";
  const engine = `${run.engine} engine ${place}, seed ${run.seed}`;
  return [`${style.title(project.name)}  ${size}`, style.dim(`Docker ${project.docker}, ${engine}`)];
}

function networks(page: Page): string[] {
  const { report } = page;
  const columns = [{ title: "name", shrink: true }, ...hostColumn(report), { title: "driver" }, { title: "subnet" }, { title: "gateway" }, { title: "bridge" }, { title: "" }];
  const rows = networkLines(report).map((network): Cell[] => [
    { text: network.name, mark: "name" },
    ...hostCell(report, hostWords(network.hosts, report)),
    network.driver,
    network.subnet,
    network.gateway,
    network.bridge,
    network.internal ? { text: networkWords(network), mark: "warning" } : networkWords(network),
  ]);
  return section(page, "NETWORKS", columns, rows);
}

/** One line for each virtual address. */
function services(page: Page): string[] {
  const { report } = page;
  const columns: Column[] = [{ title: "name", shrink: true }, { title: "tasks", align: "right" }, { title: "virtual IP" }, { title: "network", shrink: true }, { title: "published", wrap: true }];
  const rows = report.services.flatMap((service): Cell[][] => {
    const [first, ...others] = service.virtualIps;
    const name: Cell = { text: shortName(service.name, report.project.name), mark: "name" };
    const head: Cell[] = [name, formatCount(service.tasks), first?.ipv4 ?? "none, DNS turns", first?.network ?? "", servicePorts(service.ports)];
    return [head, ...others.map(({ ipv4, network }): Cell[] => ["", "", ipv4, network, ""])];
  });
  return section(page, "SERVICES", columns, rows);
}

/** Where there is one host only, nobody asks which. */
function hostColumn({ hosts }: RunReport): Column[] {
  return hosts.length > 1 ? [{ title: "host", wrap: true }] : [];
}

function hostCell({ hosts }: RunReport, text: string): Cell[] {
  return hosts.length > 1 ? [text] : [];
}

function containers(page: Page): string[] {
  const { report } = page;
  const columns: Column[] = [
    { title: "name", shrink: true },
    ...hostColumn(report),
    { title: "device" },
    { title: "IPv4" },
    { title: "MAC" },
    { title: "network", shrink: true },
    { title: "route" },
    { title: "published", wrap: true },
  ];
  const rows = report.containers.flatMap((container): Cell[][] => {
    const ports = publishedPorts(container.ports);
    const name: Cell = { text: container.label, mark: "name" };
    const host = hostCell(report, container.host);
    if (container.interfaces.length === 0) return [[name, ...host, "", "", "", networkModeWords(container.networkMode), "", ports]];
    return container.interfaces.map((item, index) => [
      index === 0 ? name : "",
      ...(index === 0 ? host : host.map(() => "")),
      item.name,
      item.ipv4,
      item.mac,
      item.network,
      item.isDefaultRoute ? "default" : { text: "-", mark: "dim" },
      index === 0 ? ports : "",
    ]);
  });
  return section(page, "CONTAINERS", columns, rows);
}

function networkModeWords(mode: string): string {
  if (mode === "host") return "the host's";
  if (mode === "none") return "none";
  return mode.startsWith("container:") ? `that of ${mode.slice("container:".length)}` : mode;
}

/** `8080→80`; an address or a protocol only where it is not the usual one. One port on both families is one entry. */
function publishedPorts(ports: readonly ReportPort[]): string {
  const words = ports.map(({ hostIp, hostPort, containerPort, protocol }) => {
    const address = hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::" ? "" : `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:`;
    return `${address}${hostPort}→${containerPort}${protocol === "tcp" ? "" : `/${protocol}`}`;
  });
  return [...new Set(words)].join(" ");
}

/** `8080→80 on every node`, `53→53/udp where tasks are`. */
export function servicePorts(ports: readonly ReportServicePort[]): string {
  const words = ports.map(({ published, target, protocol, mode }) => {
    const port = `${published === 0 ? "" : published}→${target}${protocol === "tcp" ? "" : `/${protocol}`}`;
    return `${port} ${mode === "ingress" ? "on every node" : "where tasks are"}`;
  });
  return words.join(", ");
}

function traffic(page: Page): string[] {
  const { report, style, width, isWhole } = page;
  if (report.traffic.length === 0) return [];
  const columns: Column[] = [
    { title: "", shrink: true },
    { title: "sent", align: "right" },
    { title: "delivered", align: "right" },
    { title: "lost", align: "right" },
    { title: "throughput", align: "right" },
    { title: "p50", align: "right" },
    { title: "p99", align: "right" },
    { title: "max", align: "right" },
  ];
  const lines = table(columns, report.traffic.map((item) => trafficRow(item, report.project.name)), { style, width, isWhole, indent: INDENT });
  const [titles = "", ...rows] = lines;
  const result = [style.title("TRAFFIC") + titles.slice("TRAFFIC".length)];
  for (const [index, item] of report.traffic.entries()) {
    if (item.name !== report.traffic[index - 1]?.name) result.push(`${" ".repeat(INDENT)}${trafficHeading(item, style)}`);
    result.push(rows[index] ?? "");
  }
  return result;
}

function trafficHeading(item: ReportTraffic, style: Style): string {
  const latency = isAnswered(item) ? "round trip" : "one way";
  const clients = item.flows === 1 ? "" : `, ${item.flows} clients each`;
  return `${style.name(item.name)}  ${style.dim(`${KIND_WORDS[item.kind]} over ${item.protocol.toUpperCase()}${clients}, latency ${latency}`)}`;
}

const KIND_WORDS: Readonly<Record<ReportTraffic["kind"], string>> = {
  constant: "messages",
  poisson: "messages at random",
  onoff: "bursts of messages",
  request: "requests",
  ping: "pings",
  exchange: "exchanges, a connection each",
  query: "DNS queries",
  announce: "gratuitous ARP",
};

function trafficRow(item: ReportTraffic, project: string): Cell[] {
  const { latency } = item;
  const time = (ns: number) => (latency.count === 0 ? "-" : formatTime(ns));
  const completed = isAnswered(item) ? item.answered : item.delivered;
  const failed = completed === 0 && item.lost > 0;
  // The translation on the way, such as `lan → host1:8080 → web-1:80`.
  const behind = item.publishedBy === null ? "" : ` → ${shortName(item.publishedBy, project)}`;
  return [
    `  ${shortName(item.from, project)} → ${item.to.replace(/\/tcp$/, "")}${behind}`,
    formatCount(item.sent),
    failed ? { text: formatCount(completed), mark: "bad" } : formatCount(completed),
    item.lost === 0 ? { text: "0", mark: "dim" } : { text: formatCount(item.lost), mark: "warning" },
    formatRate(item.throughputBitsPerSecond),
    time(latency.p50Ns),
    time(latency.p99Ns),
    time(latency.maxNs),
  ];
}

/** Compose puts the project in front of every name, a stack with `_`; the heading has it already. */
function shortName(name: string, project: string): string {
  return /^[-_]/.test(name.slice(project.length)) && name.startsWith(project) && name.length > project.length + 1 ? name.slice(project.length + 1) : name;
}

function management(page: Page): string[] {
  const rows = managementRows(page.report);
  const columns: Column[] = MANAGEMENT_TITLES.map((title, index) => (index === 0 ? { title, shrink: true } : { title, align: "right" }));
  const [title = "", ...lines] = section(page, "MANAGEMENT", columns, rows.map(([name, ...numbers]): Cell[] => [{ text: name, mark: "name" }, ...numbers]));
  return lines.length === 0 ? [] : [`${title}  ${page.style.dim(managementWords(page.report))}`, ...lines];
}

function drops(page: Page): string[] {
  const columns: Column[] = [
    { title: "packets", align: "right" },
    { title: "reason" },
    { title: "where", shrink: true },
    { title: "what it means", wrap: true },
  ];
  const rows = page.report.drops.map(({ packets, reason, place, container, meaning }): Cell[] => [
    formatCount(packets),
    { text: reason, mark: dropText(reason).isHarmless === true ? "dim" : "warning" },
    // A port of a bridge says little without what is plugged in.
    container === null || place.startsWith(`${container}:`) ? place : `${place} to ${container}`,
    meaning,
  ]);
  return section(page, "DROPS", columns, rows);
}

function notices({ report, style, width }: Page): string[] {
  if (report.notices.length === 0) return [];
  const lines = report.notices.flatMap((notice) => {
    const [first = "", ...others] = wrapText(`${noticePosition(notice)}${notice.path}: ${notice.message}`, width - 2 * INDENT);
    return [`  ${first}`, ...others.map((line) => `    ${line}`)];
  });
  return [style.title("NOTICES"), ...lines];
}

function noticePosition({ file, line, column }: ReportNotice): string {
  return file === null ? "" : `${file}:${line}:${column}: `;
}

function problems({ report, style }: Page): string[] {
  if (report.problems.length === 0) return [];
  const lines = report.problems.map(({ traffic: name, from, to, message }) => `  ${style.bad(name)}  ${from} → ${to}: ${message}`);
  return [style.bad("FAILED"), ...lines];
}

function closing({ report, style }: Page): string[] {
  return [closingLine(report, style)];
}

/**
 * One line that says it all: packets that reached a process, virtual and real time, speed, digest.
 *
 * @example closingLine(report) // "12,345 packets, 10 s virtual in 12 ms real time, 1.03 M packets/s, digest 0123456789abcdef"
 */
export function closingLine({ run }: RunReport, style: Style = plainStyle): string {
  const packets = style.good(formatQuantity(run.deliveredPackets, "packet"));
  const times = `${formatTime(run.virtualTimeNs)} virtual in ${formatTime(run.realTimeMs * 1e6)} real time`;
  const speed = formatPerSecond(run.deliveredPackets / Math.max(run.realTimeMs / 1_000, 0.001)).replace("/s", " packets/s");
  return `${packets}, ${times}, ${style.good(speed)}, digest ${style.name(run.digest)}`;
}
