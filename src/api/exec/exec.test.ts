/** `docker exec` in labs, on the TypeScript engine in this thread. */
import { describe, expect, it } from "vitest";
import { docker } from "../../../test/support/docker";
import { startHere } from "../../../test/support/lab";
import type { Lab } from "../lab";

const shop = (generation: "20.10" | "29" = "29"): Promise<Lab> =>
  startHere(() => docker("shop", { docker: generation }).network("back").container("db", { networks: { back: { aliases: ["store"] } } }).container("web", { networks: ["back"] }).compile());
const said = async (lab: Lab, line: string) => {
  const { exit, stdout, stderr } = await lab.docker(line);
  return { exit, text: (stdout + stderr).trim() };
};

describe("docker exec in a lab", () => {
  it("asks the name server of the sandbox, in packets", async () => {
    const lab = await shop();
    const capture = lab.capture({ at: ["web:lo"] });
    expect(await said(lab, "exec web nslookup store")).toMatchObject({ exit: 0, text: expect.stringContaining("Name:\tstore\nAddress: 172.18.0.2") });
    expect((await capture.frames()).length).toBe(4);
    expect((await said(lab, "exec web getent hosts nosuch")).exit).toBe(2);
  });

  it("reads settings of the kernel, with and without their names, and only those that are simulated", async () => {
    const lab = await shop();
    expect((await said(lab, "exec web sysctl net.ipv4.ip_forward")).text).toBe("net.ipv4.ip_forward = 1");
    expect((await said(lab, "exec web sysctl -n net.ipv4.ip_forward")).text).toBe("1");
    await expect(lab.docker("exec web sysctl net.ipv4.nosuch")).rejects.toThrow('expected a setting that is simulated, found "net.ipv4.nosuch"');
  });

  it("fails a name that nobody knows as the generation does", async () => {
    expect((await said(await shop(), "exec web nslookup nosuch")).text).toContain("** server can't find nosuch: SERVFAIL");
    expect((await said(await shop("20.10"), "exec web nslookup nosuch")).text).toBe(";; connection timed out; no servers could be reached");
  });

  it("asks again over TCP what no datagram holds, as libc does and busybox nslookup does not", async () => {
    const long = `a-name-as-long-as-a-label-may-be-${"x".repeat(30)}`;
    const members = Array.from({ length: 8 }, (_, i) => `p${i}`);
    const lab = await startHere(() => members.reduce((all, name) => all.container(name, { networks: { back: { aliases: [long] } } }), docker("many", { docker: "20.10" }).network("back")).container("web", { networks: ["back"] }).compile());
    const capture = lab.capture({ at: ["web:lo"] });
    const { text } = await said(lab, `exec web getent hosts ${long}`);
    expect(text.split("\n").map((line) => line.split(" ")[0]).sort()).toEqual(members.map((_, i) => `172.18.0.${i + 2}`));
    const protocols = (await capture.frames()).map(({ bytes }) => bytes[23]);
    expect(protocols.slice(0, 2)).toEqual([17, 17]);
    expect(protocols.slice(2).every((protocol) => protocol === 6)).toBe(true);
    expect((await said(lab, `exec web nslookup ${long}`)).text.match(/^Address: 172/gm)).toHaveLength(5);
  });

  it("pings once a second, and tells what time it took", async () => {
    const lab = await shop();
    const { exit, text } = await said(lab, "exec web ping -c 3 db");
    expect(exit).toBe(0);
    expect(text).toMatch(/^PING db \(172\.18\.0\.2\): 56 data bytes\n(64 bytes from 172\.18\.0\.2: seq=\d ttl=64 time=0\.\d{3} ms\n){3}\n--- db ping statistics ---\n3 packets transmitted, 3 packets received, 0% packet loss/);
    expect(lab.now).toBeGreaterThan(2e9);
    expect(lab.now).toBeLessThan(3e9);
  });

  it("connects where the network lets it, with the exit codes of curl and nc", async () => {
    const lab = await shop();
    expect(await said(lab, "exec web curl http://db:8000")).toEqual({ exit: 0, text: '{"server":"db","peer":"172.18.0.3","local":"172.18.0.2"}' });
    expect(await said(lab, "exec web curl -sS http://nosuch")).toEqual({ exit: 6, text: "curl: (6) Could not resolve host: nosuch" });
    await lab.iptables("-A DOCKER-USER -p tcp --dport 8001 -j DROP");
    await lab.docker("network create front");
    await lab.docker("run -d --name api --network front alpine");
    expect((await said(lab, "exec api curl -m 2 http://172.18.0.2:8001")).exit).toBe(28);
    expect((await said(lab, 'exec web sh -c "nc -zv db 22 2>&1 >/dev/null && echo yes || echo no"')).text).toBe("db (172.18.0.2:22) open\nyes");
  });

  it("follows what was done before: new containers, new names, after a new program too", async () => {
    const lab = await shop();
    expect((await said(lab, "exec web nslookup late")).exit).toBe(1);
    await lab.docker("run -d --name late --network back alpine");
    expect((await said(lab, "exec web nslookup late")).text).toContain("Address: 172.18.0.4");
    expect((await said(lab, "run --rm --network back alpine ping -c 1 late")).text).toContain("1 packets received");
    expect((await said(lab, "ps -aq")).text.split("\n")).toHaveLength(3);
  });

  it("shows routes and addresses of a family, and routes to no gateway", async () => {
    const lab = await startHere(() =>
      docker("cell")
        .underlay({ ipv6: true })
        .host("h1")
        .network("cell", { driver: "ipvlan", subnet: "10.7.0.0/24", subnet6: "fd07::/64", parent: "eth0", options: { ipvlan_mode: "l3" } })
        .container("one", { networks: ["cell"] })
        .container("two", { networks: ["cell"] })
        .compile(),
    );
    const lines = async (line: string) => (await lab.docker(line)).stdout.split("\n");
    expect(await lines("exec two ip route")).toEqual(["default dev eth0 scope link ", "10.7.0.0/24 dev eth0 scope link  src 10.7.0.2 ", ""]);
    expect(await lines("exec two ip -6 route")).toEqual([
      "fd07::/64 dev eth0  metric 256 ",
      "fe80::/64 dev eth0  metric 256 ",
      "default dev eth0  metric 1024 ",
      "multicast ff00::/8 dev eth0  metric 256 ",
      "",
    ]);
    expect((await lines("exec two ip -6 addr")).filter((line) => !line.includes("valid_lft"))).toEqual([
      "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qlen 1000",
      "    inet6 ::1/128 scope host ",
      "2: eth0: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP,M-DOWN> mtu 1500 ",
      "    inet6 fd07::2/64 scope global flags 02 ",
      "    inet6 fe80::200:c000:200:20b/64 scope link ",
      "",
    ]);
    expect((await lines("exec two ip -4 addr show dev eth0"))[1]).toBe("    inet 10.7.0.2/24 brd 10.7.0.255 scope global eth0");
  });

  it("runs scripts with pipes, redirections and conditions", async () => {
    const lab = await shop();
    expect(await said(lab, `exec web sh -c 'ping -c1 db | grep "ttl=" | wc -l'`)).toEqual({ exit: 0, text: "1" });
    expect(await said(lab, `exec web sh -c 'ping -c1 nosuch 2>/dev/null || echo "no | way"; exit 3'`)).toEqual({ exit: 3, text: "no | way" });
    expect(await said(lab, "exec web ping -6 -c 1 db")).toEqual({ exit: 1, text: "ping: bad address 'db'" });
    await expect(lab.docker("exec web sh -c 'ping -c1 db | awk x'")).rejects.toThrow(/expected grep, head, tail, wc or cat behind \|, found "awk"/);
  });

  it("says what it cannot run", async () => {
    const lab = await shop();
    await expect(lab.docker("exec web top")).rejects.toThrow(/^docker exec web: expected one of ash, bash, cat, curl, .* found "top", which is not simulated$/);
    expect(await said(lab, "exec web nosuchprogram")).toMatchObject({ exit: 127 });
  });
});
