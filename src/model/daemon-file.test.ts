import { describe, expect, it } from "vitest";
import { type DaemonFile, readDaemonFile } from "./daemon-file";
import { parseDaemonFlags } from "./flags";

describe("daemon.json", () => {
  it("says what the flags say", () => {
    const file: DaemonFile = {
      bip: "10.90.0.1/24", icc: false, "userland-proxy": false, mtu: 1400, ip: "192.0.2.11", dns: ["192.0.2.53", "2001:db8::53"], "dns-opts": ["ndots:2"],
      "default-address-pools": [{ base: "10.91.0.0/16", size: 24 }, { base: "fd00:9::/48", size: 64 }],
    };
    const argv = [
      "--bip=10.90.0.1/24", "--icc=false", "--userland-proxy=false", "--mtu=1400", "--ip=192.0.2.11", "--dns=192.0.2.53", "--dns=2001:db8::53", "--dns-opt=ndots:2",
      "--default-address-pool=base=10.91.0.0/16,size=24", "--default-address-pool=base=fd00:9::/48,size=64",
    ];
    for (const generation of ["20.10", "29"] as const) expect(readDaemonFile({ file, subject: "daemon" }, generation)).toEqual(parseDaemonFlags(argv, generation));
  });

  it("may have keys that say nothing about packets, and none that the daemon does not know", () => {
    const file = { "log-driver": "journald", "data-root": "/srv/docker" } as DaemonFile;
    expect(readDaemonFile({ file, subject: "daemon" }, "29")).toEqual(parseDaemonFlags([], "29"));
    expect(() => readDaemonFile({ file: { "userland_proxy": false } as DaemonFile, subject: "host h1: daemon" }, "29")).toThrow(
      "host h1: daemon: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: userland_proxy",
    );
  });

  it.each([
    [{ icc: "no" }, 'daemon.icc: expected true or false, found "no"'],
    [{ mtu: "1400" }, 'daemon.mtu: expected a whole number, found "1400"'],
    [{ dns: "192.0.2.53" }, 'daemon.dns: expected a list, found "192.0.2.53"'],
    [{ "default-address-pools": [{ base: "10.0.0.0/8" }] }, 'daemon.default-address-pools: expected a list of { "base": …, "size": … }, found [{"base":"10.0.0.0/8"}]'],
    [{ ip: "nowhere" }, 'daemon: invalid argument "nowhere" for "--ip" flag: nowhere is not an ip address'],
    [{ iptables: false, icc: false }, "daemon: You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or --iptables to true"],
  ])("refuses %o", (file, message) => {
    expect(() => readDaemonFile({ file: file as DaemonFile, subject: "daemon" }, "29")).toThrow(message);
  });
});
