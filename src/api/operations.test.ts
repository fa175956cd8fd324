/** Changes of a running network, on the TypeScript engine in this thread. */
import { describe, expect, it } from "vitest";
import { docker } from "../../test/support/docker";
import type { DockerTopology } from "./docker";
import type { Lab } from "./lab";
import { startHere } from "../../test/support/lab";

function start(topology: DockerTopology): Promise<Lab> {
  return startHere(() => topology.compile());
}

const shop = (base: DockerTopology = docker("shop")) =>
  base.network("front").network("back").container("web", { networks: ["front"], publish: ["8080:80"] }).container("db", { networks: ["back"] });

const ipv4 = (lab: Lab, name: string) => lab.describe().containers.find((container) => container.name === name)?.networks.map((endpoint) => endpoint.ipv4);
const reachable = async (lab: Lab, from: string, to: string) => (await lab.reach(from, to, { timeout: "1s" })).reachable;

describe("a container of a running lab", () => {
  it("reaches what it is connected to, and not what it is disconnected from", async () => {
    const lab = await start(shop());
    expect(await reachable(lab, "web", "db:5432")).toBe(false);
    await lab.connect("web", "back", { ipv4: "172.19.0.9" });
    expect(ipv4(lab, "web")).toEqual(["172.18.0.2", "172.19.0.9"]);
    expect(await lab.reach("web", "db:5432")).toMatchObject({ reachable: true, peer: "172.19.0.9" });
    await lab.disconnect("web", "back");
    expect(await lab.reach("web", "db:5432")).toMatchObject({ result: "unresolvable" });
  });

  it("announces its address three times, a second apart, where Docker does", async () => {
    for (const [generation, count] of [["29", 3], ["20.10", 0]] as const) {
      const lab = await start(docker("shop", { docker: generation }).network("back").network("front").container("web", { networks: ["front"] }).container("db", { networks: ["back"] }));
      const capture = lab.capture({ at: ["db:eth0"] });
      await lab.run({ for: "10ms" });
      await lab.connect("web", "back");
      await lab.run({ for: "5s" });
      const arp = (await capture.frames()).filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 6);
      expect(arp.map(({ timeNs }) => Math.floor(timeNs / 1e9))).toEqual([0, 1, 2].slice(0, count));
    }
  });

  it("is silent while it is stopped; its traffic goes on under its name when it runs again", async () => {
    const lab = await start(shop().container("api", { networks: ["back"] }).traffic("queries", "api").to("db:5432/tcp").request());
    const sent = async () => {
      const { traffic } = await lab.run({ for: "100ms" });
      expect(traffic).toHaveLength(1);
      return traffic[0]!;
    };
    const first = await sent();
    expect(first.answered).toBeGreaterThan(5);
    await lab.stop("api");
    const second = await sent();
    expect(second.sent).toBe(first.sent);
    await lab.start("api");
    const third = await sent();
    expect(third.answered).toBeGreaterThan(second.answered + 5);
    expect(third).toMatchObject({ name: "queries", from: "api" });
  });

  it("serves again after a restart, to clients that have gone on", async () => {
    const lab = await start(shop().container("api", { networks: ["back"] }).traffic("queries", "api").to("db:5432/tcp").request({ timeout: "200ms" }));
    await lab.run({ for: "100ms" });
    await lab.restart("db");
    const before = (await lab.counters()).traffic[0]!.answered;
    const { traffic } = await lab.run({ for: "3s" });
    expect(traffic[0]!.answered).toBeGreaterThan(before + 20);
  });

  it("has its published port closed when it goes, and open when it comes", async () => {
    const lab = await start(shop(docker("shop").host("h1")));
    expect(await lab.reach("lan", "h1:8080")).toMatchObject({ reachable: true, server: "web", local: "172.18.0.2" });
    await lab.stop("web");
    expect(await reachable(lab, "lan", "h1:8080")).toBe(false);
    await lab.start("web");
    expect(await reachable(lab, "lan", "h1:8080")).toBe(true);
    await lab.remove("web", { force: true });
    expect(await reachable(lab, "lan", "h1:8080")).toBe(false);
  });
});

describe("traffic to a published port", () => {
  it("is answered by nobody else while the container is stopped, and again when it runs", async () => {
    const shop = docker("shop").host("host1").container("web", { publish: ["8080:80"] }).traffic("visits", "lan").to("host1:8080").request({ clients: 2 });
    const lab = await startHere(() => shop.compile());
    const answers = async () => (await lab.run({ for: "1s" })).traffic[0]!.answered;
    const first = await answers();
    expect(first).toBeGreaterThan(0);
    await lab.stop("web");
    expect(await answers()).toBe(first);
    await lab.start("web");
    await lab.run({ for: "5s" });
    expect(await answers()).toBeGreaterThan(first);
  });
});

describe("what a user does to a running host", () => {
  it("is filtered by rules that come and go", async () => {
    const lab = await start(shop(docker("shop").host("h1")));
    const rule = "DOCKER-USER -s 192.0.2.0/24 -j DROP";
    await lab.iptables(`iptables -I ${rule}`);
    expect(await lab.reach("lan", "h1:8080", { timeout: "1s" })).toMatchObject({ result: "timeout", rule: `filter DOCKER-USER: -A ${rule}` });
    await lab.iptables(`-D ${rule}`);
    expect(await reachable(lab, "lan", "h1:8080")).toBe(true);
  });

  it("is a docker command line with its words and exit codes", async () => {
    const lab = await start(shop());
    expect(await lab.docker("network connect back web")).toEqual({ exit: 0, stdout: "", stderr: "" });
    expect(await reachable(lab, "web", "db:5432")).toBe(true);
    expect(await lab.docker("docker run -d --name job --network back busybox")).toMatchObject({ exit: 0 });
    expect(await reachable(lab, "job", "db:5432")).toBe(true);
    expect((await lab.docker("ps --format {{.Names}}")).stdout.split("\n").sort()).toEqual(["", "db", "job", "web"]);
    const refused = await lab.docker(["network", "rm", "back"]);
    expect(refused).toMatchObject({ exit: 1, stdout: "" });
    expect(refused.stderr).toContain("has active endpoints");
    await expect(lab.docker("exec web top")).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  it("is refused in the daemon's words, and leaves everything as it was", async () => {
    const lab = await start(shop().traffic("pings", "web").to("172.18.0.1"));
    await lab.run({ for: "100ms" });
    const before = [lab.describe(), await lab.counters()];
    await expect(lab.connect("web", "front")).rejects.toThrow("endpoint with name web already exists in network front");
    await expect(lab.connect("nobody", "front")).rejects.toThrow("No such container: nobody");
    await expect(lab.remove("web")).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(lab.iptables("-A FORWARD -m string -j DROP")).rejects.toThrow(/^iptables:1:15: /);
    await expect(lab.docker("ps", { host: "h2" })).rejects.toThrow('host: expected one of host1, found "h2"');
    expect([lab.describe(), await lab.counters()]).toEqual(before);
  });

  it("is undone whole if the packet path has no room for it", async () => {
    const lab = await start(shop());
    const grow = async () => {
      for (let number = 0; number < 200; number++) await lab.docker(`run -d --name c${number} --network back busybox`);
    };
    await expect(grow()).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    const { length } = lab.describe().containers;
    expect(length).toBeGreaterThan(10);
    expect((await lab.docker("ps -q")).stdout.trim().split("\n")).toHaveLength(length);
    expect(await reachable(lab, "c0", "db:5432")).toBe(true);
  });
});

describe("a lab whose network changes", () => {
  it("keeps what was done to cables and devices", async () => {
    const lab = await start(docker("shop").network("net", { link: { delay: "1ms" } }).container("web", { networks: ["net"] }).container("db", { networks: ["net"] }));
    await lab.link("web:eth0", { delay: "5ms" });
    await lab.docker("run -d --name job --network net busybox");
    expect((await lab.ping("web", "db", { count: 1 })).rtt!.avg).toBeGreaterThan(12e6);
    await lab.down("db:eth0");
    await lab.docker("network create other");
    expect((await lab.ping("web", "db", { count: 1, timeout: "1s" })).received).toBe(0);
  });

  it("is the same however often it is simulated", async () => {
    const digest = async () => {
      const lab = await start(shop().container("api", { networks: ["back"] }).traffic("queries", "api").to("db:5432/tcp").request());
      await lab.run({ for: "50ms" });
      await lab.connect("web", "back");
      await lab.restart("db");
      return (await lab.run({ for: "1s" })).digest;
    };
    expect(await digest()).toBe(await digest());
  });
});
