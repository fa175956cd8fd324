/** Attempts to reach something, on the TypeScript engine in this thread. */
import { describe, expect, it } from "vitest";
import { shop } from "../../test/support/shop";
import type { Lab } from "./lab";
import { compile } from "./spec";
import { startHere } from "../../test/support/lab";

function start(): Promise<Lab> {
  return startHere(() => compile(shop([])));
}

describe("reach", () => {
  it.each(["db:5432/tcp", "db:53/udp", "db"])("says that %s answers, and what its name is", async (to) => {
    const lab = await start();
    const verdict = await lab.reach("web", to);
    expect(verdict).toMatchObject({ from: "web", to, reachable: true, result: "ok", address: "172.18.0.3" });
    expect(verdict.packets[0]?.hops[0]).toMatchObject({ device: "(no device)", node: "socket-output" });
    expect(String(verdict).split("\n")[0]).toMatch(/^web → db\S* \(172\.18\.0\.3\): ok/);
    expect(lab.now).toBeLessThan(1e9);
  });

  it("says who could not be found: no answer to ARP within three seconds", async () => {
    const verdict = await (await start()).reach("web", "172.18.0.99:80/tcp");
    expect(verdict).toMatchObject({ reachable: false, result: "host-unreachable", dropped: { reason: "NeighFailed", place: "web:eth0" } });
  });

  it("gives up after the timeout", async () => {
    const lab = await start();
    await lab.down("db:eth0");
    const verdict = await lab.reach("web", "db:5432/tcp", { timeout: "500ms" });
    expect(verdict).toMatchObject({ reachable: false, result: "timeout" });
    expect(lab.now).toBe(500e6);
  });

  it("tells a name that leads nowhere from a sender that is not there", async () => {
    const lab = await start();
    expect(await lab.reach("web", "nosuch:80/tcp")).toMatchObject({ reachable: false, result: "unresolvable", packets: [] });
    await expect(lab.reach("nosuch", "db:80/tcp")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("leaves the flows of the description alone", async () => {
    const lab = await start();
    const flows = lab.describe().flows.length;
    await lab.reach("web", "db:80/tcp");
    await lab.reach("web", "db:81/tcp");
    expect(lab.describe().flows).toHaveLength(flows);
  });
});
