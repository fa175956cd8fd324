import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { Daemon } from "../../model/daemon";
import { rulesOf } from "../../model/generations";
import type { DockerGeneration, ImageSpec } from "../../model/spec";
import { SwarmRegistry } from "../../model/swarm/registry";
import { emptyWorld } from "../../model/world";
import { DockerClient } from "../client";

const WEB: ImageSpec = { name: "web", expose: [], env: [], labels: {}, command: ["serve"] };
const NO_MANAGER =
  'Error response from daemon: This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.\n';

let swarms: SwarmRegistry;
let h1: DockerClient;
let h2: DockerClient;

function daemonOf(name: string, index: number, generation: DockerGeneration = "20.10"): Daemon {
  const world = { ...emptyWorld(name), uplinks: [{ name: "eth0", mac: `02:00:00:00:02:0${index}`, mtu: 1500, addresses: [`192.0.2.1${index}/24`] }] };
  return new Daemon({ host: { name, cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: index, swarms, world });
}

beforeEach(() => {
  swarms = new SwarmRegistry();
  const clientOf = (name: string, index: number) => new DockerClient(daemonOf(name, index), { images: [WEB] });
  [h1, h2] = [clientOf("host1", 1), clientOf("host2", 2)];
});

async function join(): Promise<void> {
  await h1.run("docker swarm init");
  const { stdout } = await h1.run("docker swarm join-token -q worker");
  await h2.run(["docker", "swarm", "join", "--token", stdout.trim(), "192.0.2.11:2377"]);
}

describe("the commands of a swarm", () => {
  it.each(["service ls", "node ls", "swarm join-token worker", "service create --name web web", "secret ls"])("%s is refused outside of one", async (line) => {
    expect(await h1.run(`docker ${line}`)).toEqual({ exit: 1, stdout: "", stderr: NO_MANAGER });
  });

  it("name the token and the address to join by", async () => {
    const { stdout } = await h1.run("docker swarm init --advertise-addr eth0");
    expect(stdout).toMatch(/^Swarm initialized: current node \([0-9a-z]{25}\) is now a manager\.\n\nTo add a worker to this swarm, run the following command:\n\n {4}docker swarm join --token SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25} 192\.0\.2\.11:2377\n/);
  });

  it("refuse the port of the data path once everything else of the request is right", async () => {
    const init = async (flags: string) => (await h1.run(`docker swarm init ${flags}`)).stderr;
    expect(await init("--advertise-addr nosuch --data-path-port 80")).toMatch(/advertise address must be a non-zero IP address/);
    expect(await init("--data-path-port 80")).toBe("Error response from daemon: Datapath port number is not in valid range (1024-49151) : 80\n");
    expect((await h1.run("docker swarm init")).exit).toBe(0);
    expect(await init("--data-path-port 80")).toMatch(/This node is already part of a swarm/);
  });

  it("list nodes, with those that left, as down once three heartbeats are missing", async () => {
    await join();
    await h2.run("docker swarm leave");
    expect((await h1.run("docker node ls --format '{{.Hostname}} {{.Status}}'")).stdout).toBe("host1 Ready\nhost2 Ready\n");
    swarms.advanceTo(15e9);
    expect((await h1.run("docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'")).stdout).toBe("host1 Ready Leader\nhost2 Down \n");
  });

  it("lock a manager that starts anew until it is told the key, the newest one", async () => {
    const daemon = daemonOf("host3", 3);
    const h3 = new DockerClient(daemon, { images: [WEB] });
    await h3.run("docker swarm init --autolock");
    await h3.run("docker network create -d overlay --attachable ov");
    const old = (await h3.run("docker swarm unlock-key -q")).stdout;
    await h3.run("docker swarm unlock-key --rotate");
    const key = (await h3.run("docker swarm unlock-key -q")).stdout;
    expect(old).not.toBe(key);
    expect(await h3.run("docker swarm unlock")).toEqual({ exit: 1, stdout: "", stderr: "Error: swarm is not locked\n" });
    daemon.restart();
    const names = async () => (await h3.run("docker network ls --filter driver=overlay --format '{{.Name}}'")).stdout;
    expect((await h3.run("docker info --format '{{.Swarm.LocalNodeState}}'")).stdout).toBe("locked\n");
    expect(await names()).toBe("");
    expect((await h3.run("docker swarm leave")).stderr).toContain("Swarm is encrypted and locked.");
    expect((await h3.run("docker swarm unlock", "SWMKEY-1-a")).stderr).toBe("Error response from daemon: invalid key string\n");
    expect((await h3.run("docker swarm unlock", old)).stderr).toBe("Error response from daemon: swarm could not be unlocked: invalid key provided\n");
    expect(await h3.run("docker swarm unlock", key)).toEqual({ exit: 0, stdout: "", stderr: "" });
    expect(await names()).toBe("ingress\nov\n");
    expect((await h3.run("docker node ls --format '{{.Status}}'")).stdout).toBe("Ready\n");
  });

  it("say of the process of a service what was asked, and what an update made of it", async () => {
    await join();
    const asked = "--user root --workdir /srv --read-only --init -t --stop-signal SIGQUIT --stop-grace-period 3s --ulimit nofile=100:200 --mount type=tmpfs,dst=/t,tmpfs-size=1m --health-cmd true";
    await h1.run(`docker service create -d --name web ${asked} --log-driver json-file --log-opt a=b --cap-add NET_ADMIN --cap-drop KILL --entrypoint 'a b' web c`);
    const look = async (path: string) => (await h1.run(["docker", "service", "inspect", "-f", `{{json .Spec.TaskTemplate${path}}}`, "web"])).stdout.trim();
    expect(JSON.parse(await look(".ContainerSpec"))).toEqual({
      Image: "web:latest", Command: ["a", "b"], Args: ["c"], Dir: "/srv", User: "root", Init: true, StopSignal: "SIGQUIT", TTY: true, ReadOnly: true,
      Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1048576 } }], StopGracePeriod: 3e9, Healthcheck: { Test: ["CMD-SHELL", "true"] }, DNSConfig: {}, Isolation: "default",
      CapabilityAdd: ["CAP_NET_ADMIN"], CapabilityDrop: ["CAP_KILL"], Ulimits: [{ Name: "nofile", Hard: 200, Soft: 100 }],
    });
    expect(await look(".LogDriver")).toBe('{"Name":"json-file","Options":{"a":"b"}}');
    await h1.run("docker service update -d --mount-rm /t --mount-add src=v,dst=/v --ulimit-rm nofile --no-healthcheck --user '' --cap-add KILL --dns-add 1.1.1.1 --host-add x:10.0.0.9 --sysctl-add net.a=1 --group-add 7 web");
    expect(JSON.parse(await look(".ContainerSpec"))).toMatchObject({
      Dir: "/srv", Groups: ["7"], Mounts: [{ Type: "volume", Source: "v", Target: "/v" }], Healthcheck: { Test: ["NONE"] }, Hosts: ["10.0.0.9 x"], DNSConfig: { Nameservers: ["1.1.1.1"] },
      Sysctls: { "net.a": "1" }, CapabilityAdd: ["CAP_KILL", "CAP_NET_ADMIN"],
    });
    expect(await look(".ContainerSpec")).not.toMatch(/"(User|Ulimits|CapabilityDrop)"/);
  });

  it.each([
    ["--ulimit x=1", "invalid ulimit type: x"],
    ["--ulimit nofile=2:1", "ulimit soft limit must be less than or equal to hard limit: 2 > 1"],
    ["--mount type=volume", "target is required"],
    ["--mount type=bind,dst=/x,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"],
    ["--mount dst=/x,readonly=q", "invalid value for readonly: q"],
    ["--mount dst=/x,so=q", "unexpected key 'so' in 'so=q'"],
    ["--health-interval -1s", "duration cannot be negative"],
  ])("refuse docker service create %s", async (flag, words) => {
    await join();
    const { exit, stderr } = await h1.run(`docker service create -d ${flag} web`);
    expect(exit).toBe(125);
    expect(stderr).toContain(`flag: ${words}\nSee`);
  });

  it("make services, scale them and show their tasks", async () => {
    await join();
    await h1.run("docker service create -d --name web --replicas 2 --publish 8080:80 web");
    await h1.run("docker service scale -d web=3");
    expect((await h1.run("docker service ls --format '{{.Name}} {{.Mode}} {{.Replicas}} {{.Ports}}'")).stdout).toBe("web replicated 3/3 *:8080->80/tcp\n");
    expect((await h1.run("docker service ps --format '{{.Name}} {{.DesiredState}}' web")).stdout).toBe("web.1 Running\nweb.2 Running\nweb.3 Running\n");
    expect((await h2.run("docker ps -q")).stdout.trim().split("\n").length + (await h1.run("docker ps -q")).stdout.trim().split("\n").length).toBe(3);
    expect((await h1.run("docker service rm web")).stdout).toBe("web\n");
    expect((await h2.run("docker ps -q")).stdout).not.toBe("");
    // What the image starts has to be killed.
    swarms.advanceTo(12e9);
    expect((await h2.run("docker ps -aq")).stdout).toBe("");
  });

  it("rotate the root and the tokens with it, and let nodes in with the new ones alone", async () => {
    await h1.run("docker swarm init");
    const token = async () => (await h1.run("docker swarm join-token -q worker")).stdout.trim();
    const before = await token();
    expect(await h1.run("docker swarm ca --rotate --quiet")).toEqual({ exit: 0, stdout: "", stderr: "" });
    const after = await token();
    expect(after.split("-").map((part, at) => part === before.split("-")[at])).toEqual([true, true, false, false]);
    const join = (with_: string) => h2.run(["docker", "swarm", "join", "--token", with_, "192.0.2.11:2377"]);
    expect((await join(before)).stderr).toContain("remote CA does not match fingerprint");
    expect((await join(after)).exit).toBe(0);
  });

  it.each([
    ["--external-ca x", "invalid argument \"x\" for \"--external-ca\" flag: invalid field 'x' must be a key=value pair\n"],
    ["--external-ca protocol=cfssl", "the external-ca option needs a url= parameter\n"],
    ["--ca-cert x.pem", 'invalid argument "x.pem" for "--ca-cert" flag: open x.pem: no such file or directory\n'],
    ["--cert-expiry 1h", "`--cert-expiry` flag requires the `--rotate` flag to update the CA\n"],
  ])("refuse docker swarm ca %s", async (flag, words) => {
    await h1.run("docker swarm init");
    expect((await h1.run(`docker swarm ca ${flag}`)).stderr).toContain(words);
  });

  it("show what a network knows of services, if asked for all", async () => {
    await join();
    await h1.run("docker network create -d overlay ov");
    await h1.run("docker service create -d --name web --mode global --network ov web");
    const shown = async (flag: string) => JSON.parse((await h2.run(`docker network inspect ${flag} -f '{{json .Services}}' ov`)).stdout);
    expect(await shown("")).toBeNull();
    const { web } = await shown("-v");
    expect(web).toMatchObject({ VIP: expect.stringMatching(/^10\.0\.1\.\d+$/), Ports: [], LocalLBIndex: 256 });
    const tasks = web.Tasks.map(({ Name, EndpointID, Info }: Record<string, unknown>) => [String(Name).split(".")[0], String(EndpointID).length, Info]);
    expect(tasks).toHaveLength(2);
    expect(tasks).toEqual(expect.arrayContaining([["web", 64, { "Host IP": "192.0.2.11" }], ["web", 64, { "Host IP": "192.0.2.12" }]]));
  });

  it("have no logs of servers, and none at all of what is not there", async () => {
    await h1.run("docker swarm init");
    await h1.run("docker service create -d --name web web");
    expect(await h1.run("docker service logs -t -n 5 --since 1h web")).toEqual({ exit: 0, stdout: "", stderr: "" });
    expect(await h1.run("docker service logs nosuch")).toEqual({ exit: 1, stdout: "", stderr: "no such task or service: nosuch\n" });
  });

  it("ask before ingress is removed", async () => {
    await h1.run("docker swarm init");
    expect((await h1.run("docker network rm ingress", "n\n")).stdout).toMatch(/^WARNING! Before removing the routing-mesh network.*\[y\/N\] $/s);
    expect((await h1.run("docker network rm ingress", "y\n")).stdout).toMatch(/\[y\/N\] ingress\n$/);
  });

  it.each([
    ["swarm init --external-ca protocol=cfssl,url=https://ca", "docker swarm init --external-ca: this flag is not simulated"],
    ["service create --name web --isolation hyperv web", "docker service create --isolation: this flag is not simulated"],
  ])("%s says that it is not simulated", async (line, sentence) => {
    if (!line.startsWith("swarm init")) await h1.run("docker swarm init");
    await expect(h1.run(`docker ${line}`)).rejects.toThrow(sentence);
  });

  it("show the root that nodes trust, everywhere the same one, and a new one after a rotation", async () => {
    await join();
    const root = async () => (await h1.run("docker swarm ca")).stdout;
    const before = await root();
    expect(before).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----\n$/);
    const ofNode = JSON.parse((await h1.run("docker node inspect host2 -f '{{json .Description.TLSInfo}}'")).stdout);
    expect(Object.keys(ofNode)).toEqual(["TrustRoot", "CertIssuerSubject", "CertIssuerPublicKey"]);
    expect(ofNode.TrustRoot).toBe(before);
    expect(JSON.parse((await h1.run("docker info -f '{{json .Swarm.Cluster.TLSInfo}}'")).stdout)).toEqual(ofNode);
    expect(JSON.parse((await h1.run("docker inspect host2 -f '{{json .Description.TLSInfo}}'")).stdout)).toEqual(ofNode);
    expect((await h1.run("docker node inspect --pretty host2")).stdout).toContain(
      `\nTLS Info:\n TrustRoot:\n${before}\n Issuer Subject:\t${ofNode.CertIssuerSubject}\n Issuer Public Key:\t${ofNode.CertIssuerPublicKey}\n`,
    );
    expect((await h2.run("docker info -f '{{json .Swarm.Cluster}}'")).stdout).toBe("null\n");
    expect((await h2.run("docker swarm ca")).stderr).toContain("This node is not a swarm manager");

    const { stdout } = await h1.run("docker swarm ca --rotate");
    const after = await root();
    expect(after).not.toBe(before);
    const sum = createHash("sha256").update(after).digest("hex");
    expect(stdout).toBe(`desired root digest: \n  rotated TLS certificates: \n  rotated CA certificates:  \ndesired root digest: sha256:${sum}\n${after}`);
    expect((await h1.run("docker node inspect host2 -f '{{.Description.TLSInfo.TrustRoot}}'")).stdout.trim()).toBe(after.trim());
    for (const flag of ["-q", "-d"]) expect(await h1.run(`docker swarm ca --rotate ${flag}`)).toEqual({ exit: 0, stdout: "", stderr: "" });
    expect(await root()).not.toBe(after);
  });

  it("read the ports, files and sizes of services as they come, and say which is wrong", async () => {
    await h1.run("docker swarm init");
    const refused = async (flags: string) => (await h1.run(`docker service create -d --name x ${flags} web`)).stderr.split("\n")[0];
    expect(await refused("-p 8080:80:90")).toBe('invalid argument "8080:80:90" for "-p, --publish" flag: Invalid ip address: 8080');
    expect(await refused("-p 127.0.0.1:8080:80")).toBe('invalid argument "127.0.0.1:8080:80" for "-p, --publish" flag: hostip is not supported');
    expect(await refused("-p 80/icmp")).toBe('invalid argument "80/icmp" for "-p, --publish" flag: Invalid proto: icmp');
    expect(await refused("-p target=x")).toBe('invalid argument "target=x" for "-p, --publish" flag: strconv.ParseUint: parsing "x": invalid syntax');
    expect(await refused("--secret source=a,nosuch=1")).toBe('invalid argument "source=a,nosuch=1" for "--secret" flag: invalid field in secret request: nosuch');
    expect(await refused("--config source=a,uid")).toBe(`invalid argument "source=a,uid" for "--config" flag: invalid field 'uid' must be a key=value pair`);
    expect(await refused("--secret target=a")).toBe('invalid argument "target=a" for "--secret" flag: source is required');
    expect(await refused("--secret a --secret a")).toBe("duplicate secret target for a not allowed");
    expect(await refused("--limit-memory 1x")).toBe(`invalid argument "1x" for "--limit-memory" flag: invalid suffix: 'x'`);
    expect(await refused("--limit-memory x")).toBe(`invalid argument "x" for "--limit-memory" flag: invalid size: 'x'`);
    await h1.run("docker service create -d --name range -p 8080-8082:80 -p 8085:80 web");
    expect((await h1.run("docker service ls --format '{{.Ports}}'")).stdout).toBe("*:8080-8082->80/tcp, *:8085->80/tcp\n");
  });

  it.each([
    ["20.10", /can't evaluate field Nosuch in type (swarm\.Service|swarm\.Node)/],
    ["29", /map has no entry for key "Nosuch"/],
  ] as const)("miss a field in the type as Docker 20.10 has it, or in the JSON that Docker 29 keeps: %s", async (generation, said) => {
    const client = new DockerClient(daemonOf("host1", 1, generation), { images: [WEB] });
    await client.run("docker swarm init");
    await client.run("docker service create -d --name web web");
    for (const object of ["service inspect web", "node inspect self"]) expect((await client.run(`docker ${object} -f '{{.Nosuch}}'`)).stderr).toMatch(said);
  });

  it("are joined by docker inspect, which asks managers for services, nodes and files too", async () => {
    await join();
    await h1.run("docker service create -d --name web web");
    await h1.run(["docker", "config", "create", "-l", "a=b", "conf", "-"], "x");
    const name = async (line: string) => (await h1.run(`docker inspect ${line}`)).stdout.trim();
    expect(await name("-f '{{.Spec.Name}} {{json .Spec.TaskTemplate.ContainerSpec.Env}}' web")).toBe("web null");
    expect(await name("-f '{{.Description.Hostname}}' host2")).toBe("host2");
    expect(await name("--type service -f '{{.Spec.Name}}' web")).toBe("web");
    expect(await name("--type node -f '{{.Spec.Name}}' web")).toBe("");
    expect((await h1.run("docker inspect conf")).stderr).toBe("Error: No such object: conf\n");
    expect((await h2.run("docker inspect web")).stderr).toBe("Error: No such object: web\n");
    expect((await h1.run("docker config ls --format '{{.Name}} {{.Labels}}'")).stdout).toBe("conf a=b\n");
    expect((await h2.run("docker info --format '{{.Swarm.Managers}} {{.Swarm.Nodes}}'")).stdout).toBe("0 0\n");
  });
});
