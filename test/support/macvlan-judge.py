"""Builds macvlan devices on one end of a cable in a network namespace, sends frames, and prints who saw them. Input and output are JSON."""
import json
import subprocess
import sys
import time

from frame_sockets import drain, isolated, listen, send

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


def run(scenario):
    build(scenario)
    names = ["wire", "lower"] + ["m%d" % index for index, child in enumerate(scenario["children"]) if child["up"]]
    sockets = {name: listen(name) for name in names}
    time.sleep(0.1)
    drain(sockets)
    answers = []
    for step in scenario["steps"]:
        send(step["from"], step["frame"])
        time.sleep(QUIET)
        answers.append(drain(sockets))
    for opened in sockets.values():
        opened.close()
    ip("link", "del", "wire")
    return answers


json.dump([isolated(run, scenario) for scenario in json.load(sys.stdin)], sys.stdout)
