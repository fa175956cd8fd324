"""Builds macvlan devices on one end of a cable in a network namespace, sends frames, and prints who saw them. Input and output are JSON."""
import json
import os
import socket
import subprocess
import sys
import time

ETH_P_ALL = 3
OUTGOING = 4
# Broadcasts from outside reach macvlan devices by way of a work queue.
QUIET = 0.03


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def build(scenario):
    ip("link", "add", "wire", "type", "veth", "peer", "name", "lower")
    ip("link", "set", "lower", "address", scenario["lower"])
    for name in ("wire", "lower"):
        ip("link", "set", name, "up")
    for index, child in enumerate(scenario["children"]):
        name = "m%d" % index
        ip("link", "add", name, "link", "lower", "address", child["mac"], "type", "macvlan", "mode", child["mode"])
        ip("link", "set", name, "allmulticast", "on")
        if child["up"]:
            ip("link", "set", name, "up")


def listen(name):
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    opened.bind((name, ETH_P_ALL))
    opened.setblocking(False)
    return opened


def drain(sockets):
    seen = []
    for name, opened in sockets.items():
        while True:
            try:
                frame, address = opened.recvfrom(2048)
            except BlockingIOError:
                break
            seen.append([name, "out" if address[2] == OUTGOING else "in", frame.hex()])
    return seen


def run(scenario):
    subprocess.run(["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"], check=True)
    build(scenario)
    names = ["wire", "lower"] + ["m%d" % index for index, child in enumerate(scenario["children"]) if child["up"]]
    sockets = {name: listen(name) for name in names}
    time.sleep(0.1)
    drain(sockets)
    answers = []
    for step in scenario["steps"]:
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sender.bind((step["from"], 0))
        sender.send(bytes.fromhex(step["frame"]))
        sender.close()
        time.sleep(QUIET)
        answers.append(drain(sockets))
    for opened in sockets.values():
        opened.close()
    ip("link", "del", "wire")
    return answers


def isolated(scenario):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.unshare(os.CLONE_NEWNET) if hasattr(os, "unshare") else unshare()
        with os.fdopen(writer, "w") as pipe:
            json.dump(run(scenario), pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)


def unshare():
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


json.dump([isolated(scenario) for scenario in json.load(sys.stdin)], sys.stdout)
