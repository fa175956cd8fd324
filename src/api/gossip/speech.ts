import type { DockerState } from "../../model/state";
import { parseIpv4 } from "../../net/ip";
import type { LiveTopology } from "../live-topology";
import type { HostPlace, Message } from "./carrier";
import type { GossipNode, News } from "./node";
import { RowWords } from "./row-words";
import type { Row } from "./rows";
import { GOSSIP_PORT } from "./timing";
import * as memberlist from "./wire/memberlist";
import { bulkSyncHead, compound as tableCompound, networkEntries, networkPushPull } from "./wire/networkdb";
import { countedPacketOf, type Key, packetOf, streamOf } from "./wire/sealed";

type Said = Pick<Message, "said" | "answer">;

interface Speaker {
  readonly member: memberlist.Member;
  readonly key: Key;
  /** All keys that it has, as text. */
  readonly ring: readonly string[];
}

/** What a node knows of rows. */
export interface RowKnowledge {
  /** In the order of their keys. */
  readonly rows: readonly Row[];
  readonly versionOf: (key: string) => number;
}

const textOf = (bytes: readonly number[]) => bytes.join(" ");

/** Puts what the nodes of a swarm tell one another into words, and seals it with the key that the speaker has for that. */
export class Speech {
  readonly #topology: LiveTopology;
  readonly #words = new RowWords();
  #speakers = new Map<string, Speaker>();
  #of: DockerState | undefined;
  #entries: { readonly of: ReadonlyMap<string, ReadonlySet<string>>; readonly bytes: Uint8Array } | undefined;
  #states: { readonly text: string; readonly bytes: Uint8Array } | undefined;
  /** The next ping's number. */
  #sequence = memberlist.FIRST_SEQUENCE;

  constructor(topology: LiveTopology) {
    this.#topology = topology;
  }

  /** Where a host's processes are. */
  placeOf(host: string): HostPlace {
    return { host, namespace: this.#topology.program.names.namespaces.indexOf(host), ip: this.#speaker(host).member.ip };
  }

  /** Whether a node has the key that another one seals with. */
  understands(hearer: string, speaker: string): boolean {
    return this.#speaker(hearer).ring.includes(this.#speaker(speaker).ring[0] ?? "");
  }

  /** What would sound different, were it said again now. */
  voiceOf(host: string): string {
    const { member, ring } = this.#speaker(host);
    return `${member.name} ${member.ip} ${ring.join()}`;
  }

  /** A ping that goes again and again. */
  ping(from: string, to: string): Said {
    const [speaker, other] = [this.#speaker(from), this.#speaker(to)];
    const sequence = this.#sequence++;
    const said = countedPacketOf(memberlist.ping(speaker.member, other.member, sequence), speaker.key, sequence);
    return { said, ...(this.understands(to, from) && { answer: countedPacketOf(memberlist.ack(sequence), other.key, sequence) }) };
  }

  /** A ping to a suspect, which hears that it is one. */
  pingSuspect(from: string, to: string, incarnation: number): Said {
    const [speaker, other] = [this.#speaker(from), this.#speaker(to)];
    const sequence = this.#sequence++;
    const messages = [memberlist.ping(speaker.member, other.member, sequence), memberlist.suspect(other.member.name, speaker.member.name, incarnation)];
    const said = packetOf(memberlist.compound(messages), speaker.key);
    return { said, ...(this.understands(to, from) && { answer: countedPacketOf(memberlist.ack(sequence), other.key, sequence) }) };
  }

  /** Asks somebody to ping another one; he passes the answer on. */
  indirectPing(from: string, to: string, helper: string): { readonly asked: Said; readonly passedOn: Said } {
    const [speaker, other] = [this.#speaker(from), this.#speaker(helper)];
    const sequence = this.#sequence++;
    const asked = countedPacketOf(memberlist.indirectPing(speaker.member, this.#speaker(to).member, sequence), speaker.key, sequence);
    return { asked: { said: asked }, passedOn: { said: countedPacketOf(memberlist.ack(sequence), other.key, sequence) } };
  }

  /** A ping over TCP. */
  streamPing(from: string, to: string): Said {
    const [speaker, other] = [this.#speaker(from), this.#speaker(to)];
    const sequence = this.#sequence++;
    return { said: streamOf([memberlist.ping(speaker.member, other.member, sequence)], speaker.key), answer: streamOf([memberlist.ack(sequence)], other.key) };
  }

  /** News of members. */
  aboutMembers(from: string, messages: readonly Uint8Array[]): Said {
    return { said: packetOf(memberlist.compound(messages), this.#speaker(from).key) };
  }

  /** News of entries of one network. */
  aboutRows(from: string, messages: readonly Uint8Array[]): Said {
    return { said: packetOf(memberlist.user(tableCompound(messages)), this.#speaker(from).key) };
  }

  /** One piece of news, in as many messages as it takes. */
  messagesOf(news: News): readonly Uint8Array[] {
    if (news.kind === "row") return this.#words.events(this.#topology.state, news.key, news.row, news.of, { node: this.#nameOf(news.origin), time: news.version });
    const subject = this.#speaker(news.subject).member;
    if (news.kind === "alive") return [memberlist.alive(subject, news.incarnation)];
    const tell = news.kind === "suspect" ? memberlist.suspect : memberlist.dead;
    return [tell(subject.name, this.#nameOf(news.by), news.incarnation)];
  }

  /** Both tell each other what they know of all members, and who is on which network. */
  pushPull(one: GossipNode, other: GossipNode, members: readonly string[], local: ReadonlyMap<string, ReadonlySet<string>>, isJoin: boolean): Said {
    const entries = this.#entriesOf(local);
    const [said, answer] = [one, other].map((node) => {
      const { member, key } = this.#speaker(node.host);
      const [head, tail] = networkPushPull(local.size, member.name, entries);
      const start = memberlist.pushPullHead(members.length, head.length + entries.length + tail.length, isJoin);
      return streamOf([start, this.#statesOf(node, members), head, entries, tail], key);
    });
    return { said: said!, answer: answer! };
  }

  /** The same for all as long as networks are used where they are. */
  #entriesOf(local: ReadonlyMap<string, ReadonlySet<string>>): Uint8Array {
    if (this.#entries?.of === local) return this.#entries.bytes;
    const networks = [...local].flatMap(([host, ids]) => [...ids].map((networkId) => ({ networkId, node: this.#nameOf(host) })));
    const bytes = networkEntries(local.size, networks);
    this.#entries = { of: local, bytes };
    return bytes;
  }

  /** The same for all who believe the same of members. */
  #statesOf(node: GossipNode, members: readonly string[]): Uint8Array {
    const states = members.map((host) => ({ host, incarnation: node.incarnationOf(host), state: node.failed.has(host) ? "dead" : node.suspects.has(host) ? "suspect" : "alive" }) as const);
    const text = states.map(({ host, incarnation, state }) => `${this.#nameOf(host)} ${state} ${incarnation}`).join();
    if (this.#states?.text !== text) this.#states = { text, bytes: memberlist.memberStates(states.map(({ host, ...state }) => ({ ...this.#speaker(host).member, ...state }))) };
    return this.#states.bytes;
  }

  /** Both tell each other all entries of the networks that they have in common. */
  bulkSync(one: string, other: string, networks: readonly string[], know: (host: string) => RowKnowledge): Said {
    const [said, answer] = [one, other].map((host, index) => {
      const { rows, versionOf } = know(host);
      const parts = this.#words.parts(
        rows.map((row) => {
          const time = versionOf(row.key);
          return { key: row.key, time, messages: () => this.#words.events(this.#topology.state, row.key, row, row, { node: this.#nameOf(row.host), time }) };
        }),
      );
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      const { member, key } = this.#speaker(host);
      const head = bulkSyncHead({ time: rows.length + 1, isUnsolicited: index === 0, node: member.name, networks }, length);
      return streamOf([memberlist.userStream(head.length + length), head, ...parts], key);
    });
    return { said: said!, answer: answer! };
  }

  #nameOf(host: string): string {
    return this.#speaker(host).member.name;
  }

  #speaker(host: string): Speaker {
    const { state } = this.#topology;
    if (this.#of !== state) this.#speakers = new Map();
    this.#of = state;
    const known = this.#speakers.get(host) ?? speakerOf(state, host);
    this.#speakers.set(host, known);
    return known;
  }
}

/** One that has left keeps a name that nobody listens to. */
function speakerOf({ hosts }: DockerState, host: string): Speaker {
  const swarm = hosts.find(({ name }) => name === host)?.swarm;
  const { name = "", keys = [] } = swarm?.gossip ?? {};
  const ip = swarm === undefined || swarm.address === "" ? 0 : parseIpv4(swarm.address, `${host}: address`);
  return { member: { name, ip, port: GOSSIP_PORT }, key: Uint8Array.from(keys[0]?.bytes ?? new Array(16).fill(0)), ring: keys.map(({ bytes }) => textOf(bytes)) };
}
