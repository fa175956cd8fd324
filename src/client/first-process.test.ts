import { describe, expect, it } from "vitest";
import { Daemon } from "../model/daemon";
import { generation20 } from "../model/generation-20.10";
import type { ImageSpec } from "../model/spec";
import { BUSYBOX } from "./busybox";
import { DockerClient } from "./index";

const SMALL: ImageSpec = { name: "small", expose: [], env: ["PATH=/bin"], labels: {}, command: ["sh"], contents: { ...BUSYBOX, users: ["root"], groups: ["root"] } };

/** A host with the image, and with one of which nothing is known. */
function clientOf(): DockerClient {
  const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: generation20, seed: 1 });
  const outcome = { exit: 0, stdout: "ran\n", stderr: "" };
  return new DockerClient(daemon, { images: [SMALL, { ...SMALL, name: "any", contents: undefined } as ImageSpec], programs: { start: () => undefined, exec: () => outcome, logs: () => outcome } });
}

describe("a first process that cannot be started", () => {
  it.each([
    ["small nosuch", 127, `unable to start container process: exec: "nosuch": executable file not found in $PATH`],
    ["small /bin/nosuch", 127, `unable to start container process: exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory`],
    ["small /etc/", 126, `unable to start container process: exec: "/etc/": permission denied`],
    ["--sysctl net.ipv4.conf.eth1.forwarding=0 small", 127, "unable to start container process: error during container init: open /proc/sys/net/ipv4/conf/eth1/forwarding: no such file or directory"],
    ["--sysctl net.ipv4.ip_forward=on small", 125, "unable to start container process: error during container init: write /proc/sys/net/ipv4/ip_forward: invalid argument"],
    ["--ipc host --sysctl kernel.shmmax=1 small", 125, `sysctl "kernel.shmmax" is not allowed in the hosts ipc namespace`],
  ])("is refused by runc: %s", async (line, exit, words) => {
    const client = clientOf();
    const { exit: code, stderr } = await client.run(`run -d --name c1 -p 80:80 ${line}`);
    expect(stderr).toBe(`docker: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: ${words}: unknown.\n`);
    expect(code).toBe(exit);
    // Its ports are shown until it is started again, though nobody holds them.
    expect((await client.run("ps -a --format '{{.Names}} {{.State}} {{.Ports}}'")).stdout).toBe("c1 created 0.0.0.0:80->80/tcp, :::80->80/tcp\n");
    expect((await client.run("run -d --name c2 -p 80:80 small")).exit).toBe(0);
  });

  it("of a user whom nobody knows is refused by the daemon", async () => {
    const client = clientOf();
    expect((await client.run("run -d --name c1 -u who small")).stderr).toBe("docker: Error response from daemon: unable to find user who: no matching entries in passwd file.\n");
    expect((await client.run("inspect -f '{{.State.ExitCode}} {{.Config.User}}' c1")).stdout).toBe("128 who\n");
    expect((await client.run("run -d -u 1000:12 small")).exit).toBe(0);
  });

  it("is started where nothing is known of the image", async () => {
    const client = clientOf();
    expect((await client.run("run -d -u who -w /srv --sysctl net.ipv4.conf.wlan0.forwarding=0 any nosuch")).exit).toBe(0);
  });
});

describe("docker exec", () => {
  it.each([
    ["c1 nosuch", `OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown`],
    ["-u who c1 true", "unable to find user who: no matching entries in passwd file"],
    ["-w etc c1 true", "OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown"],
    ["-w /srv c1 true", `OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd ("/srv") set in config.json failed: no such file or directory: unknown`],
  ])("starts nothing: %s", async (line, words) => {
    const client = clientOf();
    await client.run("run -d --name c1 -w /made small");
    expect(await client.run(`exec ${line}`)).toEqual({ exit: 126, stdout: `${words}\n`, stderr: "" });
    expect(await client.run(`exec -d ${line}`)).toEqual({ exit: 1, stdout: "", stderr: `Error response from daemon: ${words}\n` });
    expect((await client.run("exec -w /made c1 true")).stdout).toBe("ran\n");
  });
});
