import { describe, expect, it } from "vitest";
import { refusalOf } from "../../test/support/docker";
import { Daemon } from "../model/daemon";
import { rulesOf } from "../model/generations";
import type { ImageSpec } from "../model/spec";
import { compareNaturally } from "./natural-order";
import { displayPorts } from "./ports-text";
import type { Programs } from "./programs";
import { DockerClient, splitWords } from "./index";

const WEB: ImageSpec = { name: "web", expose: [{ from: 80, to: 80, protocol: "tcp" }], env: ["PATH=/bin"], labels: {}, command: ["serve"] };

function clientOf(programs?: Programs): DockerClient {
  const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf("20.10"), seed: 1 });
  return new DockerClient(daemon, { images: [WEB], ...(programs && { programs }) });
}

/** Runs lines one after the other; what the last one came to. */
async function outcomeOf(client: DockerClient, ...lines: string[]) {
  let outcome = { exit: -1, stdout: "", stderr: "" };
  for (const line of lines) outcome = await client.run(line);
  return outcome;
}

const said = (stdout: string) => ({ exit: 0, stdout, stderr: "" });

describe("a command line", () => {
  it.each([
    ["docker run -d  --name c1 web", ["docker", "run", "-d", "--name", "c1", "web"]],
    [`docker inspect -f '{{.Name}} {{json .Id}}' "a b"`, ["docker", "inspect", "-f", "{{.Name}} {{json .Id}}", "a b"]],
    [String.raw`a\ b "c\"d\e" '' x""y`, ["a b", String.raw`c"d\e`, "", "xy"]],
    ["", []],
  ])("%j is split as a shell splits it", (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it("whose quotation does not end is refused", () => {
    expect(refusalOf(() => splitWords("docker 'run"))).toBe(`INVALID_INPUT: command line: expected a closing ', found the end of "docker 'run"`);
  });

  it("may begin without docker and may name the daemon", async () => {
    expect(await outcomeOf(clientOf(), "-H unix:///x network ls --format {{.Name}}")).toEqual(said("bridge\nhost\nnone\n"));
  });
});

describe("docker network", () => {
  it("creates, shows, lists and removes networks", async () => {
    const client = clientOf();
    const { stdout: id } = await outcomeOf(client, "docker network create --subnet 10.1.0.0/16 --label tier=front back");
    expect(id).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await outcomeOf(client, "docker network inspect -f '{{.Id}} {{json .IPAM.Config}} {{.Labels.tier}}' back")).toEqual(said(`${id.trim()} [{"Subnet":"10.1.0.0/16"}] front\n`));
    expect((await outcomeOf(client, "docker network ls")).stdout.split("\n").slice(0, 2)).toEqual(["NETWORK ID     NAME      DRIVER    SCOPE", `${id.slice(0, 12)}   back      bridge    local`]);
    expect(await outcomeOf(client, "docker network rm nosuch back bridge")).toEqual({
      exit: 1,
      stdout: "back\n",
      stderr: "Error: No such network: nosuch\nError response from daemon: bridge is a pre-defined network and cannot be removed\n",
    });
  });

  it("shows what is there beside what is not", async () => {
    const { exit, stdout, stderr } = await outcomeOf(clientOf(), "docker network inspect none nosuch");
    expect([exit, stderr]).toEqual([1, "Error: No such network: nosuch\n"]);
    expect(JSON.parse(stdout)).toMatchObject([{ Name: "none", Driver: "null", IPAM: { Driver: "default", Options: null, Config: [] } }]);
  });

  it("asks before it prunes", async () => {
    const client = clientOf();
    await client.run("docker network create back");
    expect((await client.run(["network", "prune"], "n\n")).stdout).toContain("[y/N] ");
    expect((await client.run(["network", "prune"], "y\n")).stdout).toContain("Deleted Networks:\nback\n");
  });

  it("names the flag that the daemon would not understand", async () => {
    expect(await outcomeOf(clientOf(), "docker network create --aux-address x --subnet 10.0.0.0/8 n")).toEqual({ exit: 1, stdout: "", stderr: "no matching subnet for aux-address \n" });
  });
});

describe("docker run", () => {
  it("prints the ID, and where ports are", async () => {
    const client = clientOf();
    const { stdout } = await outcomeOf(client, "docker run -d --name c1 -p 8080:80 -p 127.0.0.1:90:81/udp web");
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await outcomeOf(client, "docker port c1")).toEqual(said("80/tcp -> 0.0.0.0:8080\n80/tcp -> :::8080\n81/udp -> 127.0.0.1:90\n"));
    expect(await outcomeOf(client, "docker ps --format '{{.Names}} {{.Ports}}'")).toEqual(said("c1 0.0.0.0:8080->80/tcp, :::8080->80/tcp, 127.0.0.1:90->81/udp\n"));
  });

  it("tells a refusal of the daemon from one that came at the start", async () => {
    const client = clientOf();
    await outcomeOf(client, "docker network create --subnet 10.1.0.0/16 back", "docker run -d --name c1 --network back --ip 10.1.0.9 web");
    expect(await outcomeOf(client, "docker run --name c1 web")).toMatchObject({ exit: 125, stderr: expect.stringMatching(/^docker: Error response from daemon: Conflict.*\.\nSee 'docker run --help'\.\n$/) });
    const late = await outcomeOf(client, "docker run -d --name c2 --network back --ip 10.1.0.9 web");
    expect(late).toMatchObject({ exit: 125, stderr: "docker: Error response from daemon: Address already in use.\n" });
    expect(late.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await outcomeOf(client, "docker ps -a --format '{{.Names}} {{.State}}'")).toEqual(said("c2 created\nc1 running\n"));
  });

  it("warns of ports that host mode discards and of servers that a container cannot ask", async () => {
    expect((await outcomeOf(clientOf(), "docker run -d --network host -p 80:80 web")).stderr).toBe("WARNING: Published ports are discarded when using host network mode\n");
    expect((await outcomeOf(clientOf(), "docker run -d --dns 127.0.0.1 web")).stderr).toBe("WARNING: Localhost DNS setting (--dns=127.0.0.1) may fail in containers.\n");
  });

  it("knows no image but those that the host has", async () => {
    const { exit, stderr } = await outcomeOf(clientOf(), "docker run nosuch");
    expect([exit, stderr.split("\n")[0]]).toEqual([125, "Unable to find image 'nosuch:latest' locally"]);
  });

  it("in the foreground is what its process does", async () => {
    const programs: Programs = { start: ({ spec }) => ({ exit: 3, stdout: `${spec.command?.join(" ")}\n`, stderr: "" }), exec: () => said(""), logs: () => said("") };
    const client = clientOf(programs);
    expect(await outcomeOf(client, "docker run --rm web echo -d hi")).toEqual({ exit: 3, stdout: "echo -d hi\n", stderr: "" });
    expect(await outcomeOf(client, "docker ps -aq")).toEqual(said(""));
  });
});

describe("docker exec", () => {
  it("leaves the process to the lab, with its options", async () => {
    const seen: unknown[] = [];
    const exec: Programs["exec"] = ({ name }, argv, options) => {
      seen.push([name, argv, options]);
      return { exit: 1, stdout: "out\n", stderr: "bad address\n" };
    };
    const client = clientOf({ start: () => undefined, exec, logs: () => said("") });
    expect(await outcomeOf(client, "docker run -d --name c1 web", "docker exec -it -e A=1 c1 ping -c 1 x")).toEqual({ exit: 1, stdout: "out\n", stderr: "bad address\n" });
    expect(seen).toEqual([["c1", ["ping", "-c", "1", "x"], { environment: expect.arrayContaining(["PATH=/bin", "TERM=xterm", "A=1", "HOME=/root"]), detached: false, tty: true, workdir: "" }]]);
    expect(await outcomeOf(client, "docker pause c1", "docker exec c1 true")).toEqual({
      exit: 1,
      stdout: "",
      stderr: "Error response from daemon: Container c1 is paused, unpause the container before exec\n",
    });
  });
});

describe("a column of ports", () => {
  it("draws neighbours together that are published under their own numbers", () => {
    const udp = (port: number, hostIp: string) => ({ containerPort: port, protocol: "udp", hostIp, hostPort: port });
    const open = (port: number) => ({ containerPort: port, protocol: "tcp", hostIp: "", hostPort: 0 });
    expect(displayPorts([udp(9001, "127.0.0.1"), udp(9000, "127.0.0.1"), open(81), open(80), open(90), { containerPort: 70, protocol: "tcp", hostIp: "0.0.0.0", hostPort: 7000 }])).toBe(
      "80-81/tcp, 90/tcp, 127.0.0.1:9000-9001->9000-9001/udp, 0.0.0.0:7000->70/tcp",
    );
  });
});

describe("the order of lists", () => {
  it("counts numbers as numbers", () => {
    expect(["n10", "n9", "n", "a2b", "-x"].sort(compareNaturally)).toEqual(["-x", "a2b", "n", "n9", "n10"]);
  });
});
