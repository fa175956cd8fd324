/** Rules that a cached verdict counts; a way through more of them is not worth remembering. */
export const CACHED_RULES_MAX = 16;

/** What a table said of a packet of a connection, and all that it looked at. */
export class CachedVerdict {
  life = -1;
  generation = -1;
  in = 0;
  out = 0;
  source = 0;
  destination = 0;
  ports = 0;
  /** CTSTATE_ bits, mark, flags of TCP where a rule may ask for them. */
  states = 0;
  mark = 0;
  flags = 0;

  accepted = false;
  markAfter = 0;
  balanced = false;
  /** The rules that matched on the way. */
  count = 0;
  readonly rules = new Int32Array(CACHED_RULES_MAX);
}
