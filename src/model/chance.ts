/**
 * What is chance in a real engine: Go visits maps in any order, and goroutines run side by side. Everything that a choice can lead to is
 * something that an engine does.
 */
export interface Chance {
  /** One of `count` ways, from 0. */
  choose(count: number): number;
}

/** The first way, each time. */
export const NO_CHANCE: Chance = { choose: () => 0 };

/** The same things in an order that chance makes: as they are if it always takes the first. */
export function shuffled<T>(items: Iterable<T>, chance: Chance): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(left.length === 1 ? 0 : chance.choose(left.length), 1));
  return order;
}
