import type { Attachment } from "./container";

/** The networks of a container by their names, as a small Go map has them: a new one takes the first place that is free (Go internal/runtime/maps/map.go: putSlotSmall). */
export class Attachments extends Map<string, Attachment> {
  readonly #places: (string | undefined)[] = [];

  override set(network: string, attachment: Attachment): this {
    if (!this.has(network)) {
      const free = this.#places.indexOf(undefined);
      this.#places[free < 0 ? this.#places.length : free] = network;
    }
    return super.set(network, attachment);
  }

  override delete(network: string): boolean {
    const place = this.#places.indexOf(network);
    if (place >= 0) this.#places[place] = undefined;
    return super.delete(network);
  }

  override clear(): void {
    this.#places.length = 0;
    super.clear();
  }

  /** By their places. */
  placed(): [string, Attachment][] {
    return this.#places.flatMap((network): [string, Attachment][] => {
      const attachment = network === undefined ? undefined : this.get(network);
      return network === undefined || attachment === undefined ? [] : [[network, attachment]];
    });
  }
}
