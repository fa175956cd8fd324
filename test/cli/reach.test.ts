import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Workplace } from "./command";

const FILE = `name: small
services:
  web:
    image: nginx
    ports: ["8080:80", "127.0.0.1:9000:90"]
    networks: [front]
  api: { image: own, expose: ["9000"], networks: [front, back] }
  db:
    image: postgres
    networks: [back]
networks: { front: {}, back: { internal: true } }
`;

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
  place.write("compose.yaml", FILE);
});
afterAll(() => place.remove());

interface Answers {
  readonly answers: readonly { readonly from: string; readonly to: string; readonly reachable: boolean; readonly result: string; readonly line: number | null; readonly packets: readonly string[] }[];
}
const json = async (...args: string[]) => JSON.parse((await place.run("reach", "--json", ...args)).stdout) as Answers;

describe("dockwire reach", () => {
  it("says in a line who reaches what, what the server saw, and what of the file that rests on", async () => {
    const { code, stdout, stderr } = await place.run("reach", "--from", "api", "--to", "db:5432");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^ALLOWED {2}api → db:5432: 172\.19\.0\.\d; small-db-1 saw 172\.19\.0\.\d {2}\[compose\.yaml:8\]\n$/);
    expect(code).toBe(0);
  });

  it("gives Docker's reason for what is not reached, and exits with 1", async () => {
    const { code, stdout } = await place.run("reach", "--from", "web", "--to", "db:5432");
    expect(stdout).toMatch(/^BLOCKED {2}web → db:5432: small-web-1 cannot resolve "db": they share no user-defined network: .*\[compose\.yaml:6\]\n$/);
    expect(code).toBe(1);
  });

  it("asks published ports from the LAN, the internet and the host, in both engines alike", async () => {
    const pairs = ["--from", "lan", "--to", "host1:8080", "--from", "internet", "--to", "host1:8080", "--from", "lan", "--to", "host1:9000", "--from", "host", "--to", "127.0.0.1:9000", "--from", "lan", "--to", "host1:5432"];
    const { stdout, code } = await place.run("reach", ...pairs);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe("ALLOWED  lan → host1:8080: 192.0.2.11; small-web-1 saw 192.0.2.50 ask 172.18.0.3; published 8080→80  [compose.yaml:5]".replace("172.18.0.3", /ask (\S+);/.exec(lines[0] ?? "")?.[1] ?? ""));
    expect(lines.map((line) => line.slice(0, 7))).toEqual(["ALLOWED", "ALLOWED", "BLOCKED", "ALLOWED", "BLOCKED"]);
    expect(lines[2]).toContain("refused; 192.0.2.11; small-web-1 publishes it on 127.0.0.1 alone  [compose.yaml:5]");
    expect(lines[4]).toContain("refused; 192.0.2.11; nobody listens on the port, and no container publishes it");
    expect(code).toBe(1);
    expect((await place.run("reach", "--engine", "ts", ...pairs)).stdout).toBe(stdout);
  });

  it("follows another generation of Docker", async () => {
    const ask = async (docker: string) => (await json("--docker", docker, "--from", "lan", "--to", "host1:9000")).answers[0]?.reachable;
    expect([await ask("29"), await ask("20.10")]).toEqual([false, false]);
    expect((await json("--docker", "20.10", "--from", "api", "--to", "db:5432")).answers[0]?.reachable).toBe(true);
  });

  it("prints the way of the packets", async () => {
    const { stdout } = await place.run("reach", "--from", "lan", "--to", "host1:8080", "--why");
    expect(stdout).toMatch(/lan:eth0 +device-transmit/);
    expect(stdout).toMatch(/nat DOCKER: -A DOCKER .*-j DNAT --to-destination 172\.18\.0\.\d:80/);
  });

  it("asks everything from everywhere", async () => {
    const { code, stdout } = await place.run("reach", "--matrix");
    const [titles = "", ...rows] = stdout.trimEnd().split("\n");
    expect(titles.split(/ +/)).toEqual(["asked", "web", "api", "db", "host1", "lan", "internet"]);
    expect(rows.map((row) => row.split(" ")[0])).toEqual(["web:80", "web:90", "api:9000", "db:5432", "host1:8080", "host1:9000"]);
    expect(code).toBe(0);
    const { answers } = await json("--matrix");
    const allowed = answers.filter(({ reachable }) => reachable).map(({ from, to }) => `${from} ${to}`);
    expect(allowed).toEqual(expect.arrayContaining(["api web:80", "web api:9000", "api db:5432", "lan host1:8080", "internet host1:8080", "web host1:8080"]));
    expect(allowed).not.toEqual(expect.arrayContaining(["web db:5432"]));
    expect(answers.every(({ packets, result }) => packets.length > 0 || result === "unresolvable" || result === "net-unreachable")).toBe(true);
  });

  it("says that a port is none of those that the file names", async () => {
    expect((await place.run("reach", "--from", "web", "--to", "api:80")).stdout).toContain("; but api says it listens on 9000, not on 80");
  });

  it("knows a port of the host from one of the container", async () => {
    place.write("ports.yaml", "services:\n  web: { image: nginx }\n  db: { image: postgres, ports: ['15432:5432'] }\n");
    expect((await place.run("reach", "ports.yaml", "--from", "web", "--to", "db:15432")).stdout).toContain("; but db says it listens on 5432, not on 15432, which is the host's port for it");
  });

  it.each([
    [["--from", "web"], "reach: expected --from and --to, or --matrix, found one of them\n"],
    [["--from", "web", "--from", "db", "--to", "a", "--to", "b", "--to", "c"], "reach: expected as many --from as --to, or one of either, found 2 and 3\n"],
    [["--from", "nobody", "--to", "db"], '--from: expected a service, a container, host1, lan or internet, found "nobody"'],
    [["--from", "web", "--to", "db:99999"], '--to: expected "name:port[/tcp|/udp]"'],
  ])("refuses %j with one line and exit code 2", async (args, message) => {
    const { code, stdout, stderr } = await place.run("reach", ...args);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
