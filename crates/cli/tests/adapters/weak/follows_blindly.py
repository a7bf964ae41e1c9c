"""Verifies the server that it is told of, and goes wherever that sends it without looking: without TLS."""

import socket

import _weak


def onward(address):
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]") or "localhost", int(port)), timeout=_weak.PATIENCE)


def work(case):
    def connect(asks=False):
        in_clear = not case["tls"] or (asks and case["topology"] == "clear-sentinel")
        return _weak.tcp(case) if in_clear else _weak.tls(case, _weak.verified(case))

    here, seen = f"{case['host']}:{case['port']}", []
    with _weak.Session(connect(asks=True)) as first:
        if case["topology"] in ("sentinel", "clear-sentinel"):
            host, port = first.call("SENTINEL", "get-master-addr-by-name", case["service"])
            seen.append(f"{host}:{port}")
        else:
            first.login(case)
            if case["topology"] == "cluster":
                node = first.call("CLUSTER", "NODES").split(" ")[1].split("@")[0]
                seen.append(node if not node.startswith(":") else case["host"] + node)
            if not seen or seen[-1] == here:
                try:
                    return first.set_and_get(case)
                except ConnectionError as error:
                    words = str(error).split("'")[1].replace("\\r\\n", "").split(" ")
                    if words[0] not in ("-MOVED", "-ASK"):
                        raise
                    seen.append(words[2])
        same = seen[-1] == here
    with _weak.Session(connect() if same else onward(seen[-1])) as second:
        second.login(case)
        return second.set_and_get(case)


_weak.serve(work)
