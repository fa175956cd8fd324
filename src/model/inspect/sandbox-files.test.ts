import { describe, expect, it } from "vitest";
import { SandboxFiles, type SandboxFilesSpec } from "./sandbox-files";

const HOST = { resolvConf: { nameservers: ["198.51.100.53"], search: [], options: [] }, hosts: ["127.0.0.1\tlocalhost", "192.0.2.50\tlan"] };
const NO_DNS = { nameservers: [], search: [], options: [] };

function files(spec: Partial<SandboxFilesSpec> = {}): SandboxFiles {
  const base = { generation: "20.10", mode: "own", name: "c1", hostname: "0123456789ab", domainname: "", entries: [], dns: NO_DNS, host: HOST } as const;
  return new SandboxFiles({ ...base, ...spec });
}

const own = (sandbox: SandboxFiles) => sandbox.hosts.slice(6);

describe("/etc/hosts of Docker 20.10", () => {
  it("has the standard lines, extra hosts, then a line per address", () => {
    const sandbox = files({ entries: [{ address: "10.9.8.7", names: "db" }] });
    sandbox.join({ addresses: ["172.18.0.2", "fd00::2"], hasIpv6: true });
    expect(sandbox.hosts).toEqual([
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::0\tip6-localnet",
      "ff00::0\tip6-mcastprefix",
      "ff02::1\tip6-allnodes",
      "ff02::2\tip6-allrouters",
      "10.9.8.7\tdb",
      "172.18.0.2\t0123456789ab",
      "fd00::2\t0123456789ab",
    ]);
  });

  it.each([
    ["third", "lab.test", "third.lab.test third"],
    ["a.b.c", "", "a.b.c a"],
    ["a.b", "c.d", "a.b.c.d a"],
  ])("calls %s in the domain %j %s", (hostname, domainname, names) => {
    const sandbox = files({ hostname, domainname });
    sandbox.join({ addresses: ["172.18.0.2"], hasIpv6: false });
    expect(own(sandbox)).toEqual([`172.18.0.2\t${names}`]);
  });

  it("loses the lines of all interfaces when it leaves a network that knows its short ID", () => {
    const sandbox = files();
    sandbox.join({ addresses: ["172.18.0.2"], hasIpv6: false });
    sandbox.join({ addresses: ["172.19.0.2"], hasIpv6: false });
    sandbox.leave({ addresses: ["172.19.0.2"], knownNames: ["c1", "0123456789ab"] });
    expect(own(sandbox)).toEqual([]);
  });

  it("keeps the line of a container whose host name is its name, and lines with a domain", () => {
    const sandbox = files({ name: "foo", hostname: "foo", entries: [{ address: "1.1.1.1", names: "other" }] });
    sandbox.join({ addresses: ["172.18.0.2"], hasIpv6: false });
    sandbox.leave({ addresses: ["172.18.0.2"], knownNames: ["foo", "0123456789ab"] });
    expect(own(sandbox)).toEqual(["1.1.1.1\tother", "172.18.0.2\tfoo"]);
    const whole = files({ hostname: "a.b.c" });
    whole.join({ addresses: ["172.18.0.4"], hasIpv6: false });
    whole.leave({ addresses: ["172.18.0.4"], knownNames: ["a.b.c", "0123456789ab"] });
    expect(own(whole)).toEqual(["172.18.0.4\ta.b.c a"]);
  });

  it("loses lines of --add-host whose name another container has", () => {
    const sandbox = files({ entries: [{ address: "1.1.1.1", names: "db" }] });
    sandbox.leave({ addresses: [], knownNames: ["db"] });
    expect(own(sandbox)).toEqual([]);
  });

  it("follows a linked container to its new address", () => {
    const sandbox = files({ entries: [{ address: "172.17.0.2", names: "db 0123 database" }, { address: "172.17.0.3", names: "web 4567" }] });
    sandbox.relink("db", "172.17.0.9");
    expect(own(sandbox)).toEqual(["172.17.0.9\tdb 0123 database", "172.17.0.3\tweb 4567"]);
  });

  it("is the host's in host mode, unless there are extra hosts", () => {
    expect(files({ mode: "host" }).hosts).toEqual(HOST.hosts);
    expect(own(files({ mode: "host", entries: [{ address: "1.1.1.1", names: "x" }] }))).toEqual(["1.1.1.1\tx"]);
  });
});

describe("/etc/resolv.conf of Docker 20.10", () => {
  const after = (spec: Partial<SandboxFilesSpec>, embeds: boolean) => {
    const sandbox = files(spec);
    sandbox.join({ addresses: ["172.18.0.2"], hasIpv6: false });
    if (embeds) sandbox.embed();
    return sandbox.resolvConf;
  };
  const host = (nameservers: string[], search: string[] = [], options: string[] = []) => ({ ...HOST, resolvConf: { nameservers, search, options } });

  it("is the host's on the default bridge", () => {
    expect(after({}, false)).toEqual(["nameserver 198.51.100.53"]);
  });

  it("names Docker's own server on other networks, with search list and options", () => {
    expect(after({ host: host(["10.0.0.2"], ["corp.test"], ["timeout:1"]) }, true)).toEqual(["search corp.test", "nameserver 127.0.0.11", "options timeout:1 ndots:0"]);
  });

  it("lets --dns-option decide about dots, and a dot stand for no search list", () => {
    const dns = { nameservers: [], search: ["a.b", "c.d"], options: ["ndots:3", "timeout:1"] };
    expect(after({ dns }, true)).toEqual(["search a.b c.d", "nameserver 127.0.0.11", "options ndots:3 timeout:1"]);
    expect(after({ dns: { nameservers: [], search: ["."], options: ["use-vc"] } }, false)).toEqual(["nameserver 198.51.100.53", "options use-vc"]);
  });

  it("has Google's servers after an empty line where the host has only servers of its own", () => {
    expect(after({ host: host(["127.0.0.53"]) }, false)).toEqual(["", "nameserver 8.8.8.8", "nameserver 8.8.4.4"]);
  });

  it("takes --dns as it is, even a server in the container", () => {
    expect(after({ dns: { ...NO_DNS, nameservers: ["127.0.0.1"] } }, false)).toEqual(["nameserver 127.0.0.1"]);
    expect(files({ mode: "host", dns: { ...NO_DNS, nameservers: ["1.2.3.4"] } }).resolvConf).toEqual(["nameserver 1.2.3.4"]);
  });
});

describe("the files of Docker 29", () => {
  it("lose the lines of the endpoint that leaves, and no others", () => {
    const sandbox = files({ generation: "29", hostname: "c1", domainname: "invalid", entries: [{ address: "192.0.2.3", names: "otherhost.invalid" }] });
    sandbox.join({ addresses: ["192.168.123.2", "fde6::2"], hasIpv6: true });
    sandbox.join({ addresses: ["192.168.124.2"], hasIpv6: false });
    sandbox.leave({ addresses: ["192.168.123.2", "fde6::2"], knownNames: ["c1"] });
    expect(own(sandbox)).toEqual(["192.0.2.3\totherhost.invalid", "192.168.124.2\tc1.invalid c1"]);
  });

  it("say where resolv.conf comes from", () => {
    const sandbox = files({ generation: "29" });
    sandbox.join({ addresses: ["172.18.0.2"], hasIpv6: false });
    sandbox.embed();
    expect(sandbox.resolvConf).toEqual([
      "# Generated by Docker Engine.",
      "# This file can be edited; Docker Engine will not make further changes once it",
      "# has been modified.",
      "",
      "nameserver 127.0.0.11",
      "options ndots:0",
      "",
      "# Based on host file: '/etc/resolv.conf' (internal resolver)",
      "# ExtServers: [host(198.51.100.53)]",
      "# Overrides: []",
      "# Option ndots from: internal",
    ]);
  });
});
