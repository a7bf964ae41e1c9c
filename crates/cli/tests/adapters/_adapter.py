"""What the adapters of the tests share: the protocol, and as much RESP as they need."""

import json
import socket
import ssl
import sys


def say(line):
    print(json.dumps(line), flush=True)


def hello(**other):
    say({"protocol": 1, "adapter": "fixture", "library": "none", "version": "1.0.0",
         "runtime": "Python", **other})


def cases():
    """One case after the other, until standard input ends."""
    return (json.loads(line) for line in sys.stdin)


def context(case):
    """Trusts the lab's authority alone, and checks the name; or nothing, where the lab asks for that."""
    if case["verify"]:
        return ssl.create_default_context(cafile=case["ca"])
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    return unverified


def connect(case, context=context):
    """A connection, with TLS where the case says so."""
    raw = socket.create_connection((case["host"], case["port"]), timeout=3)
    try:
        return context(case).wrap_socket(raw, server_hostname=case["host"]) if case["tls"] else raw
    except Exception:
        raw.close()
        raise


def exchange(connection, case):
    """Logs in, SETs, GETs. Returns the value."""
    with connection.makefile("rb") as replies:

        def call(*words):
            parts = [f"*{len(words)}\r\n"] + [f"${len(word)}\r\n{word}\r\n" for word in words]
            connection.sendall("".join(parts).encode())
            line = replies.readline(65536)
            if line[:1] == b"$":
                return replies.read(int(line[1:]) + 2)[:-2].decode()
            if line[:1] != b"+":
                raise ConnectionError(f"the peer answers {line[:200]!r}")

        call("AUTH", case["username"], case["password"])
        call("SET", case["key"], case["value"])
        return call("GET", case["key"])


def work(case, context=context):
    """What a library does with a new connection. Returns the value."""
    with connect(case, context) as connection:
        return exchange(connection, case)


def attempt(case, context=context):
    """The answer to a case, as the protocol asks for it."""
    try:
        received = work(case, context)
    except Exception as error:
        return {"id": case["id"], "outcome": "failed", "received": None, "error": repr(error)}
    return {"id": case["id"], "outcome": "worked", "received": received}


def run(answer):
    """Answers each case."""
    hello()
    for case in cases():
        say(answer(case))
