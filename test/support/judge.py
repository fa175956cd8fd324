"""Lets the Linux kernel of this machine forward frames. Scenarios come as JSON on stdin, what came out goes as JSON to stdout.

A scenario is a router namespace with two veth pairs, routed or bridged; their outer ends are raw sockets."""
import ctypes, json, os, select, socket, subprocess, sys, time

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
PACKET_OUTGOING = 4
libc = ctypes.CDLL(None, use_errno=True)
own = os.open("/proc/self/ns/net", os.O_RDONLY)


def run(command, text=None):
    done = subprocess.run(command, input=text, text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}\n{text or ''}")


def setns(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Inside:
    def __init__(self, name):
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY)

    def __enter__(self):
        setns(self.fd)

    def __exit__(self, *_):
        setns(own)
        os.close(self.fd)


def sysctl(name, value):
    with open(f"/proc/sys/{name}", "w") as file:
        file.write(value)


def packet_socket(device):
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    found.bind((device, 0))
    found.setblocking(False)
    return found


def build(scenario, router, outside):
    run(["ip", "netns", "add", router])
    run(["ip", "netns", "add", outside])
    lines = []
    for index, mac in enumerate(scenario["macs"]):
        lines.append(f"link add r{index} address {mac} type veth peer name o{index} netns {outside}")
    if scenario["bridge"]:
        lines.append(f"link add br0 address {scenario['bridgeMac']} type bridge mcast_snooping 0")
        lines += [f"link set r{index} master br0" for index in range(2)]
    lines.append("link set lo up")
    with Inside(router):
        is_six = scenario["family"] == 6
        for path in ("all", "default"):
            sysctl(f"net/ipv6/conf/{path}/disable_ipv6", "0" if is_six else "1")
            sysctl(f"net/ipv6/conf/{path}/accept_dad", "0")
            sysctl(f"net/ipv6/conf/{path}/forwarding", "1")
            sysctl(f"net/ipv4/conf/{path}/rp_filter", "0")
            sysctl(f"net/ipv4/conf/{path}/send_redirects", "0")
        sysctl("net/ipv4/ip_forward", "1")
        sysctl("net/ipv4/icmp_ratelimit", "0")
        sysctl("net/ipv6/icmp/ratelimit", "0")
        run(["ip", "-batch", "-"], "\n".join(lines) + "\n")
        lines = [f"link set r{index} up" for index in range(2)]
        if scenario["bridge"]:
            sysctl("net/bridge/bridge-nf-call-iptables", "1")
            sysctl("net/bridge/bridge-nf-call-ip6tables", "1")
            lines.append("link set br0 up")
        nodad = " nodad" if is_six else ""
        lines += [f"addr add {address} dev {device}{nodad}" for device, address in scenario["addresses"]]
        lines += [f"neigh add {ip} lladdr {mac} nud permanent dev {device}" for device, ip, mac in scenario["neighbours"]]
        run(["ip", "-batch", "-"], "\n".join(lines) + "\n")
        run(["ip6tables-restore" if is_six else "iptables-restore"], scenario["rules"])
        if os.path.exists("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal"):
            sysctl("net/netfilter/nf_conntrack_tcp_be_liberal", "1")
    with Inside(outside):
        for path in ("all", "default"):
            sysctl(f"net/ipv6/conf/{path}/disable_ipv6", "1")
        run(["ip", "-batch", "-"], "link set o0 up\nlink set o1 up\n")
        return [packet_socket(f"o{index}") for index in range(2)]


def is_traffic(frame):
    """IPv4, and IPv6 that is neither neighbour nor listener discovery."""
    if frame[12:14] == b"\x08\x00":
        return True
    return frame[12:14] == b"\x86\xdd" and frame[20] != 0 and not (frame[20] == 58 and (130 <= frame[54] <= 137 or frame[54] == 143))


def receive(sockets, side):
    frames = []
    while True:
        try:
            frame, address = sockets[side].recvfrom(65535)
        except BlockingIOError:
            return frames
        if address[2] != PACKET_OUTGOING and is_traffic(frame):
            frames.append([side, frame.hex()])


def send(sockets, step):
    sockets[step["side"]].send(bytes.fromhex(step["frame"]))
    frames = []
    end = time.monotonic() + 0.1
    grace = None
    while time.monotonic() < end:
        select.select(sockets, [], [], 0.002)
        for side in range(2):
            frames += receive(sockets, side)
        if len(frames) >= step["expected"]:
            # What is too much may still be on its way.
            grace = grace or time.monotonic() + 0.003
            if time.monotonic() > grace:
                break
    return frames


def play(scenario, number):
    router, outside = f"dwj{os.getpid()}r{number}", f"dwj{os.getpid()}o{number}"
    sockets = []
    try:
        sockets = build(scenario, router, outside)
        return [send(sockets, step) for step in scenario["steps"]]
    finally:
        for one in sockets:
            one.close()
        for name in (router, outside):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


json.dump([play(scenario, number) for number, scenario in enumerate(json.load(sys.stdin))], sys.stdout)
