"""Builds a bridge with a VXLAN device in a network namespace, its underlay in another one, sends frames, and prints who saw them. Input and output are JSON."""
import json
import os
import signal
import subprocess
import sys
import time

from frame_sockets import drain, isolated, listen, send, unshare

QUIET = 0.03


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


def settle():
    """What a new namespace of this judge does not do."""
    for name in ("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"):
        run("sysctl", "-qw", name)
    # br_netfilter may be loaded or not.
    for family in ("ip", "ip6", "arp"):
        subprocess.run(["sysctl", "-qw", "net.bridge.bridge-nf-call-%stables=0" % family], capture_output=True)


def underlay():
    """A process that does nothing but keep the namespace of the underlay."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        unshare()
        settle()
        os.write(writer, b"x")
        signal.pause()
    os.read(reader, 1)
    return child


def build(scenario, keeper):
    below = ("nsenter", "-t", str(keeper), "-n")
    run("ip", "link", "add", "wire", "type", "veth", "peer", "name", "lower")
    run("ip", "link", "set", "wire", "mtu", "9000", "address", scenario["wire"], "up")
    run("ip", "link", "set", "lower", "netns", str(keeper))
    run(*below, "ip", "link", "set", "lower", "address", scenario["lower"], "mtu", str(scenario["underlayMtu"]), "up")
    run(*below, "ip", "link", "set", "lo", "up")
    run(*below, "ip", "addr", "add", scenario["address"] + "/24", "dev", "lower")
    for address in scenario["hosts"]:
        run(*below, "ip", "neigh", "replace", address, "lladdr", scenario["wire"], "dev", "lower", "nud", "permanent")
    flags = ["learning" if scenario["learning"] else "nolearning"] + (["proxy"] if scenario["proxy"] else []) + ["l2miss", "l3miss"]
    run(*below, "ip", "link", "add", "vxlan0", "type", "vxlan", "id", str(scenario["vni"]), "dstport", "4789", *flags)
    run(*below, "ip", "link", "set", "vxlan0", "netns", str(os.getpid()))
    run("ip", "link", "add", "br0", "address", scenario["bridge"], "type", "bridge", "mcast_snooping", "0")
    run("ip", "link", "set", "vxlan0", "address", scenario["vxlan"], "mtu", str(scenario["mtu"]), "master", "br0", "up")
    run("ip", "link", "add", "c0", "type", "veth", "peer", "name", "p0")
    run("ip", "link", "set", "p0", "address", scenario["port"], "mtu", str(scenario["mtu"]), "master", "br0", "up")
    run("ip", "link", "set", "c0", "address", scenario["container"], "mtu", str(scenario["mtu"]), "up")
    run("ip", "link", "set", "br0", "up")
    for mac, remote in scenario["remotes"]:
        run("bridge", "fdb", "append", mac, "dev", "vxlan0", "dst", remote, "self", "permanent")
    for address, mac in scenario["neighbours"]:
        run("ip", "neigh", "replace", address, "lladdr", mac, "dev", "vxlan0", "nud", "permanent")


def arrived(sockets):
    return [[name, frame] for name, direction, frame in drain(sockets) if direction == "in"]


def play(scenario):
    settle()
    keeper = underlay()
    try:
        build(scenario, keeper)
        sockets = {name: listen(name) for name in ("wire", "c0")}
        time.sleep(0.2)
        drain(sockets)
        answers = []
        for step in scenario["steps"]:
            for frame in step["frames"]:
                send(step["from"], frame)
            time.sleep(QUIET)
            answers.append(arrived(sockets))
        return answers
    finally:
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)


json.dump([isolated(play, scenario) for scenario in json.load(sys.stdin)], sys.stdout)
