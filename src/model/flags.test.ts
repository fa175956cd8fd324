import { describe, expect, it } from "vitest";
import { refusalOf } from "../../test/support/docker";
import { defaultFlags, parseDaemonFlags } from "./flags";

const parse = (...argv: readonly string[]) => parseDaemonFlags(argv, "20.10");
const refused = (...argv: readonly string[]) => refusalOf(() => parse(...argv));

describe("the flags of dockerd", () => {
  it("say nothing unless they are given", () => {
    expect(parse()).toEqual(defaultFlags("20.10"));
    expect(parseDaemonFlags([], "29").ip6tables).toBe(true);
  });

  it("take values behind a space or an equals sign, and several of some", () => {
    const argv = ["--bip", "10.90.0.1/24", "--fixed-cidr=10.90.0.64/28", "--mtu", "1400", "--default-address-pool", "base=10.91.0.0/22,size=24", "--ip", "192.0.2.11"];
    const flags = parse(...argv, "--dns", "198.51.100.53", "--dns=198.51.100.54", "--icc=false", "--userland-proxy=false", "--debug", "--log-level", "warn");
    expect(flags).toMatchObject({
      bip: "10.90.0.1/24", fixedCidr: "10.90.0.64/28", mtu: 1400, defaultAddressPools: [{ base: "10.91.0.0/22", size: 24 }], ip: "192.0.2.11",
      dns: ["198.51.100.53", "198.51.100.54"], icc: false, userlandProxy: false,
    });
  });

  it("are refused in the daemon's words", () => {
    expect(refused("--nosuch")).toBe("INVALID_INPUT: unknown flag: --nosuch");
    expect(refused("--bip")).toBe("INVALID_INPUT: flag needs an argument: --bip");
    expect(refused("--ipv6")).toMatch(/^INVALID_INPUT: IPv6 is enabled for the default bridge, but no subnet is configured\./);
    expect(refused("--iptables=false", "--icc=false")).toMatch(/^INVALID_INPUT: You specified --iptables=false with --icc=false\./);
    expect(refused("--icc=perhaps")).toMatch(/invalid argument "perhaps" for "--icc" flag/);
    expect(refused("--allow-direct-routing")).toBe("INVALID_INPUT: unknown flag: --allow-direct-routing");
    expect(parseDaemonFlags(["--allow-direct-routing"], "29").allowDirectRouting).toBe(true);
  });

  it("turn masquerading off together with iptables", () => {
    expect(parse("--iptables=false")).toMatchObject({ iptables: false, ipMasq: false });
  });
});
