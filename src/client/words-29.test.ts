import { describe, expect, it } from "vitest";
import { Daemon } from "../model/daemon";
import { rulesOf } from "../model/generations";
import { DockerClient } from "./client";

const clientOf = (generation: "20.10" | "29") => new DockerClient(new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: 7 }), { images: "any" });

describe("the client of Docker 29", () => {
  const client = clientOf("29");

  it("says what is missing, wrong or unknown in words of its own", async () => {
    const said = async (line: string) => (await client.run(line)).stderr;
    expect(await said("rm nosuch")).toBe("Error response from daemon: No such container: nosuch\n");
    expect(await said("network rm nosuch")).toBe("Error response from daemon: network nosuch not found\nexit status 1\n");
    expect(await said("nosuch")).toBe("docker: unknown command: docker nosuch\n\nRun 'docker --help' for more information\n");
    expect(await said("network create")).toBe("docker: 'docker network create' requires 1 argument\n\nUsage:  docker network create [OPTIONS] NETWORK\n\nRun 'docker network create --help' for more information\n");
    expect(await said("network rm")).toBe("docker: 'docker network rm' requires at least 1 argument\n\nUsage:  docker network rm NETWORK [NETWORK...]\n\nSee 'docker network rm --help' for more information\n");
    expect(await said("run --ip nosuch x")).toBe("invalid argument \"nosuch\" for \"--ip\" flag: failed to parse IP: \"nosuch\"\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information\n");
    expect(await said("run --nosuch x")).toBe("unknown flag: --nosuch\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information\n");
    await client.run("run -d --name web alpine");
    expect(await said("run -d --name web alpine")).toMatch(/^docker: Error response from daemon: Conflict\. .* to be able to reuse that name\.\n\nRun 'docker run --help' for more information\n$/);
  });

  it("speaks of blocks, ports, filters and names in the words of today", async () => {
    const other = clientOf("29");
    const said = async (line: string) => (await other.run(line)).stderr.replace(/[0-9a-f]{64}/, "<id>").split("\n")[0];
    await other.run("run -d --name web alpine");
    const prefix = async (text: string) => (await said(`network create --subnet ${text} x`))?.replace(`netip.ParsePrefix("${text}"): `, "");
    expect(await Promise.all(["10.1.0.0", "10.1.0.0/33", "10.1.0.0/x", "10.1/16", "10.1.0.256/16", "10.1.0.0.0/16", "10.a.0.0/16", "nosuch/8"].map(prefix))).toEqual([
      "no '/'",
      "prefix length out of range",
      'bad bits after slash: "x"',
      'ParseAddr("10.1"): IPv4 address too short',
      'ParseAddr("10.1.0.256"): IPv4 field has value >255',
      'ParseAddr("10.1.0.0.0"): IPv4 address too long',
      'ParseAddr("10.a.0.0"): unexpected character (at "a.0.0")',
      'ParseAddr("nosuch"): unable to parse IP',
    ]);
    expect(await said("rm web")).toBe('Error response from daemon: cannot remove container "web": container is running: stop the container before removing or force remove');
    expect(await said("rm -f nosuch")).toBe("");
    expect(await said("rename web web")).toBe("failed to rename container: Error response from daemon: Renaming a container with the same name as its current name");
    expect(await said("rename web ''")).toBe("failed to rename container: new name cannot be blank");
    expect(await said("ps --filter nosuch=1")).toBe("Error response from daemon: invalid filter 'nosuch'");
    expect(await said("port web abc")).toBe("invalid port 'abc': invalid syntax");
    expect(await said("run --expose 80-99999 alpine")).toBe("docker: invalid range format for --expose: invalid end port '99999': value out of range");
    expect(await said("network nosuch")).toBe("docker: unknown command: docker network nosuch");
  });

  it("prints addresses that are none as Go's netip does, and lists networks as used by who is on them", async () => {
    const other = clientOf("29");
    await other.run("network create back");
    await other.run("create --name idle alpine");
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{if .Gateway}}{{json .Gateway}}{{end}}{{end}}";
    expect((await other.run(["inspect", "-f", format, "idle"])).stdout).toBe('invalid IP ""\n');
    const used = async () => (await other.run("network ls --filter dangling=false --format {{.Name}}")).stdout;
    expect(await used()).toBe("bridge\nhost\nnone\n");
    await other.run("run -d --network back alpine");
    expect(await used()).toBe("back\nbridge\nhost\nnone\n");
  });

  it("writes addresses of IPv6 in brackets before a port", async () => {
    for (const [generation, text] of [["29", "[::]:8080"], ["20.10", ":::8080"]] as const) {
      const other = clientOf(generation);
      await other.run("run -d --name web -p 8080:80 nginx");
      expect((await other.run("port web 80")).stdout).toBe(`0.0.0.0:8080\n${text}\n`);
      expect((await other.run("ps --format {{.Ports}}")).stdout).toBe(`0.0.0.0:8080->80/tcp, ${text}->80/tcp\n`);
    }
  });

  it("shows how many addresses of a network are taken, and left to choose from", async () => {
    await client.run("network create --ipv6 --subnet 10.9.0.0/16 --ip-range 10.9.5.0/24 --aux-address a=10.9.5.7 --subnet fd00:9::/64 back");
    await client.run("run -d --name db --network back alpine");
    const subnets = '{"10.9.0.0/16":{"IPsInUse":5,"DynamicIPsAvailable":253},"fd00:9::/64":{"IPsInUse":3,"DynamicIPsAvailable":18446744073709551613}}';
    expect((await client.run(["network", "inspect", "back", "-f", "{{json .Status.IPAM.Subnets}}"])).stdout).toBe(`${subnets}\n`);
    expect((await clientOf("20.10").run(["network", "inspect", "bridge"])).stdout).not.toContain("Status");
  });

  it("reads the contents of secrets and configs itself, and says what it found none in", async () => {
    const run = async (line: string) => (await client.run(line)).stderr;
    expect(await run("secret create a /nosuch")).toBe("error reading from /nosuch: open /nosuch: no such file or directory\n");
    expect(await run("config create a /nosuch")).toBe('error reading content from "/nosuch": error reading from /nosuch: open /nosuch: no such file or directory\n');
    expect(await run("secret create a -")).toBe("error reading from STDIN: data is empty\n");
    expect(await run("config create a -")).toBe('error reading content from "-": error reading from STDIN: data is empty\n');
    expect(await run("secret create a")).toBe("secret file is required\n");
  });

  it("knows a command of stacks that 20.10 did not have, and no orchestrators", async () => {
    expect((await client.run("stack")).stderr).toMatch(/^\nUsage: {2}docker stack COMMAND\n\nManage Swarm stacks\n\nCommands:\n {2}config .*\n {2}deploy /);
    await expect(client.run("stack config -c -")).rejects.toThrow("docker stack config: this command is not simulated");
    const old = clientOf("20.10");
    expect((await old.run("stack")).stderr).toMatch(/^\nUsage: {2}docker stack \[OPTIONS\] COMMAND\n\nManage Docker stacks\n/);
  });
});
