#!/usr/bin/env python3
"""Makes the captures of this folder, one hard thing each. Python's standard library and openssl; run it here:

    python3 make.py

Times and addresses are fixed, so that the files come out the same each time (but tls-*, whose keys are random).
"""

import gzip
import ssl
import struct
import subprocess
import tempfile
from pathlib import Path

CLIENT, SERVER = ("127.0.0.1", 40000), ("127.0.0.1", 6379)
START = 1_700_000_000_000_000_000
ETHERNET, NULL, RAW, LOOP, SLL, SLL2 = 1, 0, 101, 108, 113, 276


def command(*words):
    words = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def address(text):
    if ":" in text:
        return bytes(15) + b"\x01"
    return bytes(int(part) for part in text.split("."))


def tcp(source, destination, seq, ack, flags, payload):
    # Checksum 0: cards fill it in after the capture.
    return struct.pack(">HHIIBBHHH", source, destination, seq % 2**32, ack % 2**32, 0x50, flags, 65535, 0, 0) + payload


def ipv4(source, destination, payload, identification=0, offset=0, more=False, options=b"", protocol=6):
    head = 5 + len(options) // 4
    return struct.pack(
        ">BBHHHBBH4s4s", 0x40 | head, 0, head * 4 + len(payload), identification, more << 13 | offset // 8, 64, protocol, 0,
        address(source), address(destination),
    ) + options + payload


def ipv6(payload, header=6, extension=b""):
    loopback = bytes(15) + b"\x01"
    return struct.pack(">IHBB16s16s", 6 << 28, len(extension) + len(payload), header, 64, loopback, loopback) + extension + payload


def link(kind, packet, tags=b""):
    protocol = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return {
        ETHERNET: bytes(12) + tags + protocol + packet,
        NULL: struct.pack("<I", 2) + packet,
        LOOP: struct.pack(">I", 2) + packet,
        RAW: packet,
        SLL: bytes(14) + protocol + packet,
        SLL2: protocol + bytes(18) + packet,
    }[kind]


class Talk:
    """A connection: what is said becomes TCP segments; frames can be taken away or moved before they are written."""

    def __init__(self, client=CLIENT, server=SERVER, seq=1000, opens=True):
        self.client, self.server = client, server
        self.next = {"c": seq, "s": 5000}
        self.segments = []
        if opens:
            self.add("c", b"", flags=2)
            self.add("s", b"", flags=0x12)
            self.add("c", b"")

    def add(self, who, payload, flags=0x10, seq=None, keep=True):
        a, b = (self.client, self.server) if who == "c" else (self.server, self.client)
        ack = self.next["s" if who == "c" else "c"]
        at = self.next[who] if seq is None else seq
        if keep:
            self.segments.append((a, b, tcp(a[1], b[1], at, ack, flags, payload)))
        if seq is None:
            self.next[who] += len(payload) + bool(flags & 3)
        return self

    def c(self, payload, **more):
        return self.add("c", payload, **more)

    def s(self, payload, **more):
        return self.add("s", payload, **more)

    def end(self):
        return self.c(b"", flags=0x11).s(b"", flags=0x11).c(b"")

    def packets(self):
        return [ipv4(a[0], b[0], segment) for a, b, segment in self.segments]


def pcap(name, frames, kind=ETHERNET, nano=False, big=False, snap=262144):
    order = ">" if big else "<"
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, kind)
    for index, frame in enumerate(frames):
        time = START + index * 1_000_000
        kept = frame[:snap]
        out += struct.pack(order + "IIII", time // 10**9, time % 10**9 // (1 if nano else 1000), len(kept), len(frame)) + kept
    Path(name).write_bytes(out)


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(kind, order="<", snap=0):
    return block(1, struct.pack(order + "HHI", kind, 0, snap), order)


def enhanced(number, index, frame, order="<"):
    time = (START + index * 1_000_000) // 1000
    return block(6, struct.pack(order + "IIIII", number, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame)) + frame, order)


def ethernet(packets, tags=b""):
    return [link(ETHERNET, packet, tags) for packet in packets]


def session(**more):
    """AUTH refused, AUTH taken, SET, GET."""
    talk = Talk(**more)
    talk.c(command("AUTH", "bob", "wrong")).s(b"-WRONGPASS no\r\n").c(command("AUTH", "bob", "s3cret")).s(b"+OK\r\n")
    return talk.c(command("SET", "k", "v")).s(b"+OK\r\n").c(command("GET", "k")).s(b"$1\r\nv\r\n").end()


def main():
    plain = session().packets()
    pcap("plain.pcap", ethernet(plain))
    pcap("nano-big-endian.pcap", ethernet(plain), nano=True, big=True)
    pcap("vlan.pcap", ethernet(plain, b"\x81\x00\x00\x05"))
    pcap("qinq.pcap", ethernet(plain, b"\x88\xa8\x00\x06\x81\x00\x00\x05"))
    for name, kind in [("null", NULL), ("loop", LOOP), ("raw", RAW), ("sll", SLL), ("sll2", SLL2)]:
        pcap(f"{name}.pcap", [link(kind, packet) for packet in plain], kind)
    segments = [segment for _, _, segment in session().segments]
    pcap("ipv6.pcap", ethernet([ipv6(segment) for segment in segments]))
    hop_by_hop = bytes([6, 0, 1, 4, 0, 0, 0, 0])
    pcap("ipv6-extension.pcap", ethernet([ipv6(segment, 0, hop_by_hop) for segment in segments]))
    pcap("ipv4-options.pcap", ethernet([ipv4("127.0.0.1", "127.0.0.1", segment, options=b"\x01\x01\x01\x00") for segment in segments]))

    long = Talk().c(command("SET", "k", "v" * 200)).c(command("AUTH", "pw")).s(b"+OK\r\n+OK\r\n")
    pieces = []
    for number, (a, b, segment) in enumerate(long.segments):
        cuts = [segment[at:at + 48] for at in range(0, len(segment), 48)]
        parts = [ipv4(a[0], b[0], cut, number + 1, at * 48, at + 1 < len(cuts)) for at, cut in enumerate(cuts)]
        pieces += reversed(parts)
    pcap("ipv4-fragments.pcap", ethernet(pieces))
    pieces = []
    for number, (_, _, segment) in enumerate(long.segments):
        cuts = [segment[at:at + 48] for at in range(0, len(segment), 48)]
        for at, cut in enumerate(cuts):
            pieces.append(ipv6(cut, 44, struct.pack(">BBHI", 6, 0, at * 48 | (at + 1 < len(cuts)), number + 1)))
    pcap("ipv6-fragments.pcap", ethernet(pieces))

    pipeline = b"".join(command("SET", f"key{n}", "v" * n) for n in range(13))
    talk = Talk()
    for at in range(0, len(pipeline), 37):
        talk.c(pipeline[at:at + 37])
    pcap("pipeline.pcap", ethernet(talk.s(b"+OK\r\n" * 13).end().packets()))
    talk = Talk()
    for byte in command("AUTH", "bob", "s3cret") + command("PING"):
        talk.c(bytes([byte]))
    for byte in b"+OK\r\n+PONG\r\n":
        talk.s(bytes([byte]))
    pcap("one-byte-segments.pcap", ethernet(talk.end().packets()))
    value = command("SET", "k", "x" * 30000)
    talk = Talk()
    for at in range(0, len(value), 1448):
        talk.c(value[at:at + 1448])
    pcap("long-value.pcap", ethernet(talk.s(b"+OK\r\n").end().packets()))

    commands = b"".join(command("GET", f"k{n}") for n in range(5))
    talk = Talk()
    for at in range(0, len(commands), 20):
        talk.c(commands[at:at + 20])
    mixed = talk.s(b"$-1\r\n" * 5).end().packets()
    mixed[4:9] = [mixed[7], mixed[4], mixed[8], mixed[6], mixed[5]]
    pcap("out-of-order.pcap", ethernet(mixed))
    pcap("every-packet-twice.pcap", ethernet([packet for packet in plain for _ in range(2)]))
    talk = Talk()
    first = command("SET", "k", "v")
    talk.c(first).c(first, seq=1001).c(first[10:] + command("PING"), seq=1011)
    talk.next["c"] += len(command("PING"))
    talk.c(b"\0", seq=talk.next["c"] - 1).s(b"+OK\r\n+PONG\r\n").c(command("GET", "k")).s(b"$1\r\nv\r\n").end()
    pcap("retransmission-and-keep-alive.pcap", ethernet(talk.packets()))
    pcap("sequence-wrap.pcap", ethernet(session(seq=2**32 - 40).packets()))
    talk = Talk().c(command("GET", "yours")).c(command("GET", "mine!"), seq=1001).s(b"$1\r\nv\r\n").end()
    pcap("conflicting-overlap.pcap", ethernet(talk.packets()))
    talk = Talk().c(command("PING")).s(b"+PONG\r\n").c(b"", flags=0x14).c(command("AUTH", "late"))
    pcap("data-after-reset.pcap", ethernet(talk.packets()))
    pcap("port-reuse.pcap", ethernet(session().packets() + Talk(seq=900000).c(command("GET", "second")).s(b"$-1\r\n").end().packets()))
    talk = Talk(opens=False).c(b"rest of a value\r\n" + command("GET", "a")).s(b"$1\r\n1\r\n").c(command("AUTH", "pw")).s(b"+OK\r\n")
    pcap("mid-stream.pcap", ethernet(talk.packets()))
    pcap("client-only.pcap", ethernet([packet for packet in plain if packet[20:22] == struct.pack(">H", 40000)]))

    value = command("SET", "k", "v" * 400)
    for name, lost in [("gap-in-value", (100, 150)), ("gap-in-header", (len(value) - 5, len(value) + 6))]:
        stream = value + command("GET", "a") + command("GET", "b") + command("GET", "c")
        talk = Talk().c(stream[:lost[0]]).c(stream[lost[0]:lost[1]], keep=False).c(stream[lost[1]:]).s(b"+OK\r\n" + b"$-1\r\n" * 3).end()
        pcap(f"{name}.pcap", ethernet(talk.packets()))
    talk = Talk().c(command("SET", "k", "v" * 400)).s(b"+OK\r\n").c(command("GET", "k")).s(b"$-1\r\n").end()
    pcap("snap-length-128.pcap", ethernet(talk.packets()), snap=128)

    talk = Talk().c(command("HELLO", "3", "AUTH", "bob", "s3cret", "SETNAME", "me"))
    talk.s(b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n").c(command("COMMAND") + command("GET", "k"))
    talk.s(b"|1\r\n+ttl\r\n:9\r\n*7\r\n#t\r\n,3.25\r\n(12345678901234567890\r\n_\r\n=8\r\ntxt:text\r\n~1\r\n+a\r\n!7\r\nERR bad\r\n")
    talk.s(b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n$3\r\n\xff\x00\xfe\r\n").end()
    pcap("resp3.pcap", ethernet(talk.packets()))
    talk = Talk().c(b"AUTH s3cret\r\nSET k \"a b\\n\\xff\" EX 10\r\n").c(b"GE").c(b"T 'k'\n").s(b"+OK\r\n+OK\r\n$5\r\na b\n\xff\r\n").end()
    pcap("inline.pcap", ethernet(talk.packets()))
    inner = command("AUTH", "bob", "no-secret")
    whole = command("SET", "k", inner)
    at = whole.index(inner)
    pcap("value-holds-auth.pcap", ethernet(Talk().c(whole).s(b"+OK\r\n").end().packets()))
    pcap("value-holds-auth-aligned.pcap", ethernet(Talk().c(whole[:at]).c(whole[at:]).s(b"+OK\r\n").end().packets()))

    for name, payload in [("rdb", b"$25\r\nREDIS0011\r\n*1\r\n$4\r\nPING\r\n"), ("rdb-eof", b"$EOF:" + b"m" * 40 + b"\r\nREDIS*1\r\n$4\r\n" + b"m" * 40)]:
        talk = Talk().c(command("AUTH", "master-pw")).s(b"+OK\r\n").c(command("PSYNC", "?", "-1")).s(b"+FULLRESYNC " + b"a" * 40 + b" 0\r\n")
        talk.s(b"\n\n" + payload[:9]).s(payload[9:] + command("SELECT", "0") + command("SET", "k", "v")).c(command("REPLCONF", "ACK", "7")).s(command("PING")).end()
        pcap(f"replica-{name}.pcap", ethernet(talk.packets()))
    pcap("cluster-bus.pcap", ethernet(Talk(server=("127.0.0.1", 16379)).c(b"RCmb\0\0\x01\0" + bytes(60)).end().packets()))
    talk = Talk().c(command("PING") + b"*1\r\n" * 15000).s(b"+PONG\r\n*1000000000\r\n:1\r\n").end()
    pcap("deep-and-endless.pcap", ethernet(talk.packets()))
    talk = Talk().c(command("CLIENT", "REPLY", "SKIP") + command("SET", "a", "1") + command("GET", "a") + command("CLIENT", "REPLY", "OFF") + command("SET", "a", "2"))
    talk.s(b"$1\r\n1\r\n").c(command("CLIENT", "REPLY", "ON") + command("GET", "a")).s(b"+OK\r\n$1\r\n2\r\n").end()
    pcap("client-reply.pcap", ethernet(talk.packets()))
    talk = Talk().c(command("SUBSCRIBE", "news", "sport")).s(b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nsport\r\n:2\r\n")
    talk.s(b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n").c(command("PING")).s(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n").end()
    monitor = Talk(client=("127.0.0.1", 40001)).c(command("MONITOR")).s(b"+OK\r\n").s(b"+1700000000.000001 [0 127.0.0.1:1] \"GET\" \"k\"\r\n").c(command("QUIT")).s(b"+OK\r\n").end()
    pcap("pubsub-and-monitor.pcap", ethernet(talk.packets() + monitor.packets()))
    talk = Talk().c(command("MULTI") + command("INCR", "n") + command("EXEC")).s(b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n").c(command("BLPOP", "q", "1")).s(b"*-1\r\n").end()
    pcap("transaction-and-blocking.pcap", ethernet(talk.packets()))

    # Credentials within transactions: taken, refused, refused as a whole, given up; what CONFIG REWRITE writes.
    talk = Talk().c(b"".join(command(*words.split()) for words in [
        "MULTI", "AUTH bob no", "GET k", "AUTH bob pw", "CONFIG GET requirepass", "EXEC",
        "MULTI", "AUTH late", "NOSUCH", "EXEC", "MULTI", "AUTH never", "DISCARD",
        "CONFIG SET requirepass new", "CONFIG SET requirepass long", "CONFIG REWRITE"]))
    talk.s(b"+OK\r\n" + b"+QUEUED\r\n" * 4 + b"*4\r\n-WRONGPASS no\r\n$1\r\nv\r\n+OK\r\n*2\r\n$11\r\nrequirepass\r\n$3\r\nold\r\n")
    talk.s(b"+OK\r\n+QUEUED\r\n-ERR unknown command\r\n-EXECABORT discarded\r\n+OK\r\n+QUEUED\r\n+OK\r\n")
    talk.s(b"+OK\r\n-ERR too long\r\n+OK\r\n").end()
    pcap("transaction-credentials.pcap", ethernet(talk.packets()))

    secrets = [
        command("AUTH", "one"), command("AUTH", "bob", "two"), command("HELLO", "3", "AUTH", "bob", "three"),
        command("ACL", "SETUSER", "eve", "on", ">four", "#" + "5" * 64), command("CONFIG", "SET", "requirepass", "six"),
        command("CONFIG", "SET", "masterauth", "seven", "tls-key-file-pass", "eight"), command("CONFIG", "GET", "requirepass"),
        command("MIGRATE", "h", "1", "k", "0", "5", "AUTH", "ten"), command("MIGRATE", "h", "1", "", "0", "5", "AUTH2", "bob", "eleven", "KEYS", "k"),
        command("SENTINEL", "SET", "mymaster", "auth-pass", "twelve"), command("EVAL", "return redis.call('CONFIG','SET','requirepass','thirteen')", "0"),
        b"AUTH fourteen\r\n",
    ]
    replies = b"-WRONGPASS no\r\n+OK\r\n%1\r\n+proto\r\n:3\r\n" + b"+OK\r\n" * 3 + b"*2\r\n$11\r\nrequirepass\r\n$4\r\nnine\r\n" + b"+OK\r\n" * 5
    pcap("credentials.pcap", ethernet(Talk().c(b"".join(secrets)).s(replies).end().packets()))
    mail = Talk(server=("127.0.0.1", 110)).s(b"+OK POP3 ready\r\n").c(b"USER bob\r\n").s(b"+OK\r\n").c(b"PASS AUTH\r\n").s(b"-ERR no\r\n").end()
    web = Talk(client=("127.0.0.1", 40001), server=("127.0.0.1", 80)).c(b"GET / HTTP/1.1\r\nHost: AUTH\r\n\r\n").s(b"HTTP/1.1 200 OK\r\n\r\n*1\r\n").end()
    pcap("other-protocols.pcap", ethernet(mail.packets() + web.packets()))

    leaks = [
        ("user:1", "{\"email\":\"ada@example.com\",\"card\":\"4111 1111 1111 1111\",\"iban\":\"DE89 3704 0044 0532 0130 00\"}"),
        ("auth:1", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmU"),
        ("cloud", "AKIAIOSFODNN7EXAMPLA"), ("order:17", "4111111111111112 2024-01-02T03:04:05Z 7f9c2ba4-e88f-11ee-b4a8-0242ac120002"),
    ]
    talk = Talk().c(b"".join(command("SET", key, value) for key, value in leaks)).s(b"+OK\r\n" * len(leaks))
    talk.c(command("GET", "user:1")).s(b"$%d\r\n%s\r\n" % (len(leaks[0][1]), leaks[0][1].encode())).end()
    pcap("data-classes.pcap", ethernet(talk.packets()))
    three = section() + interface(ETHERNET) + interface(RAW) + interface(SLL)
    for index, packet in enumerate(plain):
        number, kind = [(0, ETHERNET), (1, RAW), (2, SLL)][index % 3]
        three += enhanced(number, index, link(kind, packet))
    Path("three-interfaces.pcapng").write_bytes(three)
    half = len(plain) // 2
    both = b""
    for order, begin, part in [(">", 0, plain[:half]), ("<", half, plain[half:])]:
        both += section(order) + interface(RAW, order)
        both += b"".join(enhanced(0, begin + index, packet, order) for index, packet in enumerate(part))
    Path("two-sections.pcapng").write_bytes(both)
    simple = section() + interface(RAW)
    simple += b"".join(block(3, struct.pack("<I", len(packet)) + packet) for packet in plain)
    Path("simple-packets.pcapng").write_bytes(simple)
    whole = Path("plain.pcap").read_bytes()
    Path("cut.pcap").write_bytes(whole[:-30])
    Path("packed.pcap.gz").write_bytes(gzip.compress(whole, mtime=0))
    tls()


def tls():
    """TLS 1.3 and 1.2 on 6379, its hello cut into small segments; and plaintext first, then TLS."""
    with tempfile.TemporaryDirectory() as folder:
        key, cert = f"{folder}/key.pem", f"{folder}/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                        "-out", cert, "-subj", "/CN=redis.example", "-days", "1"], check=True, capture_output=True)
        for name, version, step in [("tls13", ssl.TLSVersion.TLSv1_3, 97), ("tls12", ssl.TLSVersion.TLSv1_2, 1400)]:
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(cert, key)
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            server.minimum_version = client.minimum_version = server.maximum_version = client.maximum_version = version
            pcap(f"{name}.pcap", ethernet(handshake(Talk(), client, server, step).packets()))
        talk = Talk().c(command("PING")).s(b"+PONG\r\n")
        pcap("plaintext-then-tls.pcap", ethernet(handshake(talk, client, server, 1400).packets()))


def handshake(talk, client_context, server_context, step):
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="redis.example")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)

    class Done(Exception):
        pass

    def move(source, side):
        data = source.read()
        for at in range(0, len(data), step):
            side(data[at:at + step])
        return data

    pending = {"c": client.do_handshake, "s": server.do_handshake}
    for _ in range(6):
        for who in ("c", "s"):
            try:
                if pending[who]:
                    pending[who]()
                    pending[who] = None
            except ssl.SSLWantReadError:
                pass
            if who == "c":
                to_server.write(move(to_server, talk.c)) if to_server.pending else None
            else:
                to_client.write(move(to_client, talk.s)) if to_client.pending else None
    client.write(command("AUTH", "hidden"))
    to_server.write(move(to_server, talk.c))
    server.read(100)
    server.write(b"+OK\r\n")
    to_client.write(move(to_client, talk.s))
    client.read(100)
    return talk.end()


if __name__ == "__main__":
    main()
