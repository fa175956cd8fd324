/** States as somebody sees them who does not know everything of the networks of a swarm. */
import type { DockerState, EndpointState } from "./state";

/** How a view differs from what is. */
export interface Difference {
  readonly whole: DockerState;
  /** What is believed of a network that is not so, by its ID: two views of one state that say the same here know the same of it. */
  readonly networks: ReadonlyMap<string, string>;
  /** Endpoints as they were before something happened that is unheard of. */
  readonly past: ReadonlySet<EndpointState>;
}

const differences = new WeakMap<DockerState, Difference>();

/** Says of a view what it is a view of. */
export function asView(view: DockerState, difference: Difference): DockerState {
  differences.set(view, difference);
  return view;
}

export function differenceOf(view: DockerState): Difference | undefined {
  return differences.get(view);
}

/** What is known of a network of a swarm by a view: put together once for each thing that is believed of it. */
export class NetworkMemo<T> {
  readonly #known = new WeakMap<DockerState, Map<string, T>>();

  /** `make` gets the state to look at. */
  of(view: DockerState, networkId: string, make: (state: DockerState) => T): T {
    const { whole = view, networks } = differences.get(view) ?? {};
    const belief = networks?.get(networkId);
    const ofState = this.#known.get(whole) ?? new Map<string, T>();
    this.#known.set(whole, ofState);
    const key = belief === undefined ? networkId : `${networkId} ${belief}`;
    const known = ofState.get(key);
    if (known !== undefined) return known;
    const made = make(belief === undefined ? whole : view);
    ofState.set(key, made);
    return made;
  }
}
