import { describe, expect, it } from "vitest";
import { docker, refusalOf, swarm } from "../../test/support/docker";
import { startHere } from "../../test/support/lab";
import type { Lab } from "./lab";

const prod = swarm("prod")
  .node("m1")
  .node("w1")
  .overlay("back", { attachable: true })
  .service("web", { replicas: 2, networks: ["back"], publish: ["8080:80"] })
  .container("client", { networks: ["back"] });

/** What a promise rejects with: its code, and the daemon's own words if it has some, else the message. */
async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return refusalOf(() => {
      throw error;
    });
  }
  return "nothing thrown";
}

describe("a swarm on paper", () => {
  it("is a value, frozen all the way down, with every default filled in", () => {
    const more = prod.overlay("other");
    expect([prod, more].map(({ spec }) => spec.swarm?.networks.length)).toEqual([1, 2]);
    expect([prod.spec, prod.spec.swarm, prod.spec.swarm?.services[0]?.ports].every(Object.isFrozen)).toBe(true);
    expect(prod.spec.swarm).toEqual({
      nodes: [{ host: "m1", role: "manager" }, { host: "w1", role: "worker" }],
      networks: [{ name: "back", driver: "overlay", ipam: [], internal: false, options: {}, attachable: true }],
      services: [{
        name: "web", replicas: 2, endpointMode: "vip", ports: [{ target: 80, protocol: "tcp", published: 8080, mode: "ingress" }],
        networks: [{ network: "back", aliases: [] }], labels: {}, container: {},
      }],
    });
  });

  it("takes what docker swarm init, network create and service create take", () => {
    const { spec } = swarm("x")
      .init({ pools: ["10.20.0.0/16"], maskLength: 26, dataPathPort: 7789 })
      .node("m1")
      .overlay("sec", { subnets: ["10.1.0.0/24", "10.2.0.0/24"], encrypted: true, mtu: 1400, internal: true })
      .service("web", { mode: "global", endpointMode: "dnsrr", networks: { sec: { aliases: ["www"] } }, publish: [{ target: 80, published: 80, mode: "host" }, "53:53/udp"] });
    expect(spec.swarm).toMatchObject({
      pools: ["10.20.0.0/16"], maskLength: 26, dataPathPort: 7789,
      networks: [{ ipam: [{ subnet: "10.1.0.0/24" }, { subnet: "10.2.0.0/24" }], internal: true, options: { "com.docker.network.driver.mtu": "1400", encrypted: "" } }],
      services: [{
        replicas: undefined, endpointMode: "dnsrr", networks: [{ network: "sec", aliases: ["www"] }],
        ports: [{ target: 80, published: 80, mode: "host", protocol: "tcp" }, { target: 53, published: 53, mode: "ingress", protocol: "udp" }],
      }],
    });
  });

  it("knows the names that were declared", () => {
    // @ts-expect-error no overlay is called that
    prod.service("api", { networks: ["bakc"] });
    // @ts-expect-error no node is called that
    prod.container("other", { node: "w2" });
    // @ts-expect-error nobody is called that
    prod.traffic("t", "wbe");
    prod.traffic("t", "web").to("client").traffic("u", "web.1").to("client").traffic("v", "w1").to("client").traffic("w", "lan").to("m1:8080");
  });

  it("says what cannot be", () => {
    expect(refusalOf(() => prod.node("m1"))).toBe("CONFLICT: host m1: there is one of that name");
    expect(refusalOf(() => swarm("x").node("w1", { role: "worker" }))).toBe('INVALID_INPUT: node w1: role: expected "manager" for the first node, found "worker"');
    expect(refusalOf(() => swarm("x").overlay("a").spec)).toBe("INVALID_INPUT: swarm: expected at least one node, found none");
    expect(refusalOf(() => prod.service("x", { replicas: -1 }))).toBe("INVALID_INPUT: services.x.replicas: expected a whole number from 0, found -1");
    expect(refusalOf(() => prod.service("x", { replicas: 2, mode: "global" }))).toBe("INVALID_INPUT: services.x.replicas: expected none for a global service, found 2");
    expect(refusalOf(() => prod.service("x", { publish: ["127.0.0.1:80:80"] }))).toMatch(/^INVALID_INPUT: services.x.publish: expected no address/);
    expect(refusalOf(() => prod.service("x", { publish: [{ target: 0 }] }))).toBe("INVALID_INPUT: services.x.publish.target: expected a whole number from 1 to 65535, found 0");
    expect(refusalOf(() => prod.overlay("x", { subnet: "10.1.0.0/24", subnets: [] }))).toBe("INVALID_INPUT: overlay x: expected subnet or subnets, found both");
  });

  it("is refused in Docker's words", async () => {
    expect(await rejectionOf(prod.overlay("back").compile())).toMatch(/network with name back already exists$/);
    expect(await rejectionOf(prod.overlay("shut").container("alone", { networks: ["shut"] }).compile())).toMatch(/network shut not manually attachable/);
    expect(await rejectionOf(prod.service("web").compile())).toMatch(/service web already exists$/);
    expect(await rejectionOf(prod.service("other", { publish: ["8080:80"] }).compile())).toMatch(/port '8080' is already in use by service 'web'/);
  });
});

describe("a swarm's network", () => {
  it("is a namespace on each node that uses it, with a bridge, a tunnel and a cable for each endpoint", async () => {
    const { program, state, devices } = await prod.compile();
    const { namespaces } = program.names;
    expect(namespaces.filter((name) => name.includes("/"))).toEqual(["m1", "w1"].flatMap((host) => [`${host}/overlay/ingress`, `${host}/overlay/back`, `${host}/ingress-sbox`, `${host}/lb-back`]));
    expect(state.containers.map(({ host, service, name }) => [host, service ?? name]).sort()).toEqual([["m1", "client"], ["m1", "web"], ["w1", "web"]]);
    const tunnel = program.devices[devices.get("m1/overlay/back:vxlan0") ?? -1];
    expect(tunnel).toMatchObject({ mtu: 1450, vni: 4097, port: 4789, master: devices.get("m1/overlay/back:br0"), underlay: namespaces.indexOf("m1") });
    // The task and the load balancer on the other node.
    expect(program.neighbours.filter(({ device }) => device === devices.get("m1/overlay/back:vxlan0"))).toHaveLength(2);
    expect(program.vxlanRemotes?.filter(({ device }) => device === devices.get("m1/overlay/back:vxlan0")).map(({ remote }) => remote)).toEqual([0xc000020c, 0xc000020c]);
  });

  it("has a bridge and a tunnel for each subnet, and routes between them", async () => {
    const two = swarm("x").node("m1").overlay("wide", { subnets: ["10.1.0.0/30", "10.2.0.0/24"], attachable: true }).container("one", { networks: ["wide"] }).container("two", { networks: ["wide"] });
    const topology = await two.compile();
    expect(["br0", "br1", "vxlan0", "vxlan1"].every((name) => topology.devices.has(`m1/overlay/wide:${name}`))).toBe(true);
    const text = topology.render();
    const routes = (name: string) => text.slice(text.indexOf(`# ${name}: ip route`)).split("\n\n")[0];
    expect(routes("one")).toContain("10.2.0.0/24 via 10.1.0.1 dev eth0");
    expect(routes("two")).toContain("10.1.0.0/30 via 10.2.0.1 dev eth0");
    const lab = await startHere(() => two.compile());
    expect((await lab.ping("one", "two", { count: 1 })).received).toBe(1);
  });
});

describe("a lab with a swarm", () => {
  const start = () => startHere(() => prod.compile());
  const received = async (lab: Lab, from: string, to: string) => (await lab.ping(from, to, { count: 1, timeout: "5s" })).received;

  it("has tasks that are called by their numbers", async () => {
    const lab = await start();
    const task = lab.describe().containers.find(({ host, name }) => host === "m1" && name.startsWith("web."))?.networks[0]?.device.split(":")[0] ?? "";
    expect(task).toMatch(/^web\.[12]$/);
    expect(await received(lab, "client", task)).toBe(1);
    expect(await received(lab, task, "client")).toBe(1);
    expect(await received(lab, task, "lan")).toBe(1);
  });

  it("answers docker commands of every node, and its packets follow", async () => {
    const lab = await start();
    expect((await lab.docker("service ls --format {{.Name}}={{.Replicas}}")).stdout).toBe("web=2/2\n");
    expect((await lab.docker("service ls", { host: "w1" })).stderr).toMatch(/not a swarm manager/);
    expect(await received(lab, "client", "10.0.1.99")).toBe(0);
    expect(await lab.docker("run -d --name late --network back --ip 10.0.1.99 web")).toMatchObject({ exit: 0 });
    expect(await received(lab, "client", "late")).toBe(1);
    await lab.docker("rm -f late");
    expect(await received(lab, "client", "10.0.1.99")).toBe(0);
  });
});

describe("a lab without a swarm", () => {
  it("can have one made, by a docker command", async () => {
    const lab = await startHere(() => docker("plain").host("h1").host("h2").compile());
    expect((await lab.docker("node ls")).stderr).toMatch(/This node is not a swarm manager/);
    expect((await lab.docker("swarm init")).exit).toBe(0);
    const { stdout } = await lab.docker("swarm join-token -q worker");
    expect((await lab.docker(`swarm join --token ${stdout.trim()} 192.0.2.11:2377`, { host: "h2" })).stdout).toMatch(/This node joined a swarm as a worker/);
    expect((await lab.docker(`swarm join --token ${stdout.trim()} 192.0.2.11:2377`, { host: "h2" })).exit).toBe(1);
    await lab.docker("network create -d overlay --attachable ov");
    for (const name of ["one", "two"]) expect((await lab.docker(`run -d --name ${name} --network ov web`)).exit).toBe(0);
    expect((await lab.ping("one", "two", { count: 1 })).received).toBe(1);
  });
});
