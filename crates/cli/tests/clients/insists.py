"""Accepts every certificate, and tries whatever it can think of to log in: HELLO, AUTH, AUTH without its user,
and once more where it is told that it is not logged in."""

import os

import _redis

USER, PASSWORD = os.environ["WIRELAB_USERNAME"], os.environ["WIRELAB_PASSWORD"]
WAYS = [("HELLO", "2", "AUTH", USER, PASSWORD), ("AUTH", USER, PASSWORD), ("AUTH", PASSWORD)]


class Session(_redis.Session):
    """Errors and arrays are values."""

    def read(self):
        line = self.replies.readline(65536)
        if line[:1] == b"*":
            return [self.read() for _ in range(int(line[1:]))]
        if line[:1] == b"$":
            return self.replies.read(int(line[1:]) + 2)[:-2]
        if not line:
            raise SystemExit("the peer closed the connection")
        return line

    def call(self, *words):
        parts = [f"*{len(words)}\r\n"] + [f"${len(word)}\r\n{word}\r\n" for word in words]
        self.connection.sendall("".join(parts).encode())
        return self.read()


connection = _redis.connect_tls(_redis.unverified_context()) if _redis.TLS else _redis.connect()
session = Session(connection)


def log_in():
    for way in WAYS:
        reply = session.call(*way)
        if reply[:1] != b"-":
            return
    raise SystemExit("no way to log in")


log_in()
key, value = os.environ["WIRELAB_KEY"], os.environ["WIRELAB_VALUE"]
if session.call("SET", key, value)[:7] == b"-NOAUTH":
    log_in()
    session.call("SET", key, value)
if session.call("GET", key) != value.encode():
    raise SystemExit("GET returned another value than the one that was SET")
