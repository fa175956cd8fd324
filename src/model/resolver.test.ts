import { describe, expect, it } from "vitest";
import { docker, refusalOf } from "../../test/support/docker";
import { formatIpv4, formatIpv6 } from "../net/ip";
import { decide } from "./decide";
import { Resolver } from "./resolver";
import type { TopologySpec } from "./spec";

const shop = docker("shop")
  .network("front")
  .network("back", { internal: true })
  .container("web", { networks: ["front", "back"], extraHosts: { printer: "10.9.8.7", gate: "host-gateway" }, links: [] })
  .container("db", { networks: { back: { aliases: ["postgres", "Store"] } }, hostname: "dbhost" })
  .container("cache", { networks: ["front"] })
  .container("one", { networks: { front: { aliases: ["pool"] } } })
  .container("two", { networks: { front: { aliases: ["pool"] } } })
  .container("linked", { networks: ["front"], links: ["cache:memo"] })
  .container("side", { networkMode: "container:web" })
  .container("lone1")
  .container("lone2", { links: ["lone1:first"] })
  .container("hosted", { networkMode: "host" })
  .container("alone", { networkMode: "none" });

function lookUp(spec: TopologySpec, from: string, name: string): string {
  const resolution = new Resolver(decide(spec)).resolve(from, name);
  return "reason" in resolution ? resolution.reason : resolution.addresses.map((address) => (typeof address === "bigint" ? formatIpv6(address) : formatIpv4(address))).join(" ");
}
const find = (from: string, name: string) => lookUp(shop.spec, from, name);

describe("a name", () => {
  it("is found on a network that both share: container, alias, host name, short ID", () => {
    for (const name of ["db", "postgres", "dbhost"]) expect(find("web", name)).toBe("172.19.0.3");
    expect(find("cache", "web")).toBe("172.18.0.2");
    const id = decide(shop.spec).containers.find(({ name }) => name === "db")?.id.slice(0, 12) ?? "";
    expect(find("web", id)).toBe("172.19.0.3");
  });

  it("is not case sensitive, and may name its network, or end in a dot", () => {
    expect(find("web", "STORE")).toBe("172.19.0.3");
    expect(find("web", "db.back")).toBe("172.19.0.3");
    expect(find("web", "db.")).toBe("172.19.0.3");
    expect(find("web", "db.front")).toMatch(/^web cannot resolve "db.front"/);
  });

  it("that several have gives all addresses, in the order of start", () => {
    expect(find("web", "pool")).toBe("172.18.0.4 172.18.0.5");
  });

  it("on two shared networks is answered by the one that comes first in gateway order", () => {
    expect(find("web", "web")).toBe("172.18.0.2");
    const both = docker("x").network("zz").network("mm", { internal: true }).container("aa", { networks: ["mm", "zz"] }).container("bb", { networks: ["mm", "zz"] });
    expect(lookUp(both.spec, "aa", "bb")).toBe("172.18.0.3");
  });

  it("is an address if it looks like one, and this machine if it is localhost", () => {
    expect(find("alone", "192.0.2.1")).toBe("192.0.2.1");
    expect(find("alone", "localhost")).toBe("127.0.0.1");
  });

  it("may stand in /etc/hosts: the own host name, extra hosts, the host's gateway", () => {
    expect(find("db", "dbhost")).toBe("172.19.0.3");
    expect(find("web", "printer")).toBe("10.9.8.7");
    expect(find("web", "gate")).toBe("172.17.0.1");
  });

  it("of a link is known to the linking container alone", () => {
    expect(find("linked", "memo")).toBe("172.18.0.3");
    expect(find("one", "memo")).toMatch(/^one cannot resolve "memo": no container, alias or link on front is called that/);
  });

  it("of a legacy link on the default bridge is known one way", () => {
    expect(find("lone2", "first")).toBe("172.17.0.2");
    expect(find("lone2", "lone1")).toBe("172.17.0.2");
    expect(find("lone1", "lone2")).toBe(
      'lone1 cannot resolve "lone2": the default bridge has no DNS; put both on a network of their own, or link them (its address is 172.17.0.3)',
    );
  });

  it("is looked up with the eyes of the container whose sandbox is shared", () => {
    expect(find("side", "postgres")).toBe("172.19.0.3");
  });

  it("is not found without a shared network, and says so", () => {
    expect(find("cache", "db")).toBe(
      'cache cannot resolve "db": they share no user-defined network: cache is on front, db is on back (its address is 172.19.0.3)',
    );
    expect(find("hosted", "db")).toBe(`hosted cannot resolve "db": a host does not ask Docker's DNS (its address is 172.19.0.3)`);
    expect(find("host1", "db")).toMatch(/^host1 cannot resolve "db": a host does not ask/);
    expect(find("alone", "db")).toBe('alone cannot resolve "db": it is on no network (its address is 172.19.0.3)');
    expect(find("web", "nobody")).toBe('web cannot resolve "nobody": no container, alias or link on front and back is called that');
    expect(find("web", "alone")).toMatch(/alone is on no network$/);
  });
});

describe("a legacy link", () => {
  it("needs a container that runs on the default bridge", () => {
    const elsewhere = docker("x").network("front").container("web", { networks: ["front"] }).container("old", { links: ["web:www"] });
    expect(refusalOf(() => elsewhere.compile())).toBe("CONFLICT: failed to set up container networking: Cannot link to /web, as it does not belong to the default network");
    const missing = docker("x").container("old", { links: ["web"] });
    expect(refusalOf(() => missing.compile())).toBe("INVALID_INPUT: could not get container for web: No such container: web");
  });
});
