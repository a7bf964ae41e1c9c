"""What the clients of a cluster, or behind a Sentinel, share: they go where they are sent. What each of them does
about TLS on the way is its own."""

import os
import socket
import sys

import _redis

SERVICE = os.environ["WIRELAB_SERVICE"]
TOPOLOGY = os.environ["WIRELAB_TOPOLOGY"]
# Which list of nodes a client asks for: SLOTS, SHARDS, NODES; nothing at all without an argument. SWITCH: it listens
# to what Sentinels publish, and asks for nothing.
LIST = sys.argv[1].encode() if len(sys.argv) > 1 else None
LISTENS = LIST == b"SWITCH"


class Node:
    """A connection that reads any reply. Errors are values: `("error", text)`."""

    def __init__(self, connection):
        self.connection = connection
        self.replies = connection.makefile("rb")

    def call(self, *words):
        words = [word if isinstance(word, bytes) else word.encode() for word in words]
        parts = [b"*%d\r\n" % len(words)] + [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        self.connection.sendall(b"".join(parts))
        return self.read()

    def read(self):
        line = self.replies.readline(65536)
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the peer closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            return ("error", rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.replies.read(int(rest) + 2)[:-2]
        if kind in (b"*", b">"):
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        raise ConnectionError(f"the peer answers {line[:200]!r}")

    def login(self):
        expect(self.call("AUTH", os.environ["WIRELAB_USERNAME"], os.environ["WIRELAB_PASSWORD"]))


def expect(reply):
    if isinstance(reply, tuple):
        raise SystemExit(reply[1])
    return reply


def split(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]") or _redis.HOST, int(port)


def node_of_list(node):
    """The only node of the cluster, from the list that this client asks for."""
    answer = expect(node.call("CLUSTER", LIST))
    if LIST == b"SLOTS":
        host, port = answer[0][2][:2]
        return host.decode() or _redis.HOST, port
    if LIST == b"SHARDS":
        shard = dict(zip(answer[0][::2], answer[0][1::2]))
        fields = dict(zip(shard[b"nodes"][0][::2], shard[b"nodes"][0][1::2]))
        return fields[b"endpoint"].decode() or _redis.HOST, fields[b"tls-port" if _redis.TLS else b"port"]
    return split(answer.decode().split(" ")[1].split("@")[0])


def switched(sentinel):
    """Where the Sentinel says that the master has gone; nothing where it says nothing for a while."""
    sentinel.call("SUBSCRIBE", "+switch-master")
    sentinel.connection.settimeout(1)
    try:
        _, old_host, old_port, host, port = sentinel.read()[2].decode().split(" ")
    except TimeoutError:
        return None
    return host, int(port)


# The connection to what the client was told of.
first = None


def work(onward, context=None, logs_in_first=False):
    """SETs and GETs. `onward(host, port)` gives a connection to where the client is sent."""
    global first
    tls_first = _redis.TLS and TOPOLOGY != "clear-sentinel"
    first = _redis.connect_tls(context or _redis.verified_context()) if tls_first else _redis.connect()
    node = Node(first)
    here = (_redis.HOST, _redis.PORT)
    if TOPOLOGY in ("sentinel", "clear-sentinel"):
        if logs_in_first:
            node.login()
        sentinel = node
        host, port = expect(sentinel.call("SENTINEL", "get-master-addr-by-name", SERVICE))
        node = Node(_redis.connect_tls(_redis.verified_context()) if LISTENS and _redis.TLS else onward(host.decode(), int(port)))
        node.login()
        if LISTENS and (moved := switched(sentinel)):
            node = Node(onward(*moved))
            node.login()
    else:
        node.login()
        there = node_of_list(node) if LIST else here
        if there != here:
            node = Node(onward(*there))
            node.login()
    key, value = os.environ["WIRELAB_KEY"], os.environ["WIRELAB_VALUE"]
    for command in (["SET", key, value], ["GET", key]):
        for _ in range(4):
            reply = node.call(*command)
            if not isinstance(reply, tuple):
                break
            word, _, address = reply[1].split(" ")[:3]
            if word not in ("MOVED", "ASK"):
                raise SystemExit(reply[1])
            node = Node(onward(*split(address)))
            node.login()
            if word == "ASK":
                expect(node.call("ASKING"))
    if expect(reply) != value.encode():
        raise SystemExit("GET returned another value than the one that was SET")


def plain(host, port):
    return socket.create_connection((host, port), timeout=5)


def tls(context, host, port, name=None):
    """TLS, where the client uses it at all; checks the announced name unless told another."""
    if not _redis.TLS:
        return plain(host, port)
    return context.wrap_socket(plain(host, port), server_hostname=name or host)
