import { describe, expect, it } from "vitest";
import { flow, input, latency } from "./fixture";
import { buildReport, renderJson } from "./json";
import { renderMarkdown } from "./markdown";
import { plainStyle } from "./style";
import { renderText } from "./text";

const report = buildReport(input);
const nothingSeen = latency(0, 0, 0, 0);

describe("the text report", () => {
  it("tells topology, traffic, drops, notices, failures, and closes with the speed", () => {
    expect(renderText(report)).toBe(
      `shop  3 containers, 2 networks, 1 host
Docker 29, wasm engine in a worker, seed 7

NETWORKS
  name        driver  subnet         gateway     bridge
  shop_front  bridge  172.18.0.0/16  172.18.0.1  br-1b2c3d4e5f60
  shop_back   bridge  172.30.0.0/24  172.30.0.1  br-a0b1c2d3e4f5  internal

CONTAINERS
  name          device  IPv4         MAC                network     route    published
  shop-web-1    eth0    172.18.0.2   02:42:ac:1e:00:0a  shop_front  default  8080→80
                                                                             127.0.0.1:5353→53/udp
                eth1    172.30.0.2   02:42:ac:1e:00:0a  shop_back   -
  shop-db-1     eth0    172.30.0.10  02:42:ac:1e:00:0a  shop_back   -
  shop-agent-1                                          the host's

TRAFFIC               sent  delivered  lost   throughput      p50      p99      max
  orders  requests over TCP, 2 clients each, latency round trip
    web-1 → db:5432  2,000      1,980     0  4.06 Mbit/s   412 µs  1.20 ms  3.10 ms
  metrics  messages over UDP, latency one way
    web-1 → db:5432  1,000        990    10  4.06 Mbit/s  23.4 µs    61 µs  1.25 ms
  broken  requests over TCP, latency round trip
    api-1 → db:1        40          0    40      0 bit/s        -        -        -

DROPS
  packets  reason     where                                what it means
       40  TcpReset   shop-api-1:eth0                      a TCP reset, which closed the connection
       10  LinkLoss   host1:veth-172.30.0.10 to shop-db-1  lost by the link, as it was told to
        2  OtherHost  shop-db-1:eth0                       addressed to another machine

NOTICES
  compose.yaml:4:10: services.web.dns: no DNS server is asked: names resolve as Docker's embedded
    one knows them

FAILED
  broken  shop-api-1 → db:1/tcp: nothing was answered: connection refused (40 times)

12,345 packets, 10 s virtual in 12 ms real time, 1.03 M packets/s, digest 0123456789abcdef`,
    );
  });

  it("tells the services of a swarm, and which of its networks are sealed", () => {
    const networks = [{ name: "shop_back", host: "host1", driver: "overlay", internal: true, subnet: "10.0.1.0/24", gateway: "10.0.1.1", bridge: "br0", mtu: 1424, encrypted: true, vnis: [4097] }];
    const services = [
      {
        name: "shop_web", tasks: 3, endpointMode: "vip" as const,
        virtualIps: [{ network: "ingress", ipv4: "10.0.0.5" }, { network: "shop_back", ipv4: "10.0.1.2" }],
        ports: [{ published: 8080, target: 80, protocol: "tcp", mode: "ingress" as const }, { published: 53, target: 53, protocol: "udp", mode: "host" as const }],
      },
      { name: "shop_db", tasks: 1, endpointMode: "dnsrr" as const, virtualIps: [], ports: [] },
    ];
    const swarmReport = buildReport({ ...input, topology: { ...input.topology, networks, services } });
    expect(renderText(swarmReport)).toContain(`NETWORKS
  name       driver   subnet       gateway   bridge
  shop_back  overlay  10.0.1.0/24  10.0.1.1  br0     internal, encrypted, VNI 4097

SERVICES
  name  tasks  virtual IP       network    published
  web       3  10.0.0.5         ingress    8080→80 on every node, 53→53/udp where tasks are
               10.0.1.2         shop_back
  db        1  none, DNS turns
`);
    expect(renderMarkdown(swarmReport)).toContain("| shop_web | 10.0.0.5 (ingress), 10.0.1.2 (shop_back) | 8080→80 on every node, 53→53/udp where tasks are | 3 |");
    expect(swarmReport.services).toEqual(services);
    expect(swarmReport.networks[0]).toMatchObject({ encrypted: true, vnis: [4097] });
  });

  it("tells how much the nodes of a swarm tell one another", () => {
    const sent = (messages: number, bytes: number) => ({ messages, bytes });
    const none = { probes: sent(0, 0), gossip: sent(0, 0), sync: sent(0, 0), heartbeats: sent(0, 0), raft: sent(0, 0) };
    const management = {
      isConverged: true,
      nodes: [
        { host: "m1", sent: { ...none, probes: sent(20, 2_000), raft: sent(40, 8_000) }, raft: { role: "leader", term: 2 } },
        { host: "w1", sent: { ...none, probes: sent(20, 2_000), heartbeats: sent(2, 300) } },
      ],
    };
    const swarmReport = buildReport({ ...input, result: { ...input.result, management } });
    expect(renderText(swarmReport)).toContain(`MANAGEMENT  m1 leads, all hosts know the same
              messages  a second  payload         rate
  probes            40       4/s     4 kB  3.20 kbit/s
  heartbeats         2    0.20/s    300 B    240 bit/s
  raft              40       4/s     8 kB  6.40 kbit/s
  from m1           60       6/s    10 kB     8 kbit/s
  from w1           22    2.20/s  2.30 kB  1.84 kbit/s
`);
    expect(renderMarkdown(swarmReport)).toContain("### Management: m1 leads, all hosts know the same");
    expect(swarmReport.management).toEqual({
      isConverged: true,
      leader: "m1",
      volumes: [
        { host: "m1", kind: "probes", messages: 20, payloadBytes: 2_000, messagesPerSecond: 2, payloadBitsPerSecond: 1_600 },
        { host: "m1", kind: "raft", messages: 40, payloadBytes: 8_000, messagesPerSecond: 4, payloadBitsPerSecond: 6_400 },
        { host: "w1", kind: "probes", messages: 20, payloadBytes: 2_000, messagesPerSecond: 2, payloadBitsPerSecond: 1_600 },
        { host: "w1", kind: "heartbeats", messages: 2, payloadBytes: 300, messagesPerSecond: 0.2, payloadBitsPerSecond: 240 },
      ],
    });
    expect(buildReport(input).management).toBeNull();
  });

  it("keeps to 100 columns with long names", () => {
    const name = "a-service-with-a-name-that-is-longer-than-anybody-would-like-it";
    const long = { ...flow(name, { from: `${name}-1`, to: `${name}:65535/udp` }), flows: 1 };
    const { topology, result } = input;
    const containers = topology.containers.map((container) => ({ ...container, name: `${name}-${container.name}` }));
    const drops = [{ reason: "QdiscDrop" as const, place: `${name}-1:eth0`, count: 1_234_567 }];
    const text = renderText(buildReport({ topology: { ...topology, containers }, result: { ...result, traffic: [long], drops } }));
    const headings = text.split("\n").filter((line) => !line.includes("latency one way"));
    expect(headings.filter((line) => [...line].length > 100)).toEqual([]);
  });

  it("marks words only with what it is given", () => {
    const marked = renderText(report, { style: { ...plainStyle, bad: (text) => `<${text}>` } });
    expect(marked).toContain("<FAILED>");
    expect(renderText(report)).not.toContain(String.fromCharCode(27));
  });

  it("leaves out what there is nothing to say about", () => {
    const { topology, result } = input;
    const quiet = renderText(buildReport({ topology, result: { ...result, drops: [], traffic: [] } }));
    expect(quiet).not.toMatch(/DROPS|TRAFFIC|NOTICES|FAILED/);
  });
});

describe("the JSON report", () => {
  it("is one value of whole numbers with units in their names", () => {
    const parsed = JSON.parse(renderJson(report)) as typeof report;
    expect(parsed).toEqual(report);
    expect(parsed.format).toBe(1);
    expect(parsed.flows[0]).toMatchObject({ name: "orders#1", traffic: "orders", lastError: null, throughputBitsPerSecond: 4_055_040 });
    expect(parsed.traffic[0]?.latency).toEqual({ count: 1_980, minNs: 206_000, meanNs: 412_000, p50Ns: 412_000, p90Ns: 1_200_000, p99Ns: 1_200_000, maxNs: 3_100_000 });
    expect(parsed.notices[0]).toMatchObject({ file: "compose.yaml", line: 4, column: 10 });
  });

  it("keeps its sections", () => {
    const sections = ["format", "project", "run", "hosts", "networks", "services", "containers", "traffic", "flows", "management", "drops", "devices", "notices", "problems"];
    expect(Object.keys(report)).toEqual(sections);
  });
});

describe("the Markdown report", () => {
  it("has the same tables", () => {
    const text = renderMarkdown(report);
    expect(text).toContain("| orders | shop-web-1 | db:5432/tcp | request | 2,000 | 1,980 | 0 | 4.06 Mbit/s | 412 µs | 1.20 ms | 3.10 ms |");
    expect(text).toContain("| `LinkLoss` | host1:veth-172.30.0.10 | lost by the link, as it was told to | 10 |");
    expect(text).toContain("- `compose.yaml:4` `services.web.dns`: no DNS server");
  });
});

describe("a failed run", () => {
  const problemsOf = (some: Parameters<typeof flow>[1]) => {
    return buildReport({ ...input, result: { ...input.result, traffic: [{ ...flow("x", some), flows: 1 }] } }).problems.map(({ message }) => message);
  };

  it("is one where nothing of a traffic arrived", () => {
    expect(problemsOf({ delivered: 0, latency: nothingSeen })).toEqual(["nothing was delivered"]);
    expect(problemsOf({ kind: "ping", delivered: 0, answered: 0 })).toEqual(["nothing was answered"]);
    expect(problemsOf({ kind: "ping", delivered: 5, answered: 0 })).toEqual(["no answer came back"]);
  });

  it("is one where a process saw an error", () => {
    expect(problemsOf({ errors: 1, lastError: "MessageTooLong" })).toEqual(["message too long (once)"]);
  });

  it("is not one of loss, or of traffic whose time did not come", () => {
    expect(problemsOf({ lost: 900, delivered: 100, timeouts: 7, retransmits: 3 })).toEqual([]);
    expect(problemsOf({ sent: 0, delivered: 0, lost: 0, state: "waiting" })).toEqual([]);
    expect(problemsOf({ sent: 2, delivered: 0, lost: 0, inFlight: 2 })).toEqual([]);
  });
});
