import { SimulationError } from "../../errors";
import type { Call } from "../command";
import type { FlagSpec } from "../flags";

/** Flags that the client knows and the simulator does nothing with. */
export function others(...names: readonly string[]): FlagSpec[] {
  return names.map((name) => ({ name, kind: "list" as const, isUnsupported: true }));
}

/** @throws SimulationError for a flag that the simulator does nothing with. */
export function refuseOthers({ command, flags }: Call): void {
  const found = command.flags.find(({ name, isUnsupported }) => isUnsupported === true && flags.has(name));
  if (found) throw new SimulationError("UNSUPPORTED", `docker ${command.path} --${found.name}: this flag is not simulated`);
}
