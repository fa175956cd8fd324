import { describe, expect, it } from "vitest";
import { SimulationError } from "../errors";
import { loadCompose } from "./load";

const load = (text: string) => loadCompose({ file: "f", text }, { projectName: "p" });
/** A project with this section `networks`; service `a` joins those of `use`. */
const networks = (section: string, use: string) => load(`networks:\n${section}\nservices: {a: {image: a, networks: ${use}}}`).networks;

/** The message of what `act` throws. */
function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof SimulationError ? error.message : String(error);
  }
  return "nothing was thrown";
}

describe("networks", () => {
  it("are named after the project, by their own name, or by their key when external", () => {
    const text = "  a:\n  b: {name: own}\n  c: {external: true}\n  d: {external: true, name: other}\n  e: {external: {name: old}}";
    expect(networks(text, "[a, c]").map(({ key, name, external, used }) => [key, name, external, used])).toEqual([
      ["a", "p_a", false, true], ["b", "own", false, false], ["c", "c", true, true], ["d", "other", true, false], ["e", "old", true, false],
    ]);
  });

  it("include default only when a service joins it", () => {
    expect(networks("  a:", "[a]").map(({ key }) => key)).toEqual(["a"]);
    expect(load("services: {a: {image: a}}").networks).toMatchObject([{ key: "default", name: "p_default", implicit: true, used: true }]);
    expect(load("services: {a: {image: a}}\nnetworks: {default: {driver: x}}").networks).toMatchObject([{ driver: "x", implicit: false, used: true }]);
    expect(load("services: {a: {image: a, networks: [default]}}").networks).toHaveLength(1);
  });

  it("keep everything that the file says", () => {
    const text =
      "  n: {driver: bridge, driver_opts: {com.docker.network.driver.mtu: 1400}, internal: true, attachable: 'yes', enable_ipv4: false,\n" +
      "      enable_ipv6: true, labels: [a=b], ipam: {driver: default, options: {o: p}, config: [{subnet: 10.1.0.5/16, ip_range: 10.1.2.0/24,\n" +
      "      gateway: 10.1.0.1, aux_addresses: {host1: 10.1.0.2}}, {subnet: 'fd00::/64', gateway: 'fd00::1'}]}}";
    expect(networks(text, "[n]")).toEqual([
      {
        key: "n", name: "p_n", place: { path: "networks.n", position: { file: "f", line: 2, column: 3 } }, implicit: false, used: true,
        driver: "bridge", driverOptions: { "com.docker.network.driver.mtu": "1400" }, external: false, internal: true, attachable: true,
        enableIpv4: false, enableIpv6: true, labels: { a: "b" },
        ipam: {
          driver: "default", options: { o: "p" },
          config: [
            {
              place: { path: "networks.n.ipam.config[0]", position: { file: "f", line: 3, column: 91 } },
              subnet: "10.1.0.5/16", ipRange: "10.1.2.0/24", gateway: "10.1.0.1", auxAddresses: { host1: "10.1.0.2" },
            },
            {
              place: { path: "networks.n.ipam.config[1]", position: { file: "f", line: 4, column: 61 } },
              subnet: "fd00::/64", ipRange: undefined, gateway: "fd00::1", auxAddresses: {},
            },
          ],
        },
      },
    ]);
  });
});

describe("addresses", () => {
  const block = (text: string) => `  n: {ipam: {config: [{${text}}]}}`;

  it.each([
    ["subnet: 10.0.0.0", `f:2:32: networks.n.ipam.config[0].subnet: expected a CIDR such as "172.20.0.0/24", found "10.0.0.0" without a prefix length`],
    ["subnet: 10.0.0.0/33", `f:2:32: networks.n.ipam.config[0].subnet: expected a prefix length from 0 to 32, found "33" in "10.0.0.0/33"`],
    ["subnet: 10.0.0.0/24, ip_range: 10.0.1.0/25", `f:2:55: networks.n.ipam.config[0].ip_range: expected a block inside the subnet "10.0.0.0/24", found "10.0.1.0/25"`],
    ["subnet: 10.0.0.0/24, gateway: 10.0.1.1", `f:2:54: networks.n.ipam.config[0].gateway: expected an address inside the subnet "10.0.0.0/24", found "10.0.1.1"`],
    ["subnet: 10.0.0.0/24, gateway: x", `f:2:54: networks.n.ipam.config[0].gateway: expected an IPv4 or IPv6 address, found "x"`],
    ["subnet: 10.0.0.0/24, aux_addresses: {r: 10.0.1.1}", `f:2:64: networks.n.ipam.config[0].aux_addresses.r: expected an address inside the subnet "10.0.0.0/24", found "10.0.1.1"`],
    ["subnets: 10.0.0.0/24", `f:2:24: networks.n.ipam.config[0]: additional property "subnets" is not allowed, did you mean "subnet"?`],
  ])("of a block are checked: %s", (text, message) => {
    expect(messageOf(() => networks(block(text), "[n]"))).toBe(message);
  });

  it("of services lie in the subnets of their network", () => {
    const subnets = "  n: {ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: 'fd00::/64'}]}}\n  free:";
    expect(() => networks(subnets, "{n: {ipv4_address: 10.0.0.9, ipv6_address: 'fd00::9'}}")).not.toThrow();
    expect(() => networks(subnets, "{n: {ipv4_address: 10.0.1.9}}")).toThrow(
      `f:4:55: services.a.networks.n.ipv4_address: expected an address in "10.0.0.0/24", the subnet of network "n", found "10.0.1.9"`,
    );
    expect(() => networks(subnets, "{n: {ipv6_address: 'fd01::9'}}")).toThrow(`expected an address in "fd00::/64", the subnet of network "n", found "fd01::9"`);
    // Which subnet the daemon will choose is not known here.
    expect(() => networks(subnets, "{free: {ipv4_address: 10.0.1.9}}")).not.toThrow();
  });

  it("of services are their own", () => {
    const text = (a: string, b: string) => `services:\n  a: {image: a, ${a}}\n  b: {image: b, ${b}}\nnetworks: {n: {}, m: {}}`;
    const fixed = "networks: {n: {ipv4_address: 10.0.0.9}}";
    expect(() => load(text(fixed, fixed))).toThrow(
      `f:3:46: services.b.networks.n.ipv4_address: expected an address of its own, found "10.0.0.9", which service "a" would have too`,
    );
    expect(() => load(text(`scale: 2, ${fixed}`, ""))).toThrow(`found "10.0.0.9", which its own 2 replicas would have too`);
    expect(() => load(text(`scale: 0, ${fixed}`, fixed))).not.toThrow();
    expect(() => load(text(fixed, fixed.replace("n:", "m:")))).not.toThrow();
  });

  it("of networks that are created do not overlap", () => {
    const two = "  n: {ipam: {config: [{subnet: 10.0.0.0/8}]}}\n  m: {ipam: {config: [{subnet: 10.1.2.3/24}]}}";
    expect(() => networks(two, "[n, m]")).toThrow(
      `f:3:32: networks.m.ipam.config[0].subnet: expected a subnet of its own, found "10.1.2.0/24", which overlaps "10.0.0.0/8" of network "n"`,
    );
    expect(() => networks(two, "[m]")).not.toThrow();
    expect(() => networks(two.replace("  m: {", "  m: {driver: overlay, "), "[n, m]")).not.toThrow();
    expect(() => networks(two.replace("  m: {", "  m: {external: true, "), "[n, m]")).not.toThrow();
  });
});
