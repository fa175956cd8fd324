import { swarmLayers } from "../../compile/overlay";
import type { OverlayLayer, PlacedFirewall } from "../../compile/overlays";
import { placeOfSwitch } from "../../compile/world";
import { partitionFirewall } from "../../model/firewall";
import { parseIp } from "../../net/ip";
import type { CompiledTopology, DockerState } from "../spec";

/** What a host knows of others, by its name. */
export type View = (state: DockerState, host: string) => DockerState;

/** What compiles overlay networks, of hosts that do not know everything of one another, on a network that may be in parts. */
export function layerFor({ underlay }: CompiledTopology["spec"], sides: readonly (readonly string[])[], view: View | undefined): OverlayLayer {
  const { overlays } = swarmLayers;
  const switches = sides.length === 0 ? [] : (underlay?.segments ?? []).map(({ name }) => placeOfSwitch(name));
  const parts = (state: DockerState): PlacedFirewall[] => {
    const firewall = partitionFirewall(sides.map((side) => side.flatMap((host) => addressesOf(state, host))), sides.map((side) => side.join(", ")).join(" | "));
    return switches.map((place) => ({ place, firewall }));
  };
  return {
    ...overlays,
    firewalls: (state) => [...overlays.firewalls(state), ...(switches.length === 0 ? [] : parts(state))],
    ...(view && viewed(overlays, view)),
  };
}

/** What hosts know now; a view is taken once of each state. */
function viewed(overlays: OverlayLayer, view: View): Pick<OverlayLayer, "view" | "balancing"> {
  const taken = new WeakMap<DockerState, Map<string, DockerState>>();
  const once: View = (state, host) => {
    const ofState = taken.get(state) ?? new Map<string, DockerState>();
    taken.set(state, ofState);
    const own = ofState.get(host) ?? view(state, host);
    ofState.set(host, own);
    return own;
  };
  return { view: once, balancing: (state, places, memo) => overlays.balancing(asEachKnows(state, once), places, memo) };
}

/** Load balancers lead to the tasks that their own host knows. */
function asEachKnows(state: DockerState, view: View): DockerState {
  return { ...state, hosts: state.hosts.map((host) => view(state, host.name).hosts.find(({ name }) => name === host.name) ?? host) };
}

function addressesOf({ hosts }: DockerState, name: string) {
  const uplinks = hosts.find((host) => host.name === name)?.world.uplinks ?? [];
  return uplinks.flatMap(({ addresses }) => addresses.map((text) => parseIp(text.split("/", 1)[0] ?? "", `${name}: address`)).filter(({ family }) => family === 4));
}
