"""What the weak adapters share: a session over a connection that each of them makes in its own way."""

import os
import socket
import ssl
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import _adapter  # noqa: E402

PATIENCE = 2
# Longest string, longest array, and how deep they may be nested.
MOST = 65536
DEEPEST = 8


def tcp(case):
    return socket.create_connection((case["host"], case["port"]), timeout=PATIENCE)


def tls(case, context):
    """A connection after its handshake."""
    raw = tcp(case)
    try:
        return context.wrap_socket(raw, server_hostname=case["host"])
    except Exception:
        raw.close()
        raise


def verified(case):
    """Trusts the lab's authority alone, and checks the name; or nothing, where the lab asks for that."""
    return _adapter.context(case)


def unverified():
    return _adapter.context({"verify": False})


def ignoring(case, errors):
    """Verifies, and goes on all the same where the fault is one of these: what a callback does that looks at
    the error and returns true. The numbers are those of openssl/x509_vfy.h."""
    try:
        return tls(case, verified(case))
    except ssl.SSLCertVerificationError as error:
        if error.verify_code not in errors:
            raise
        return tls(case, unverified())


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.replies = connection.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.replies.close()
        self.connection.close()

    def call(self, *words):
        parts = [f"*{len(words)}\r\n"] + [f"${len(word)}\r\n{word}\r\n" for word in words]
        self.connection.sendall("".join(parts).encode())
        return self.reply()

    def reply(self, depth=0):
        line = self.replies.readline(65536)
        if line[:1] in b"$*" and not -1 <= int(line[1:]) <= MOST or depth > DEEPEST:
            raise ConnectionError(f"the peer answers {line[:200]!r}, which is too much")
        if line[:1] == b"$":
            return self.replies.read(int(line[1:]) + 2)[:-2].decode()
        if line[:1] == b"*":
            return [self.reply(depth + 1) for _ in range(int(line[1:]))]
        if line[:1] != b"+":
            raise ConnectionError(f"the peer answers {line[:200]!r}")
        return None

    def login(self, case):
        self.call("AUTH", case["username"], case["password"])

    def set_and_get(self, case):
        self.call("SET", case["key"], case["value"])
        return self.call("GET", case["key"])


def work(case, connect, kind=Session):
    with kind(connect(case) if case["tls"] else tcp(case)) as session:
        session.login(case)
        return session.set_and_get(case)


def serve(work):
    """Answers each case with what `work(case)` returns or raises."""

    def answer(case):
        try:
            received = work(case)
        except Exception as error:
            return {"id": case["id"], "outcome": "failed", "received": None, "error": repr(error)}
        return {"id": case["id"], "outcome": "worked", "received": received}

    _adapter.run(answer)


def run(connect, kind=Session):
    """The session of every client, over TLS as `connect(case)` makes it."""
    serve(lambda case: work(case, connect, kind))
