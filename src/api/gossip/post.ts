import type { Nanoseconds, Tally } from "../../engine/engine";
import type { Carrier, Message, Shipment } from "./carrier";
import type { Speech } from "./speech";
import { PROBE_TIMEOUT } from "./timing";
import type { Timers } from "./timers";

interface UnderWay {
  readonly shipment: Shipment;
  readonly arrived: (now: Nanoseconds) => void;
  /** It takes the answer to make it count. */
  readonly needsAnswer: boolean;
  readonly isPlanned: boolean;
}

/** How soon after messages were sent their arrival is looked for. */
const LOOKS: readonly Nanoseconds[] = [5e6, 50e6];

/** What happens when a message arrives. */
export interface Delivery {
  /** It does once the answer is back; when it has arrived unless given. */
  readonly needsAnswer?: boolean;
  /** When it is sent; now unless given. Nobody waits for what is sent later: it is looked for when there is reason to look. */
  readonly at?: Nanoseconds;
  arrived(now: Nanoseconds): void;
}

/** Sends messages, and sees whether they have arrived. */
export class Post {
  readonly #carrier: Carrier;
  readonly #timers: Timers;
  readonly #speech: Speech;
  #underWay: UnderWay[] = [];

  constructor(carrier: Carrier, timers: Timers, speech: Speech) {
    this.#carrier = carrier;
    this.#timers = timers;
    this.#speech = speech;
  }

  get isIdle(): boolean {
    return this.#underWay.every(({ isPlanned }) => isPlanned);
  }

  /** Sends a message; `arrived` happens when it has, if it ever does, and can be read. */
  send(message: Message, now: Nanoseconds, { needsAnswer = false, at = now, arrived }: Delivery): Shipment {
    const isRead = this.#speech.understands(message.to.host, message.from.host);
    const shipment = this.#carrier.send(message, at);
    const isPlanned = at > now;
    this.#underWay.push({ shipment, arrived: isRead ? arrived : () => undefined, needsAnswer, isPlanned });
    if (isPlanned) return shipment;
    for (const later of LOOKS) this.#timers.schedule(`look ${later}`, now + later, () => undefined);
    this.#timers.schedule("look", now + PROBE_TIMEOUT, () => undefined);
    return shipment;
  }

  /** Takes back what was to be sent later. */
  recall(now: Nanoseconds): void {
    const isFuture = ({ shipment: { sentAt } }: UnderWay) => sentAt > now;
    for (const { shipment } of this.#underWay.filter(isFuture)) this.#carrier.recall(shipment, now);
    this.#underWay = this.#underWay.filter((entry) => !isFuture(entry));
  }

  /** Sees what has arrived. */
  look(now: Nanoseconds, counters: Tally): void {
    const watched = this.#underWay;
    this.#underWay = [];
    for (const entry of watched) {
      const { shipment, needsAnswer, arrived } = entry;
      const { delivered = 0, answered = 0 } = this.#carrier.stateOf(shipment, counters) ?? {};
      const hasArrived = (needsAnswer ? answered : delivered) > 0;
      if (hasArrived) arrived(now);
      // What waits for no answer may still get one, which counts.
      if (hasArrived || this.#carrier.isLost(shipment, now)) this.#carrier.release(shipment, counters);
      else this.#underWay.push(entry);
    }
    if (!this.isIdle) this.#timers.schedule("look", now + PROBE_TIMEOUT, () => undefined);
  }

  isAnswered(shipment: Shipment, counters: Tally): boolean {
    return (this.#carrier.stateOf(shipment, counters)?.answered ?? 0) > 0;
  }
}
