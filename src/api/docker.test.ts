import { describe, expect, it } from "vitest";
import { docker, fromSpec, refusalOf } from "../../test/support/docker";
import { createDocker } from "./docker";

describe("a description", () => {
  it("is a value: a call leaves the one before as it was", () => {
    const empty = docker("shop");
    const front = empty.network("front");
    const web = front.container("web", { networks: ["front"] });
    const busy = web.traffic("load", "web").to("web:80/udp").rate("1/s");
    const slow = busy.rate("0.5/s");
    expect([empty, front, web].map(({ spec }) => [spec.networks.length, spec.containers.length, spec.traffic.length])).toEqual([[0, 0, 0], [1, 0, 0], [1, 1, 0]]);
    expect([busy, slow].map(({ spec }) => spec.traffic[0]?.rate)).toEqual([{ perSecond: 1 }, { perSecond: 0.5 }]);
  });

  it("is frozen all the way down", () => {
    const { spec } = docker("shop").network("front", { subnet: "10.0.0.0/24" }).container("web", { networks: ["front"] });
    expect([spec, spec.networks, spec.networks[0]?.ipam[0]?.auxAddresses, spec.containers[0]?.networks[0]?.aliases].every(Object.isFrozen)).toBe(true);
  });

  it("has every default filled in", () => {
    expect(docker("shop").network("front").container("web").spec).toEqual({
      name: "shop",
      generation: "29",
      seed: 0,
      hosts: [{ name: "host1", cpus: 2, backlog: 1000 }],
      networks: [{ name: "front", driver: "bridge", ipam: [], internal: false, options: {} }],
      containers: [{ name: "web", host: "host1", networks: [], publish: [], expose: [], links: [], extraHosts: [] }],
      traffic: [],
    });
  });

  it("takes what docker network create takes", () => {
    const options = { subnet: "10.0.0.0/24", gateway: "10.0.0.9", ipRange: "10.0.0.64/26", auxAddresses: { nas: "10.0.0.65" }, internal: true, mtu: 1400 };
    expect(docker("x").network("lan", { ...options, options: { "a.b": "c" }, link: { rate: "10Mbit", delay: "1ms", jitter: "10us", loss: "1%", limit: 5 } }).spec.networks).toEqual([
      {
        name: "lan",
        driver: "bridge",
        ipam: [{ subnet: "10.0.0.0/24", gateway: "10.0.0.9", ipRange: "10.0.0.64/26", auxAddresses: { nas: "10.0.0.65" } }],
        internal: true,
        options: { "a.b": "c", "com.docker.network.driver.mtu": "1400" },
        link: { rateBps: 10_000_000, delayNs: 1_000_000, jitterNs: 10_000, loss: 42_949_673, limit: 5 },
      },
    ]);
  });

  it("takes what docker run takes", () => {
    const { containers } = docker("x").network("lan").container("db").container("web", {
      networks: { lan: { ipv4: "10.0.0.5", mac: "02:00:00:00:00:01", aliases: ["www"], gwPriority: 3, interfaceName: "up0", link: { duplicate: 0.5 } }, bridge: {} },
      hostname: "box",
      publish: ["8080:80", "90-91:90-91"],
      expose: ["53/udp"],
      links: ["db", "db:store"],
      extraHosts: { gate: "host-gateway" },
      service: "front",
    }).spec;
    expect(containers[1]).toEqual({
      name: "web",
      host: "host1",
      hostname: "box",
      service: "front",
      networks: [
        { network: "lan", ipv4: "10.0.0.5", mac: "02:00:00:00:00:01", aliases: ["www"], gwPriority: 3, interfaceName: "up0", link: { duplicate: 2 ** 31 } },
        { network: "bridge", aliases: [], gwPriority: 0 },
      ],
      publish: [
        { containerPort: 80, protocol: "tcp", hostPort: { from: 8080, to: 8080 } },
        { containerPort: 90, protocol: "tcp", hostPort: { from: 90, to: 90 } },
        { containerPort: 91, protocol: "tcp", hostPort: { from: 91, to: 91 } },
      ],
      expose: [{ from: 53, to: 53, protocol: "udp" }],
      links: [{ container: "db", alias: "db" }, { container: "db", alias: "store" }],
      extraHosts: [{ name: "gate", address: "host-gateway" }],
    });
  });

  it("goes on from data", () => {
    const { spec } = docker("x").container("web").traffic("load", "web").to("localhost:80/udp").rate("1/s");
    const more = fromSpec(spec).container("db").traffic("ping", "db").to("localhost");
    expect(more.spec.containers.map(({ name }) => name)).toEqual(["web", "db"]);
    expect(more.spec.traffic.map(({ name, kind }) => [name, kind])).toEqual([["load", "constant"], ["ping", "ping"]]);
    expect(fromSpec(spec).spec).toEqual(spec);
  });

  it.each([
    [undefined, "fromSpec: hosts: expected a list, found nothing"],
    [{}, "fromSpec: hosts: expected a list, found nothing"],
    ["web", "fromSpec: hosts: expected a list, found nothing"],
    [{ hosts: [], networks: {}, containers: [], traffic: [] }, "fromSpec: networks: expected a list, found {}"],
    [{ hosts: [], networks: [], containers: [], traffic: [], name: 7 }, "fromSpec: name: expected a text, found 7"],
  ])("does not go on from %j", (spec, message) => {
    expect(refusalOf(() => fromSpec(spec as never))).toBe(`INVALID_INPUT: ${message}`);
  });

  it.each([
    ["docker", () => docker("x", { docker: "19.03" as "29" }), 'docker: expected one of "29", "20.10", found "19.03"'],
    ["seed", () => docker("x", { seed: -1 }), "seed: expected a whole number from 0 to 4294967295, found -1"],
    ["cpus", () => docker("x", { cpus: 0 }), "cpus: expected a whole number from 1 to 1024, found 0"],
    ["a link", () => docker("x").network("lan", { link: { delay: "soon" as "1s" } }), 'networks.lan.link.delay: expected a duration such as "50us", "1.5s" or "1m30s", found "soon"'],
    ["a mode", () => docker("x").container("web", { networkMode: "lan" as "host" }), 'containers.web.networkMode: expected "bridge", "host", "none" or "container:NAME", found "lan"'],
    ["traffic without a target", () => docker("x").container("web").traffic("load", "web").spec, 'traffic load: to: expected a target such as "db:5432/tcp", found none'],
    ["traffic without a rate", () => docker("x").container("web").traffic("load", "web").to("localhost:80").size(1).clients(2).spec, "nothing thrown"],
  ])("refuses what cannot be: %s", (_, call, message) => {
    expect(refusalOf(call).replace("INVALID_INPUT: ", "")).toBe(message);
  });

  it("hands the compiled network to the platform", async () => {
    const opened: unknown[] = [];
    const here = createDocker({
      openHost: (options) => {
        opened.push(options);
        return Promise.reject(new Error("no engine"));
      },
      createEngine: (kind) => Promise.reject(new Error(`no ${kind}`)),
    });
    await expect(here.docker("x").container("web").start({ seed: 7, engine: "ts" })).rejects.toThrow("no engine");
    expect(opened).toEqual([{ seed: 7, engine: "ts" }]);
    await expect(here.docker("x").container("web", { networks: ["nosuch"] as never }).start()).rejects.toThrow("network nosuch not found");
    await expect(here.compareEngines(here.docker("x").container("web"), { for: "1s" })).rejects.toThrow("no wasm");
  });
});
