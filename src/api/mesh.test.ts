/** Load balancing in a swarm, step by step, as reference tables of the routing mesh have it. */
import { describe, expect, it } from "vitest";
import { swarm } from "../../test/support/docker";
import { describeFrame } from "../../test/support/frame";
import { startHere } from "../../test/support/lab";
import type { Lab } from "./lab";
import type { ReachResult } from "./reach";

const two = swarm("prod").node("m1").node("w1").overlay("back", { attachable: true });
const prod = two.service("web", { replicas: 2, networks: ["back"], publish: ["8080:80"] }).container("client", { networks: ["back"] });

/** First segments of connections (SYN), as they pass devices: `DEVICE: SOURCE:PORT > DESTINATION:PORT`, client ports left out. */
async function synsOf(lab: Lab, at: readonly string[], act: () => Promise<unknown>): Promise<string[]> {
  const capture = lab.capture({ at });
  await act();
  capture.stop();
  const frames = (await capture.frames()).map(({ device, bytes }) => ({ device, line: describeFrame(bytes) }));
  return frames.flatMap(({ device, line }) => {
    const syn = /^(\S+) > (\S+) len 60 ttl (\d+) df tcp \d+ > (\d+) S data 0/.exec(line);
    const tunnelled = /^(\S+) > (\S+) len 110 ttl (\d+) udp \d+ > (4789)/.exec(line);
    const [, from, to, ttl, port] = syn ?? tunnelled ?? [];
    return from === undefined ? [] : [`${device}: ${from} > ${to}:${port} ttl ${ttl}`];
  });
}

const seen = ({ result, server, peer, local }: ReachResult) => [result, server, peer, local];

describe("a virtual address", () => {
  it("leads to the tasks in turn, by way of the load balancer on the client's node, which they see", async () => {
    const lab = await startHere(() => prod.compile());
    const path = ["client:eth0", "m1/lb-back:eth0", "web.2:eth0", "web.1:eth0"];
    expect(await synsOf(lab, path, () => lab.reach("client", "web:80"))).toEqual([
      "client:eth0: 10.0.1.7 > 10.0.1.2:80 ttl 64",
      "m1/lb-back:eth0: 10.0.1.7 > 10.0.1.2:80 ttl 64",
      "m1/lb-back:eth0: 10.0.1.5 > 10.0.1.4:80 ttl 63",
      "web.2:eth0: 10.0.1.5 > 10.0.1.4:80 ttl 63",
    ]);
    expect(seen(await lab.reach("client", "web:80"))).toEqual(["ok", "web.1", "10.0.1.5", "10.0.1.3"]);
    expect(seen(await lab.reach("client", "web:80"))).toEqual(["ok", "web.2", "10.0.1.5", "10.0.1.4"]);
    // An echo goes no further than to the load balancer.
    const capture = lab.capture({ at: ["web.1", "web.2"] });
    expect(await lab.reach("client", "web")).toMatchObject({ result: "ok", ttl: 64 });
    expect(await capture.frames()).toEqual([]);
  });

  it("is told in the trace, with the task's name", async () => {
    const lab = await startHere(() => prod.compile());
    const { packets } = await lab.reach("client", "web:80");
    const servers = packets.flatMap(({ hops }) => hops.flatMap(({ server }) => server ?? []));
    expect(new Set(servers)).toEqual(new Set(["10.0.1.4 (web.2) of web on back"]));
  });

  it("is none with dnsrr: the tasks themselves are asked, and see the client", async () => {
    const lab = await startHere(() => two.service("rr", { replicas: 2, networks: ["back"], endpointMode: "dnsrr" }).container("client", { networks: ["back"] }).compile());
    const { result, peer, address, local } = await lab.reach("client", "rr:80");
    expect([result, peer]).toEqual(["ok", lab.describe().containers.find(({ name }) => name === "client")?.networks[0]?.ipv4]);
    expect(local).toBe(address);
  });
});

describe("a load balancer on paper", () => {
  it("is what ipvsadm would save", async () => {
    const text = (await prod.compile()).render();
    const section = (name: string) => text.split("\n\n").find((part) => part.startsWith(`# ${name}: ipvsadm`))?.split("\n").slice(1);
    expect(section("w1/ingress-sbox")).toEqual(["-A -f 257 -s rr", "-a -f 257 -r 10.0.0.6:0 -m -w 1", "-a -f 257 -r 10.0.0.5:0 -m -w 1"]);
    // A node has only the networks of its tasks, but all of their services.
    expect(section("m1/lb-back")).toEqual(["-A -f 256 -s rr", "-a -f 256 -r 10.0.1.4:0 -m -w 1", "-a -f 256 -r 10.0.1.3:0 -m -w 1"]);
  });
});

describe("an overlay with direct server return", () => {
  it("lets tasks answer the client themselves, who is seen", async () => {
    const options = { attachable: true, options: { dsr: "" } };
    const lab = await startHere(() => swarm("prod").node("m1").node("w1").overlay("back", options).service("web", { replicas: 2, networks: ["back"] }).container("client", { networks: ["back"] }).compile());
    const client = lab.describe().containers.find(({ name }) => name === "client")?.networks[0]?.ipv4;
    const capture = lab.capture({ at: ["m1/lb-back:eth0"] });
    const verdicts = [await lab.reach("client", "web:80"), await lab.reach("client", "web:80")];
    expect(verdicts.map(({ result, peer, address, local }) => [result, peer, local === address])).toEqual([["ok", client, true], ["ok", client, true]]);
    expect(new Set(verdicts.map(({ server }) => server))).toEqual(new Set(["web.1", "web.2"]));
    expect(verdicts.map(String).join()).not.toContain("does not see");
    const tcp = (await capture.frames()).map(({ bytes }) => describeFrame(bytes)).filter((line) => line.includes(" tcp "));
    expect(tcp.every((line) => line.startsWith(`${client} > 10.0.1.2 `))).toBe(true);
  });
});

describe("the routing mesh", () => {
  it("leads from a published port of any node to a task of any other, step by step", async () => {
    const lab = await startHere(() => prod.compile(), { gossip: false });
    const path = ["lan:eth0", "w1/ingress-sbox:eth1", "w1/ingress-sbox:eth0", "w1:eth0", "m1:eth0", "web.1:eth2", "web.2:eth2"];
    expect((await synsOf(lab, path, () => lab.reach("lan", "w1:8080"))).slice(0, 7)).toEqual([
      "lan:eth0: 192.0.2.50 > 192.0.2.12:8080 ttl 64",
      "w1:eth0: 192.0.2.50 > 192.0.2.12:8080 ttl 64",
      // DOCKER-INGRESS: to the sandbox, by docker_gwbridge.
      "w1/ingress-sbox:eth1: 192.0.2.50 > 172.18.0.2:8080 ttl 63",
      // IPVS and SNAT: to the task, from the node's address on the ingress network.
      "w1/ingress-sbox:eth0: 10.0.0.3 > 10.0.0.6:8080 ttl 62",
      // VXLAN.
      "w1:eth0: 192.0.2.12 > 192.0.2.11:4789 ttl 64",
      "m1:eth0: 192.0.2.12 > 192.0.2.11:4789 ttl 64",
      "web.2:eth2: 10.0.0.3 > 10.0.0.6:8080 ttl 62",
    ]);
    // REDIRECT: the server listens on 80.
    const { packets, ...next } = await lab.reach("lan", "w1:8080");
    expect([next.result, next.server, next.peer, next.local]).toEqual(["ok", "web.1", "10.0.0.3", "10.0.0.5"]);
    const rules = packets.flatMap(({ hops }) => hops.flatMap(({ rule }) => rule ?? []));
    for (const rule of [
      "nat DOCKER-INGRESS: -A DOCKER-INGRESS -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.18.0.2:8080",
      "filter DOCKER-INGRESS: -A DOCKER-INGRESS -p tcp -m tcp --dport 8080 -j ACCEPT",
      "mangle PREROUTING: -A PREROUTING -p tcp -m tcp --dport 8080 -j MARK --set-xmark 0x101/0xffffffff",
      "nat POSTROUTING: -A POSTROUTING -d 10.0.0.0/24 -m ipvs --ipvs -j SNAT --to-source 10.0.0.3",
      "nat PREROUTING: -A PREROUTING -d 10.0.0.5/32 -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80",
      "filter INPUT: -A INPUT -d 10.0.0.5/32 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
      "filter OUTPUT: -A OUTPUT -s 10.0.0.5/32 -p tcp -m tcp --sport 80 -m conntrack --ctstate ESTABLISHED -j ACCEPT",
    ]) expect(rules).toContain(rule);
  });

  it("serves the nodes themselves, and their containers", async () => {
    const lab = await startHere(() => prod.compile());
    for (const [from, to] of [["m1", "m1:8080"], ["m1", "w1:8080"], ["w1", "w1:8080"], ["m1", "127.0.0.1:8080"], ["client", "m1:8080"], ["client", "w1:8080"]] as const) {
      for (let attempt = 0; attempt < 2; attempt++) expect([from, to, (await lab.reach(from, to)).result]).toEqual([from, to, "ok"]);
    }
  });

  it("keeps everything else on the ingress network away from a task", async () => {
    const lab = await startHere(() => prod.service("other", { replicas: 1, publish: ["9090:80"] }).compile());
    const rule = "filter OUTPUT: -A OUTPUT -s 10.0.0.8/32 -p tcp -j DROP";
    expect(await lab.reach("other.1", "10.0.0.5:80")).toMatchObject({ reachable: false, rule });
  });

  it("serves UDP, and tells how long datagrams may be", async () => {
    const lab = await startHere(() => two.service("log", { replicas: 1, publish: ["514:514/udp"] }).traffic("logs", "lan").to("w1:514/udp").request({ size: 1470, think: "1s" }).compile());
    const capture = lab.capture({ at: ["lan:eth0"] });
    const { traffic } = await lab.run({ for: "5s" });
    // The first one is too long for the ingress network; the sender learns that, and cuts the others up.
    expect((await capture.frames()).map(({ bytes }) => describeFrame(bytes)).filter((line) => line.includes("icmp 3/4"))).toEqual(["192.0.2.12 > 192.0.2.50 len 576 ttl 63 icmp 3/4"]);
    expect(traffic[0]?.answered).toBeGreaterThan(2);
  });

  it("does not lead to a port that is published on the task's host alone, where the server sees the client", async () => {
    const lab = await startHere(() => two.service("web", { mode: "global", publish: [{ target: 80, published: 8080, mode: "host" }] }).compile());
    for (const node of ["m1", "w1"] as const) expect(seen(await lab.reach("lan", `${node}:8080`)).slice(0, 3)).toEqual(["ok", `web.${node}`, "192.0.2.50"]);
  });

  it("refuses where no task is left", async () => {
    const lab = await startHere(() => prod.compile());
    expect((await lab.docker("service scale -d web=0")).exit).toBe(0);
    expect((await lab.reach("lan", "w1:8080")).result).toBe("refused");
    expect((await lab.reach("client", "web:80")).reachable).toBe(false);
    expect((await lab.docker("service scale -d web=1")).exit).toBe(0);
    expect((await lab.reach("lan", "w1:8080")).result).toBe("ok");
  });
});

describe("connections that live on", () => {
  /** Requests over one connection, one a second; after 3 s something is done. */
  async function during(command: string) {
    const lab = await startHere(() => prod.traffic("queries", "client").to("web:80/tcp").request({ think: "1s" }).compile());
    await lab.run({ for: "3s" });
    expect((await lab.docker(command)).stderr).toBe("");
    const { traffic } = await lab.run({ for: "10s" });
    return traffic[0]!;
  }

  it("are left alone when a service grows", async () => {
    expect(await during("service scale -d web=5")).toMatchObject({ errors: 0, timeouts: 0 });
  });

  it("end when their task does, and the next one gets another", async () => {
    const { errors, timeouts, answered } = await during("service scale -d web=1");
    expect(errors + timeouts).toBeGreaterThan(0);
    expect(answered).toBeGreaterThan(8);
  });

  it("are forgotten after 900 s of silence, unless somebody keeps them alive (moby#31208)", async () => {
    const lab = await startHere(() => prod.traffic("idle", "client").to("web:80/tcp").request({ think: "901s" }).traffic("alive", "client").to("web:80/tcp").request({ think: "899s" }).compile());
    const { traffic } = await lab.run({ for: "1900s" });
    expect(traffic.map(({ name, errors, timeouts, answered }) => [name, errors + timeouts > 0, answered])).toEqual([["idle", true, 2], ["alive", false, 3]]);
  });
});
