/** What happens to containers whose process ends, is killed, or is looked at; links as names; the long form of `--network`. */
import { describe, expect, it } from "vitest";
import { Daemon } from "../model/daemon";
import { rulesOf } from "../model/generations";
import type { DockerGeneration, ImageSpec } from "../model/spec";
import type { Programs } from "./programs";
import { DockerClient } from "./index";

const WEB: ImageSpec = { name: "web", expose: [], env: ["PATH=/bin"], labels: {}, command: ["serve", "tcp:80"], exitOnTerm: 2 };

/** Every process with the command `fail` prints a word and ends with 3; `serve` goes on. */
const PROGRAMS: Programs = {
  start: ({ spec }) => (spec.command?.[0] === "fail" ? { exit: 3, stdout: "out\n", stderr: "err\n" } : undefined),
  exec: () => ({ exit: 0, stdout: "", stderr: "" }),
  logs: () => ({ exit: 0, stdout: "", stderr: "" }),
};

function clientOf(generation: DockerGeneration = "20.10"): (line: string) => Promise<string> {
  const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: 1 });
  const client = new DockerClient(daemon, { images: [WEB], programs: PROGRAMS });
  return async (line) => {
    const { exit, stdout, stderr } = await client.run(line);
    return `${exit} ${stdout}${stderr}`.trim().replaceAll(/[0-9a-f]{64}/g, "<id>");
  };
}

const STATE = "docker inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}} {{json .HostConfig.RestartPolicy}}' c1";

describe("a restart policy", () => {
  it("starts a process that fails as often as it says", async () => {
    const run = clientOf();
    await run("docker run -d --name c1 --restart on-failure:2 web fail");
    expect(await run(STATE)).toBe('0 2 exited 3 {"Name":"on-failure","MaximumRetryCount":2}');
    expect(await run("docker logs c1")).toBe("0 out\nout\nout\nerr\nerr\nerr");
  });

  it("without an end leaves a process that fails at once where the daemon waits", async () => {
    const run = clientOf();
    await run("docker run -d --name c1 --restart always web fail");
    expect(await run(STATE)).toBe('0 1 restarting 3 {"Name":"always","MaximumRetryCount":0}');
    expect(await run("docker ps --filter status=restarting --format '{{.Names}} {{.Status}}'")).toBe("0 c1 Restarting (3) Less than a second ago");
    expect(await run("docker stop c1")).toBe("0 c1");
    expect(await run("docker inspect -f '{{.State.Status}}' c1")).toBe("0 exited");
  });

  it("can be changed", async () => {
    const run = clientOf();
    await run("docker run -d --name c1 web");
    expect(await run("docker update --restart on-failure:5 c1")).toBe("0 c1");
    expect(await run(STATE)).toContain('{"Name":"on-failure","MaximumRetryCount":5}');
    expect(await run("docker update --restart bad c1")).toBe("1 Error response from daemon: invalid restart policy 'bad'");
    expect(await run("docker update c1")).toBe("1 you must provide one or more flags when using this command");
  });
});

describe("docker kill", () => {
  it("knows signals, and what a first process makes of them", async () => {
    const run = clientOf();
    await run("docker run -d --name c1 web");
    expect(await run("docker kill -s NOSUCH c1")).toBe("1 Error response from daemon: Invalid signal: NOSUCH");
    expect(await run("docker kill -s 99 c1")).toBe("1 Error response from daemon: Cannot kill container: c1: The linux daemon does not support signal 99");
    await run("docker kill -s SIGWINCH c1");
    expect(await run("docker inspect -f '{{.State.Status}}' c1")).toBe("0 running");
    await run("docker kill -s hup c1");
    expect(await run("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1")).toBe("0 exited 2");
    await run("docker start c1");
    await run("docker kill c1");
    expect(await run("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1")).toBe("0 exited 137");
  });
});

describe("docker top", () => {
  it("shows the first process in the columns that are asked for", async () => {
    const run = clientOf();
    await run("docker run -d --name c1 web");
    expect((await run("docker top c1")).split("\n").map((line) => line.split(/\s{2,}/).at(-1))).toEqual(["CMD", "serve tcp:80"]);
    expect(await run("docker top c1 -o pid,comm")).toMatch(/^0 PID {17}COMMAND\n\d+ +serve$/);
    expect(await run("docker top c1 -o comm")).toBe("1 Error response from daemon: Couldn't find PID field in ps output");
    await run("docker stop c1");
    expect(await run("docker top c1")).toBe("1 Error response from daemon: Container <id> is not running");
  });
});

describe("a legacy link", () => {
  it("is a name of its container until it is removed", async () => {
    const run = clientOf();
    await run("docker run -d --name db web");
    await run("docker run -d --name app --link db:data web");
    expect(await run("docker ps --no-trunc --format '{{.Names}}'")).toBe("0 app\napp/data,db");
    expect(await run("docker inspect -f '{{.Name}}' app/data")).toBe("0 /db");
    expect(await run("docker rm --link app")).toBe("1 Error response from daemon: Conflict, cannot remove the default link name of the container");
    expect(await run("docker rm --link app/data")).toBe("0 app/data");
    expect(await run("docker rm --link app/data")).toBe("1 Error: No such container: app/data");
    expect(await run("docker ps --no-trunc --format '{{.Names}}'")).toBe("0 app\ndb");
  });
});

describe("docker start --attach", () => {
  it("prints what the process prints, and ends as it does", async () => {
    const run = clientOf();
    await run("docker create --name c1 web fail");
    expect(await run("docker start -a c1")).toBe("3 out\nerr");
    expect(await run("docker start -a c1 d")).toBe("1 you cannot start and attach multiple containers at once");
  });
});

describe("the long form of --network", () => {
  it("has addresses in both generations, MACs and priorities in the current one", async () => {
    const fields = "'{{(index .NetworkSettings.Networks \"app\").IPAddress}} {{(index .NetworkSettings.Networks \"app\").MacAddress}}' c1";
    const old = clientOf();
    await old("docker network create --subnet 10.7.0.0/24 app");
    expect(await old("docker run -d --name c1 --network name=app,ip=10.7.0.66,alias=k web")).toBe("0 <id>");
    expect(await old(`docker inspect -f ${fields}`)).toBe("0 10.7.0.66 02:42:0a:07:00:42");
    expect(await old("docker run -d --network name=app,mac-address=02:00:00:00:00:07 web")).toContain("invalid field key mac-address");
    expect(await old("docker run -d --network name=app,ip=10.7.0.68 --ip 10.7.0.69 web")).toContain("conflicting options: cannot specify both --ip and per-network IPv4 address");
    expect(await old("docker network connect --gw-priority 1 app c1")).toContain("unknown flag: --gw-priority");
    const current = clientOf("29");
    await current("docker network create --subnet 10.7.0.0/24 app");
    await current("docker run -d --name c1 --network name=app,ip=10.7.0.66,mac-address=02:00:00:00:00:07,gw-priority=5 web");
    expect(await current(`docker inspect -f ${fields}`)).toBe("0 10.7.0.66 02:00:00:00:00:07");
    expect(await current("docker network connect --gw-priority 1 bridge c1")).toBe("0");
  });
});
