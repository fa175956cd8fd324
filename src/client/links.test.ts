/** Legacy links: rules of their own between containers that cannot talk, and what they want of whom they lead to. */
import { describe, expect, it } from "vitest";
import { Daemon } from "../model/daemon";
import { saveLines } from "../model/firewall";
import { parseDaemonFlags } from "../model/flags";
import { rulesOf } from "../model/generations";
import { DockerClient } from "./client";

async function linked() {
  const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf("20.10"), seed: 7, flags: parseDaemonFlags(["--icc=false"], "20.10") });
  const client = new DockerClient(daemon, { images: "any" });
  const run = async (line: string) => (await client.run(line)).stderr.replaceAll(/[0-9a-f]{64}/g, "<id>").trim();
  for (const line of ["network create --subnet 10.97.1.0/24 app", "run -d --name db --expose 7001/udp --expose 79 -p 8670:80 alpine", "run -d --name web --link db:store alpine"]) await run(line);
  const opened = () => {
    const filter = daemon.state().hosts[0]!.firewall.v4.find(({ name }) => name === "filter")!;
    return saveLines(filter).flatMap((line) => /-s \S+ -d \S+ -i docker0 -o docker0 -p (\w+) -m \w+ --dport (\d+) -j ACCEPT/.exec(line)?.slice(1).join(" ") ?? []);
  };
  return { run, opened };
}

describe("a legacy link", () => {
  it("opens what is published first, stays open when the ports move to another network, and closes as its container leaves the default bridge", async () => {
    const { run, opened } = await linked();
    const all = ["tcp 80", "udp 7001", "tcp 79"];
    expect(opened()).toEqual(all);
    await run("network connect app web");
    expect(opened()).toEqual(all);
    await run("network disconnect app web");
    expect(opened()).toEqual(all);
    await run("network disconnect bridge web");
    expect(opened()).toEqual([]);
  });

  it("keeps its container from starting processes once the other one runs no more, or has left the default bridge", async () => {
    const { run } = await linked();
    await run("network connect app db");
    await run("stop db");
    expect(await run("exec web true")).toBe("Error response from daemon: Cannot link to a non running container: /db AS /web/store");
    await run("start db");
    await run("network disconnect bridge db");
    expect(await run("exec web true")).toBe("Error response from daemon: container <id> not attached to default bridge network");
  });
});
