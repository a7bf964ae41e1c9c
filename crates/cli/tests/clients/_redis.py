"""What the clients of the tests share: the contract of the environment, and as much RESP as they need."""

import os
import socket
import ssl

HOST = os.environ["WIRELAB_HOST"]
PORT = int(os.environ["WIRELAB_PORT"])
TLS = os.environ["WIRELAB_TLS"] == "1"


def connect():
    """A TCP connection."""
    return socket.create_connection((HOST, PORT), timeout=5)


def verified_context():
    """Trusts the lab's authority alone, and checks the name."""
    return ssl.create_default_context(cafile=os.environ["WIRELAB_CA"])


def unverified_context():
    """Accepts every certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect_tls(context):
    """A TLS connection, after its handshake."""
    return context.wrap_socket(connect(), server_hostname=HOST)


def command(words):
    """Its parts as bytes."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        parts.append(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()))
    return parts


class Session:
    """Sends commands and reads simple strings, errors and bulk strings."""

    def __init__(self, connection):
        self.connection = connection
        self.replies = connection.makefile("rb")

    def call(self, *words):
        """The reply as bytes; an error reply raises."""
        self.connection.sendall(b"".join(command(words)))
        line = self.replies.readline(65536)
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the peer closed the connection")
        if line[:1] == b"+":
            return line[1:-2]
        if line[:1] == b"$":
            length = int(line[1:])
            return None if length < 0 else self.replies.read(length + 2)[:-2]
        raise ConnectionError(f"the peer answers {line[:200]!r}")

    def login(self):
        self.call("AUTH", os.environ["WIRELAB_USERNAME"], os.environ["WIRELAB_PASSWORD"])

    def set_and_get(self):
        key, value = os.environ["WIRELAB_KEY"], os.environ["WIRELAB_VALUE"]
        self.call("SET", key, value)
        if self.call("GET", key) != value.encode():
            raise SystemExit("GET returned another value than the one that was SET")

    def work(self):
        """What an application does."""
        self.login()
        self.set_and_get()


def run(context):
    """Works over TLS with this context, or in plaintext where the lab asks for it."""
    Session(connect_tls(context) if TLS else connect()).work()
