/** In what order Docker 29 joins the networks of a container is chance; what it cannot lead to stays different. */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { simulatedWorld } from "./play/simulated-world";
import { recordingsIn, type Recording } from "./recording";
import { playScenario } from "./scenarios";

const recorded = [...recordingsIn(fileURLToPath(new URL("recordings-29", import.meta.url)))].find(({ scenario }) => scenario === "bridge-gateway-order");
const play = (recording: Recording) => playScenario(recording, simulatedWorld("ts"));

it("tells an order of interfaces that no start can lead to", { timeout: 120_000 }, async () => {
  expect((await play(recorded!)).differences).toEqual([]);
  const swap = (text: string) => text.replace(/dev eth[12](?= scope link {2}src (10\.2\.0\.2|192))/g, (device) => (device === "dev eth1" ? "dev eth2" : "dev eth1"));
  const steps = recorded!.steps.slice(0, 15).map((step) => (step.op === "docker" ? { ...step, stdout: swap(step.stdout) } : step));
  const { differences } = await play({ ...recorded!, steps });
  expect(differences.map(({ path }) => path)).toEqual(["steps[11].stdout"]);
});
