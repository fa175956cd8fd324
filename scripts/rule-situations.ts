/** The situations of `docs/rules`: what was asked of Docker, and what to know about the rules that follow. */
import { type FirewallState, sandboxFirewall } from "../src/model/firewall";
import { balancerSteps, redirectSteps } from "../src/model/firewall/mesh";
import type { DockerGeneration } from "../src/model/spec";
import { parseIpv4 } from "../src/net/ip";
import { RuleHost } from "./rule-host";

export interface RuleSituation {
  /** The page's file name. */
  readonly name: string;
  readonly title: string;
  /** What was typed, one command a line. */
  readonly commands: readonly string[];
  readonly prose: string;
  /** Shown beside IPv4's. */
  readonly ipv6?: boolean;
  /** Those that have it. */
  readonly generations: readonly DockerGeneration[];
  /** The situation that it is told as a change of; none: all of its rules are explained. */
  readonly base?: string;
  /** `ip6tables`: as the base of a page about IPv6; 20.10 has it off otherwise. */
  readonly state: (generation: DockerGeneration, ip6tables?: boolean) => FirewallState;
}

const BOTH: readonly DockerGeneration[] = ["20.10", "29"];
const CURRENT: readonly DockerGeneration[] = ["29"];
const APP = { subnet: "172.18.0.0/16" };
const WEB = { network: "app", ip: "172.18.0.2" };
const OPTION = "com.docker.network.bridge";

export const SITUATIONS: readonly RuleSituation[] = [
  {
    name: "default-bridge",
    title: "The default bridge",
    commands: ["dockerd"],
    prose: `What a daemon programs when it starts on a host that nobody has configured. Forwarding was off, so the daemon turned it on
and gave \`FORWARD\` the policy \`DROP\`: the host does not become a router for everybody. The other pages show what changes from here.

Docker 20.10 stops a packet from outside to an unpublished port by that policy alone; where forwarding was on before, such packets
get through. Docker 29 drops them by a rule of its own, and has its rules in chains of its own, so that \`FORWARD\` stays the user's.`,
    generations: BOTH,
    state: (generation, ip6tables) => new RuleHost(generation, ip6tables ? { ip6tables } : {}).state(),
  },
  {
    name: "user-network",
    base: "default-bridge",
    title: "A user-defined network",
    commands: ["docker network create app"],
    prose: `A further bridge gets what the default bridge has. Docker 20.10 puts its rules above those of the older networks, Docker 29 below, but for
the translation of sources. That neither network reaches the other is the work of the two isolation stages in 20.10. In 29 the final
\`DROP\` of each network in chain \`DOCKER\` does it, which knows only what enters.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", APP);
      return host.state();
    },
  },
  {
    name: "published-port",
    base: "user-network",
    title: "A published port",
    commands: ["docker network create app", "docker run -d --name web --network app -p 8080:80 web"],
    prose: `Three things have to happen for \`-p 8080:80\`: the destination is translated, the packet is let into the network, and a container that asks
its own port has to get its answer. The userland proxy listens at the same port for what the rules leave out: connections to a
loopback address, and those of containers of the same network. In 20.10 these are the connections of all containers.

Docker 29 besides drops what was sent to the container's own address from elsewhere, before anything else looks at it.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", APP);
      host.container("web", { ...WEB, publish: ["8080:80/tcp"] });
      return host.state();
    },
  },
  {
    name: "loopback-port",
    base: "published-port",
    title: "A port of the loopback address",
    commands: ["docker network create app", "docker run -d --name web --network app -p 127.0.0.1:8080:80 web"],
    prose: `A port that is bound to one address is translated at that address alone. \`127.0.0.1\` is meant for the host itself. A neighbour on
the link can still send a packet there by writing the address into it: Linux would drop it as a martian when it routes it, but
\`PREROUTING\` comes first and translates. Docker 29 closes that hole in table raw, Docker 20.10 has it open.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", APP);
      host.container("web", { ...WEB, publish: ["127.0.0.1:8080:80/tcp"] });
      return host.state();
    },
  },
  {
    name: "no-userland-proxy",
    base: "published-port",
    title: "Without the userland proxy",
    commands: ["dockerd --userland-proxy=false", "docker network create app", "docker run -d --name web --network app -p 8080:80 web"],
    prose: `Nobody listens at the published port, so rules have to serve everybody: the host at its loopback addresses (the daemon sets
\`route_localnet\` on the bridges for that), and containers of the same network, whose packets come back out of the bridge
port by which they came (hairpin mode). Such packets keep their source, unless it is the host or the container itself: then the
answer would not find its way back, and the source is translated.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation, { userlandProxy: false });
      host.network("app", APP);
      host.container("web", { ...WEB, publish: ["8080:80/tcp"] });
      return host.state();
    },
  },
  {
    name: "icc-off",
    base: "published-port",
    title: "Without communication between containers",
    commands: [`docker network create -o ${OPTION}.enable_icc=false app`, "docker run -d --name web --network app -p 8080:80 web"],
    prose: `\`enable_icc=false\` drops what goes from one container of the network to another. Such packets are bridged, not routed; they meet
iptables because the daemon turns \`bridge-nf-call-iptables\` on. Published ports are not affected: there the packet comes from outside,
or from the userland proxy.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", { ...APP, icc: false });
      host.container("web", { ...WEB, publish: ["8080:80/tcp"] });
      return host.state();
    },
  },
  {
    name: "internal",
    base: "user-network",
    title: "An internal network",
    commands: ["docker network create --internal app", "docker run -d --name web --network app -p 8080:80 web"],
    prose: `Nothing is forwarded into an internal network or out of it; its containers talk to each other and to the host. No source is translated, and
\`-p\` has no effect.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", { ...APP, internal: true });
      host.container("web", { ...WEB, publish: ["8080:80/tcp"] });
      return host.state();
    },
  },
  {
    name: "no-masquerade",
    base: "published-port",
    title: "Without masquerading",
    commands: [`docker network create -o ${OPTION}.enable_ip_masquerade=false app`, "docker run -d --name web --network app -p 8080:80 web"],
    prose: `The sources of what leaves stay as they are, so somebody has to route the network's addresses back to the host. In Docker 20.10
the rule that leaves containers' connections to published ports to the userland proxy is missing as well: such connections are translated,
and then the isolation stages drop them.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", { ...APP, masquerade: false });
      host.container("web", { ...WEB, publish: ["8080:80/tcp"] });
      return host.state();
    },
  },
  {
    name: "host-address",
    base: "user-network",
    title: "One source address for what leaves",
    commands: ["docker network create -o com.docker.network.host_ipv4=192.0.2.11 app"],
    prose: `Masquerading takes the address of the device by which a packet leaves. \`host_ipv4\` names the address to take instead, for hosts that have several.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", { ...APP, hostAddress: "192.0.2.11" });
      return host.state();
    },
  },
  {
    name: "links",
    base: "default-bridge",
    title: "Legacy links",
    commands: ["dockerd --icc=false", "docker run -d --name db --expose 5432 db", "docker run -d --name web --link db web"],
    prose: `With \`--icc=false\` containers of the default bridge do not reach each other, but for the exposed ports of those they link to. A link is two
rules a port, there and back. Docker 20.10 takes them back when the linking container stops, unless the container that it links to has
been stopped or restarted meanwhile: then they stay until the daemon restarts.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation, { icc: false });
      host.container("db", { network: "bridge", ip: "172.17.0.2" });
      host.container("web", { network: "bridge", ip: "172.17.0.3" });
      host.link("web", "db", 5432);
      return host.state();
    },
  },
  {
    name: "docker-user",
    base: "published-port",
    title: "Rules of your own",
    commands: [
      "docker network create app",
      "docker run -d --name web --network app -p 8080:80 web",
      "iptables -I DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL ! -s 10.0.0.0/8 -j DROP",
      "iptables -A INPUT -i eth0 -p tcp --dport 22 -j ACCEPT",
      "iptables -P INPUT DROP",
    ],
    prose: `\`DOCKER-USER\` is yours: the daemon makes the chain, keeps it first in \`FORWARD\`, and never touches what is in it. The destination has been
translated before a packet gets there, so a rule for a published port asks for the original one (\`--ctorigdstport\`).

Rules in \`INPUT\`, such as those of ufw, do not see published ports at all: after the translation the packet is forwarded.`,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", APP);
      host.container("web", { ...WEB, publish: ["8080:80/tcp"] });
      host.rules(`iptables -I DOCKER-USER -i eth0 -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL ! -s 10.0.0.0/8 -j DROP
iptables -A INPUT -i eth0 -p tcp --dport 22 -j ACCEPT
iptables -P INPUT DROP`);
      return host.state();
    },
  },
  {
    name: "ipv6",
    base: "default-bridge",
    title: "IPv6",
    commands: ["docker network create --ipv6 --subnet fd00:6::/64 app", "docker run -d --name web --network app -p 8080:80 web"],
    prose: `The same rules in the tables of IPv6, for networks that have IPv6. Docker 20.10 programs them with \`--experimental --ip6tables\` alone; it isolates
IPv4 networks there as well, and has no \`DOCKER-USER\`. Docker 29 leaves connections from link-local addresses to the userland proxy.`,
    ipv6: true,
    generations: BOTH,
    state(generation) {
      const host = new RuleHost(generation, { ip6tables: true });
      host.network("app", { ...APP, subnet6: "fd00:6::/64" });
      host.container("web", { ...WEB, ip6: "fd00:6::2", publish: ["8080:80/tcp"] });
      return host.state();
    },
  },
  ...gatewayModes(),
  ...routingMesh(),
  {
    name: "direct-access",
    base: "user-network",
    title: "Direct access from trusted devices",
    commands: [
      "dockerd --bridge-accept-fwmark=1",
      `docker network create -o ${OPTION}.trusted_host_interfaces=wg0 app`,
      "docker run -d --name web --network app web",
    ],
    prose: `Docker 29 drops what comes to a container's own address from anywhere but its bridge. Devices that the network trusts are excepted there, and packets
with a mark that the daemon accepts pass its final \`DROP\`; \`--allow-direct-routing\` leaves the rules of table raw out altogether.`,
    generations: CURRENT,
    state(generation) {
      const host = new RuleHost(generation, { bridgeAcceptFwmark: "1" });
      host.network("app", { ...APP, trustedInterfaces: ["wg0"] });
      host.container("web", WEB);
      return host.state();
    },
  },
  {
    name: "embedded-dns",
    title: "The embedded DNS server",
    commands: ["docker network create app", "docker run -d --name web --network app web"],
    prose: `These rules are in the network namespace of the container, not the host's. Docker's DNS server is a thread of the daemon that listens inside
the container at ports of its own choice, here 40001 (UDP) and 40002 (TCP); the container asks 127.0.0.11, port 53. Both generations have the same rules.`,
    generations: BOTH,
    state: () => sandboxFirewall({ udp: 40001, tcp: 40002 }),
  },
];

/** The three places that a packet to a published port of a service passes. */
function routingMesh(): readonly RuleSituation[] {
  const commands = ["docker swarm init", "docker service create --name web --publish 8080:80 web"];
  const port = { protocol: "tcp", published: 8080, target: 80 } as const;
  const web = { service: "web", network: "ingress", virtualIp: ip("10.0.0.4"), mark: 256, ports: [port] };
  return [
    {
      name: "routing-mesh",
      base: "default-bridge",
      title: "A published port of a service",
      commands,
      prose: `Every node of a swarm has the port, whether a task runs there or not. The host translates it to its ingress sandbox, which is at an
address of \`docker_gwbridge\`; [what happens there](ingress-sandbox.md) and [at the task](mesh-task.md) are pages of their own.
\`docker_gwbridge\` is a bridge network without communication between its containers. Where the kernel has no \`ip_vs\`, none of these rules
is there, and the port is refused.`,
      generations: BOTH,
      state(generation) {
        const host = new RuleHost(generation);
        host.network("docker_gwbridge", { device: "docker_gwbridge", subnet: "172.18.0.0/16", icc: false });
        host.mesh("web", port, "172.18.0.2");
        return host.state();
      },
    },
    {
      name: "ingress-sandbox",
      title: "The sandbox of the routing mesh",
      commands,
      prose: `\`ingress_sbox\`, the network namespace of each node's load balancer on the network \`ingress\`. IPVS knows a service by the mark of its packets
(\`ipvsadm\` shows it as \`FWM 256\`), chooses a task by turns, wherever in the swarm it runs, and remembers its choice for each connection:
for 15 minutes without a packet, or 5 for UDP. The sandbox of another overlay network (\`lb_…\`) has the same rules but the first: there the
virtual address is all that leads to a service. The rules of the embedded DNS server are left out.`,
      generations: BOTH,
      state: () => sandboxFirewall(undefined, balancerSteps({ ip: ip("10.0.0.2"), prefixLength: 24 }, false, [web])),
    },
    {
      name: "mesh-task",
      title: "A task behind the routing mesh",
      commands,
      prose: "The network namespace of a task whose address on the network `ingress` is 10.0.0.5. What came for the published port goes to the one that the image listens on. The rules of the embedded DNS server are left out.",
      generations: BOTH,
      state: () => sandboxFirewall(undefined, redirectSteps("web", ip("10.0.0.5"), [port])),
    },
  ];
}

function ip(text: string): number {
  return parseIpv4(text, "address");
}

function gatewayModes(): readonly RuleSituation[] {
  const page = (mode: "routed" | "nat-unprotected" | "isolated", title: string, prose: string): RuleSituation => ({
    name: mode,
    base: mode === "isolated" ? "user-network" : "published-port",
    title,
    commands: [
      `docker network create ${mode === "isolated" ? "--internal " : ""}-o ${OPTION}.gateway_mode_ipv4=${mode} app`,
      `docker run -d --name web --network app -p ${mode === "routed" ? "80" : "8080:80"} web`,
    ],
    prose,
    generations: CURRENT,
    state(generation) {
      const host = new RuleHost(generation);
      host.network("app", { ...APP, gatewayMode: mode, internal: mode === "isolated" });
      host.container("web", { ...WEB, publish: ["8080:80/tcp"] });
      return host.state();
    },
  });
  return [
    page(
      "routed",
      "Gateway mode routed",
      `No address is translated: others reach the containers by their own addresses and have routes to them. \`-p\` opens a port and
translates nothing, and everybody may ping. Docker 20.10 has no gateway modes: its networks are what 29 calls \`nat\`.`,
    ),
    page(
      "nat-unprotected",
      "Gateway mode nat-unprotected",
      `As \`nat\`, but every port of every container is open for those who have a route to it, as it was with Docker 20.10 on a host that
forwarded already.`,
    ),
    page(
      "isolated",
      "Gateway mode isolated",
      `An internal network whose bridge has no address: not even the host is there. Its rules are those of any internal network; what differs is that
there is nothing to talk to.`,
    ),
  ];
}
