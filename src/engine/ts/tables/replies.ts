import { DNS_MESSAGE_MAX } from "../../../../assembly/abi/dns";
import type { Flow } from "./flow";

/** The answers that queries got last, for their callers to read: all of them as far as a datagram goes, and the whole of one that is longer. */
export class Replies {
  private long: Flow | null = null;

  keep(flow: Flow, message: Uint8Array): void {
    flow.outcome.reply = message;
    if (message.length <= DNS_MESSAGE_MAX) return;
    if (this.long !== null && this.long !== flow) this.long.outcome.reply = this.long.outcome.reply.subarray(0, DNS_MESSAGE_MAX);
    this.long = flow;
  }
}
