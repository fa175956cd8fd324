import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Workplace } from "./command";

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
  place.write("good.yaml", "services:\n  web: { image: nginx, depends_on: [db] }\n  db: { image: postgres }\n");
  mkdirSync(join(place.folder, "empty"));
});
afterAll(() => place.remove());

const BACK = "networks:\n  back:\n    ipam: { config: [{ subnet: 172.30.0.0/24 }] }\n";

/** What is wrong, the file, and the one line that the command has to say about it. */
const FILES: readonly (readonly [what: string, text: string, message: string])[] = [
  [
    "a syntax error",
    "services:\n  web: [\n",
    "bad.yaml:3:1: expected valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  ["an empty file", "", "bad.yaml:1:1: expected a description with services, found an empty one"],
  [
    "a key that Compose does not know",
    "services:\n  web:\n    imgae: nginx\n",
    `bad.yaml:3:5: services.web: additional property "imgae" is not allowed, did you mean "image"?`,
  ],
  [
    "an unknown network",
    "services:\n  web:\n    image: nginx\n    networks: [bakc]\nnetworks:\n  back:\n",
    `bad.yaml:4:16: service "web" refers to undefined network "bakc", did you mean "back"?`,
  ],
  [
    "an unknown service in traffic",
    "services:\n  web: { image: nginx }\nx-dockwire:\n  traffic:\n    - { from: web, to: dbb:80 }\n",
    `bad.yaml:5:24: x-dockwire.traffic[0].to: expected a service or one of lan, internet, host, found "dbb"`,
  ],
  [
    "an address outside its subnet",
    `services:\n  web:\n    image: nginx\n    networks:\n      back: { ipv4_address: 10.0.0.5 }\n${BACK}`,
    `bad.yaml:5:29: services.web.networks.back.ipv4_address: expected an address in "172.30.0.0/24", the subnet of network "back", found "10.0.0.5"`,
  ],
  [
    "an impossible duration",
    "services:\n  web: { image: nginx }\nx-dockwire:\n  for: 10 parsecs\n",
    `bad.yaml:4:8: x-dockwire.for: expected a duration such as "50us", "1.5s" or "1m30s", found "10 parsecs"`,
  ],
  [
    "an impossible port",
    "services:\n  web:\n    image: nginx\n    ports: ['70000:80']\n",
    `bad.yaml:4:13: services.web.ports[0]: expected "[ip:][host:]container[/proto]", found "70000:80": invalid host port "70000"`,
  ],
  ["a file that it includes and that isn't there", "include: [nowhere.yaml]\n", `bad.yaml:1:11: include[0]: expected a file, found nothing at "nowhere.yaml"`],
  [
    "the address of the gateway for a container",
    `services:\n  web:\n    image: nginx\n    networks:\n      back: { ipv4_address: 172.30.0.1 }\n${BACK}`,
    "bad.yaml:5:7: ",
  ],
];

/** What is wrong, the arguments, and the one line that the command has to say about it. */
const ARGUMENTS: readonly (readonly [what: string, args: readonly string[], message: string])[] = [
  ["a file that isn't there", ["nowhere.yaml"], "nowhere.yaml: expected a Compose file, found no such file"],
  ["a folder without a Compose file", ["empty"], `expected compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in "empty", found none`],
  ["an impossible duration", ["good.yaml", "--for", "fast"], `--for: expected a duration such as "50us", "1.5s" or "1m30s", found "fast"`],
  ["no duration at all", ["good.yaml", "--for", "0s"], `--for: expected a duration above 0, found "0s"`],
  ["a seed that is no number", ["good.yaml", "--seed", "lucky"], `--seed: expected a whole number from 0 to 4294967295, found "lucky"`],
  ["a seed of more than 32 bits", ["good.yaml", "--seed", "4294967296"], `--seed: expected a whole number from 0 to 4294967295, found "4294967296"`],
  ["an unknown engine", ["good.yaml", "--engine", "fpga"], "option '--engine <engine>' argument 'fpga' is invalid. Allowed choices are wasm, ts."],
  ["an unknown option", ["good.yaml", "--sed", "1"], "unknown option '--sed'\n(Did you mean --seed?)"],
  ["a capture where no file can be", ["good.yaml", "--pcap", "nowhere/out.pcapng"], `--pcap: expected a file that can be written, found "nowhere/out.pcapng"`],
  ["a capture that is a folder", ["good.yaml", "--pcap", "empty"], `--pcap: expected a file that can be written, found "empty"`],
  // Node 20 looks for --env-file wherever it stands in a command, and has its own words for a file that isn't there.
  ["an env file that isn't there", ["good.yaml", "-e", "no.env"], `--env-file: expected a file, found nothing at "no.env"`],
];

describe("bad input gets one message, exit code 2, and no stack trace", () => {
  it.each(FILES)("for %s", async (_, text, message) => {
    place.write("bad.yaml", text);
    const { code, stdout, stderr } = await place.run("run", "bad.yaml");
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it.each(ARGUMENTS)("for %s", async (_, args, message) => {
    expect(await place.run("run", ...args)).toEqual({ code: 2, stdout: "", stderr: `${message}\n` });
  });

  it.each([
    [["--from", "wbe", "--to", "db:5432"], `--from: expected a service, a container, host1, lan or internet, found "wbe", did you mean "web"?`],
    [["--from", "web", "--to", "db:99999"], `--to: expected "name:port[/tcp|/udp]", or "name" for a ping, found "db:99999"`],
    [["--from", "web", "--to", "db:5432", "--timeout", "3"], `--timeout: expected a duration such as "50us", "1.5s" or "1m30s", found "3"`],
  ])("for reach %j", async (args, message) => {
    expect(await place.run("reach", "good.yaml", ...args)).toEqual({ code: 2, stdout: "", stderr: `${message}\n` });
  });

  it("for replicas that want one port of one machine: what helps is said", async () => {
    place.write("bad.yaml", "services:\n  web: { image: nginx, ports: ['8080:80'], deploy: { replicas: 2 } }\n");
    const { code, stderr } = await place.run("run", "bad.yaml");
    expect(stderr).toMatch(/^bad\.yaml:2:\d+: .*port is already allocated; replicas on one machine cannot share a port: --nodes deploys the file as a stack/);
    expect(code).toBe(2);
    expect((await place.run("run", "bad.yaml", "--nodes", "1", "--for", "1s")).code).toBe(0);
  });

  it("for no command, and for one that does not exist", async () => {
    expect(await place.run("walk")).toEqual({ code: 2, stdout: "", stderr: "unknown command 'walk', see dockwire --help\n" });
    const nothing = await place.run();
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("dockwire run");
  });

  it("for a folder where no Compose file is found", async () => {
    const { code, stderr } = await place.start(["run"], { cwd: join(place.folder, "empty") }).outcome;
    expect(stderr).toBe("expected compose.yaml, compose.yml, docker-compose.yml or docker-compose.yaml in this folder or above, found none\n");
    expect(code).toBe(2);
  });
});
