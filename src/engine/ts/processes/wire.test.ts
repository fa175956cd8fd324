import { describe, expect, it } from "vitest";
import { DNS_AAAA, DNS_PTR, RESOLVER_AUTHORITATIVE } from "../../../../assembly/abi/dns";
import { SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { containersOnBridge, ip, SECOND } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";
import { NO_TSHARK, tsharkFields } from "../../../../test/support/tshark";
import { writePcapng } from "../../../observe/pcapng";

/** What processes say to each other, as a capture of one device. */
function captured(build: (world: ReturnType<typeof containersOnBridge>) => void): Uint8Array {
  const world = containersOnBridge(2);
  build(world);
  const [, client] = world.containers;
  const { frames } = simulate(world.draft.program(), { untilNs: 3 * SECOND, capture: [client.device] });
  const written = frames.map(({ timeNs, direction, length, bytes }) => {
    return { timeNs, device: "eth0", direction: direction === 1 ? ("inbound" as const) : ("outbound" as const), length, bytes };
  });
  return writePcapng({ interfaces: [{ name: "eth0" }], frames: written, snaplen: 65_535, hosts: [], application: "test" });
}

const FAULTS = "_ws.malformed || _ws.expert.severity >= 0x600000 || udp.checksum.status == 0 || tcp.checksum.status == 0";
const CHECKED = ["-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];

describe("tshark", () => {
  it("reads queries and answers without a fault", (context) => {
    const file = captured(({ draft, containers: [server, client] }) => {
      const names = { web: ["10.0.0.1", "fd00::1"], "1.0.0.10.in-addr.arpa": [{ pointer: "web.front" }], many: Array.from({ length: 40 }, (_, i) => `10.1.0.${i}`) };
      const resolver = draft.dns.resolver([draft.dns.zone(names)], [], RESOLVER_AUTHORITATIVE);
      draft.socket({ namespace: server.namespace, port: 53, role: SocketRole.NameServer, resolver });
      draft.query(client.namespace, server.ip, "web");
      draft.query(client.namespace, server.ip, "web", { type: DNS_AAAA });
      draft.query(client.namespace, server.ip, "1.0.0.10.in-addr.arpa", { type: DNS_PTR });
      draft.query(client.namespace, server.ip, "many");
      draft.query(client.namespace, server.ip, "nobody.else");
    });
    const faults = tsharkFields(file, ["frame.number", "_ws.expert.message"], ...CHECKED, "-Y", FAULTS);
    if (faults === undefined) return context.skip(NO_TSHARK);
    expect(faults).toEqual([]);
    const fields = ["dns.qry.name", "dns.flags.rcode", "dns.flags.truncated", "dns.count.answers", "dns.a", "dns.aaaa", "dns.ptr.domain_name"];
    const answers = tsharkFields(file, fields, "-Y", "dns.flags.response == 1 && dns.qry.name != many");
    expect(answers).toEqual([
      "web|0|False|1|10.0.0.1||",
      "web|0|False|1||fd00::1|",
      "1.0.0.10.in-addr.arpa|0|False|1|||web.front",
      "nobody.else|3|False|0|||",
    ].map((line) => expect.stringMatching(new RegExp(line.replaceAll("|", "\\|").replace("False", "(False|0)")))));
    expect(tsharkFields(file, ["dns.count.answers"], "-Y", "dns.flags.truncated == 1")).toEqual([String(Math.floor((512 - 22) / 16))]);
  });

  it("reads the same over TCP, of several segments and of a question that is passed on", (context) => {
    const file = captured(({ draft, root, containers: [server, client] }) => {
      const names = { many: Array.from({ length: 180 }, (_, i) => `10.1.0.${i}`) };
      const known = draft.dns.resolver([draft.dns.zone(names)], [], RESOLVER_AUTHORITATIVE);
      draft.socket({ namespace: server.namespace, protocol: PROTOCOL_TCP, port: 53, role: SocketRole.NameServer, resolver: known });
      const passing = draft.dns.resolver([], [{ namespace: root, ip: server.ip }]);
      draft.socket({ namespace: root, protocol: PROTOCOL_TCP, port: 53, role: SocketRole.Resolver, resolver: passing });
      for (const ask of [server.ip, ip("172.17.0.1")]) draft.query(client.namespace, ask, "many", { protocol: PROTOCOL_TCP, udpSize: 1232 });
    });
    const faults = tsharkFields(file, ["frame.number", "_ws.expert.message"], ...CHECKED, "-Y", FAULTS);
    if (faults === undefined) return context.skip(NO_TSHARK);
    expect(faults).toEqual([]);
    expect(tsharkFields(file, ["dns.qry.name", "dns.rr.udp_payload_size"], "-Y", "dns.flags.response == 0")).toEqual(["many|1232", "many|1232"]);
    expect(tsharkFields(file, ["tcp.srcport", "dns.length", "dns.count.answers"], "-Y", "dns.flags.response == 1")).toEqual(["53|2902|180", "53|2902|180"]);
  });

  it("reads an exchange as HTTP, also through docker-proxy", (context) => {
    const file = captured(({ draft, root, containers: [server, client] }) => {
      draft.socket({ namespace: root, protocol: PROTOCOL_TCP, port: 8080, role: SocketRole.Proxy, targetIp: server.ip, targetPort: 80 });
      draft.socket({ namespace: server.namespace, protocol: PROTOCOL_TCP, port: 80, role: SocketRole.Responder });
      draft.exchange(client.namespace, server, { bytes: 40, responseBytes: 5000 });
      draft.exchange(client.namespace, { namespace: root, ip: ip("172.17.0.1") }, { destinationPort: 8080, bytes: 40, responseBytes: 200 });
    });
    const faults = tsharkFields(file, ["frame.number", "_ws.expert.message"], ...CHECKED, "-Y", FAULTS);
    if (faults === undefined) return context.skip(NO_TSHARK);
    expect(faults).toEqual([]);
    const messages = tsharkFields(file, ["ip.src", "http.request.method", "http.response.code"], "-Y", "http");
    expect(messages?.sort()).toEqual(["172.17.0.1||200", "172.17.0.2||200", "172.17.0.3|GET|", "172.17.0.3|GET|"]);
  });
});
