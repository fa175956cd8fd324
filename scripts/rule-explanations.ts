/** What each rule of Docker is for. The first that fits a line of `iptables-save` explains it. */
export interface RuleExplanation {
  readonly table: string;
  readonly line: RegExp;
  readonly why: string;
}

const CIDR = String.raw`[\da-f.:]+\/\d+`;
const rule = (table: string, pattern: string, why: string): RuleExplanation => ({
  table,
  line: new RegExp(`^-A ${pattern.replaceAll("<dev>", String.raw`[\w.-]+`).replaceAll("<cidr>", CIDR).replaceAll("<proto>", "(?:tcp|udp|sctp)")}$`),
  why,
});

export const EXPLANATIONS: readonly RuleExplanation[] = [
  rule("filter", "FORWARD -j DOCKER-USER", "Rules of your own come before all of Docker's."),
  rule("filter", "FORWARD -j DOCKER-(FORWARD|ISOLATION-STAGE-1)", "The way into Docker's own chains."),
  rule("filter", "DOCKER-FORWARD -j DOCKER-CT", "First: is it the answer to something?"),
  rule("filter", "DOCKER-FORWARD -j DOCKER-INTERNAL", "Then: is an internal network concerned?"),
  rule("filter", "DOCKER-FORWARD -j DOCKER-BRIDGE", "Then: does it enter a network?"),
  rule("filter", "(FORWARD|DOCKER-CT) -o <dev> -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "Answers, and what belongs to a connection that was let in, enter the network."),
  rule("filter", "(FORWARD|DOCKER-BRIDGE) -o <dev> -j DOCKER", "What else enters the network is looked up among published ports and links."),
  rule("filter", "(FORWARD|DOCKER-FORWARD) -i <dev> ! -o <dev> -j ACCEPT", "What leaves the network may go where it wants."),
  rule("filter", "DOCKER-FORWARD -i <dev> -j ACCEPT", "What comes from the network may go where it wants, to other containers of it as well."),
  rule("filter", "(FORWARD|DOCKER-FORWARD) -i <dev> -o <dev> -j ACCEPT", "Containers of the network reach each other."),
  rule("filter", "(FORWARD|DOCKER-FORWARD) -i <dev> -o <dev> -j DROP", "Containers of the network do not reach each other (ICC is off)."),
  rule("filter", "DOCKER-FORWARD -m mark --mark \\S+ -j ACCEPT", "Packets with the mark that the daemon accepts go through."),
  rule("filter", "DOCKER-ISOLATION-STAGE-1 -i <dev> ! -o <dev> -j DOCKER-ISOLATION-STAGE-2", "What leaves the network must not enter another one: on to the second stage."),
  rule("filter", "DOCKER-ISOLATION-STAGE-2 -o <dev> -j DROP", "It left one network and would enter this one: dropped."),
  rule("filter", "DOCKER-ISOLATION-STAGE-\\d -j RETURN", "It does not go from one network to another: back to `FORWARD`."),
  rule("filter", "DOCKER-USER -j RETURN", "The end of your own rules: back to `FORWARD`."),
  rule("filter", "(DOCKER-ISOLATION-STAGE-1|DOCKER-INTERNAL) ! -s <cidr> (! -i <dev> )?-o <dev> -j DROP", "Nothing from outside enters the internal network."),
  rule("filter", "(DOCKER-ISOLATION-STAGE-1|DOCKER-INTERNAL) ! -d <cidr> -i <dev>( ! -o <dev>)? -j DROP", "Nothing leaves the internal network."),
  rule("filter", "DOCKER -d <cidr> ! -i <dev> -o <dev> -p <proto> -m <proto> --dport \\d+ -j ACCEPT", "The published port: others may reach it."),
  rule("filter", "DOCKER -s <cidr> -d <cidr> -i <dev> -o <dev> -p <proto> -m <proto> --[sd]port \\d+ -j ACCEPT", "The link: the linking container reaches the exposed port, and is answered."),
  rule("filter", "DOCKER ! -i <dev> -o <dev> -j DROP", "Whatever else would enter the network is dropped."),
  rule("filter", "DOCKER ! -i <dev> -o <dev> -j ACCEPT", "Whatever else would enter the network may do so: the mode is nat-unprotected."),
  rule("filter", "DOCKER -o <dev> -p (icmp|ipv6-icmp) -j ACCEPT", "Everybody may ping a container of a routed network, and tell it of errors."),
  rule("nat", "PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "What comes in for an address of the host is looked up among published ports."),
  rule("nat", "OUTPUT ! -d <cidr> -m addrtype --dst-type LOCAL -j DOCKER", "So is what the host sends to itself; its loopback addresses are left to the userland proxy."),
  rule("nat", "OUTPUT -m addrtype --dst-type LOCAL -j DOCKER", "So is what the host sends to itself; there is no userland proxy for its loopback addresses."),
  rule("nat", "POSTROUTING -s <cidr> ! -o <dev> -j (MASQUERADE|SNAT --to-source \\S+)", "What leaves the network gets an address of the host as its source."),
  rule("nat", "POSTROUTING -o <dev> -m addrtype --src-type LOCAL -j (MASQUERADE|SNAT --to-source \\S+)", "What the host itself sends into the network gets an address that containers can answer."),
  rule("nat", "POSTROUTING -s <cidr> -d <cidr> -p <proto> -m <proto> --dport \\d+ -j MASQUERADE", "A container that asks its own published port: the answer has to come back by way of the host."),
  rule("nat", "DOCKER -i <dev> -j RETURN", "Containers' connections to published ports are left to the userland proxy."),
  rule("nat", "DOCKER ! -s fe80::/10 .*-j DNAT --to-destination \\S+", "The published port: the destination becomes the container. Link-local sources are left to the userland proxy."),
  rule("nat", "DOCKER .*-j DNAT --to-destination \\S+", "The published port: the destination becomes the container."),
  rule("filter", "(FORWARD|DOCKER-FORWARD) -j DOCKER-INGRESS", "Ports of the routing mesh come before what networks say."),
  rule("filter", "DOCKER-INGRESS -p <proto> -m <proto> --dport \\d+ -j ACCEPT", "The port is on its way to the ingress sandbox."),
  rule("filter", "DOCKER-INGRESS -p <proto> .*--sport \\d+.* -j ACCEPT", "The answers are on their way back."),
  rule("filter", "DOCKER-INGRESS -j RETURN", "It is no port of the routing mesh."),
  rule("nat", "DOCKER-INGRESS -j RETURN", "It is no port of the routing mesh."),
  rule("nat", "(PREROUTING|OUTPUT) -m addrtype --dst-type LOCAL -j DOCKER-INGRESS", "What is sent to an address of the host is looked up among the ports of the routing mesh, first of all."),
  rule("nat", "DOCKER-INGRESS .*-j DNAT --to-destination \\S+", "The published port: the destination becomes the ingress sandbox, where the port is the same."),
  rule("mangle", "PREROUTING -p <proto> -m <proto> --dport \\d+ -j MARK .*", "The published port: IPVS tells services apart by this mark."),
  rule("mangle", "INPUT -d <cidr> -j MARK .*", "The virtual address of the service has the same mark."),
  rule("nat", "POSTROUTING -d <cidr> -m ipvs --ipvs -j SNAT --to-source \\S+", "What IPVS sends to a task comes from the load balancer, so that the answer comes back to it. This is where the client's address is lost."),
  rule("nat", "PREROUTING -d <cidr> .*-j REDIRECT --to-ports \\d+", "The published port becomes the one that the task listens on."),
  rule("filter", "INPUT -d <cidr> -p <proto> .*--ctstate NEW,ESTABLISHED -j ACCEPT", "The port that is published is open on the ingress network."),
  rule("filter", "OUTPUT -s <cidr> -p <proto> .*--ctstate ESTABLISHED -j ACCEPT", "And answers."),
  rule("filter", "(INPUT -d|OUTPUT -s) <cidr> -p <proto> -j DROP", "Nothing else enters or leaves by the ingress network."),
  rule("raw", "PREROUTING -d <cidr> ! -i lo -p <proto> -m <proto> --dport \\d+ -j DROP", "A port of the loopback address is for the host alone."),
  rule("raw", "PREROUTING -d <cidr> ! -i <dev> -j DROP", "Nobody outside the network reaches the container by its own address."),
  rule("raw", "PREROUTING -d <cidr> -i <dev> -j ACCEPT", "But for devices that the network trusts."),
  rule("nat", "OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT", "What the container sends to its DNS server."),
  rule("nat", "POSTROUTING -d 127.0.0.11/32 -j DOCKER_POSTROUTING", "What is on its way to that address, and what comes back from it."),
  rule("nat", "DOCKER_OUTPUT -d 127.0.0.11/32 .*-j DNAT .*", "Port 53 becomes the port at which the server really listens."),
  rule("nat", "DOCKER_POSTROUTING -s 127.0.0.11/32 .*-j SNAT .*", "And back: the server's own packets come from port 53."),
];
