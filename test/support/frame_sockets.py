"""What judges of devices share: a network namespace for each scenario, and sockets that send frames and see them pass."""
import ctypes
import json
import os
import socket
import subprocess

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
OUTGOING = 4


def unshare():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"], check=True)


def listen(name):
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    opened.bind((name, ETH_P_ALL))
    opened.setblocking(False)
    return opened


def send(name, frame):
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((name, 0))
    sender.send(bytes.fromhex(frame))
    sender.close()


def drain(sockets):
    """Everything seen since: the device, "in" or "out", the frame."""
    seen = []
    for name, opened in sockets.items():
        while True:
            try:
                frame, address = opened.recvfrom(16384)
            except BlockingIOError:
                break
            seen.append([name, "out" if address[2] == OUTGOING else "in", frame.hex()])
    return seen


def isolated(play, scenario):
    """What `play` answers in a process and a network namespace of its own; a command that failed is told instead."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        unshare()
        try:
            answer = play(scenario)
        except subprocess.CalledProcessError as error:
            answer = "%s: %s" % (" ".join(error.cmd), error.stderr.decode())
        with os.fdopen(writer, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)
