#!/usr/bin/env python3
"""Drives the adapters in registry.toml through good and forged servers and prints what each said.

    check.py [--setup] [--verbose] [NAME...]      a NAME may be the start of several: redis-py

Exit 1: an adapter breaks the protocol, or does not get through to the good server. Other answers are compared with
`KNOWN` below, and a difference is marked with `!`.
"""

import argparse
import json
import os
import pathlib
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib

from check_servers import PASSWORD, SERVICE, Servers, make_certificates

HERE = pathlib.Path(__file__).resolve().parent

# name -> (server, what differs from the good case, what a careful client says)
CASES = {
    "good": ("good", {}, "worked"),
    "evil": ("evil", {}, "failed"),
    "cnonly": ("cnonly", {}, "worked"),
    "self": ("self", {}, "failed"),
    "otherca": ("otherca", {}, "failed"),
    "expired": ("expired", {}, "failed"),
    "clienteku": ("clienteku", {}, "failed"),
    "ip": ("good", {"host": "127.0.0.1"}, "failed"),
    "goodip": ("goodip", {"host": "127.0.0.1"}, "worked"),
    "insecure": ("otherca", {"verify": False}, "worked"),
    "password": ("good", {"password": "wrong"}, "failed"),
    "plain": ("plaintext", {"tls": False}, "worked"),
    "silent": ("silent", {"deadline_ms": 3000}, "failed"),
    "nocert": ("mutual", {}, "failed"),
    "mutual": ("mutual", {"certificate": True}, "worked"),
    "cluster": ("cluster", {"topology": "cluster"}, "worked"),
    "sentinel": ("sentinel", {"topology": "sentinel"}, "worked"),
    "clear": ("clear", {"topology": "clear-sentinel"}, "worked"),
    "unknown": ("good", {"topology": "a-topology-of-later"}, "unsupported"),
    "again": ("good", {}, "worked"),
    "keep": ("good", {"client": "keep"}, "worked"),
    "kept": ("good", {"client": "kept"}, "worked"),
}
MUST_WORK = {"good", "goodip", "again", "keep", "kept"}
SHORT = {"worked": "ok", "failed": "refuse", "unsupported": "-", "hung": "hung", "ended": "ended"}

# Start of a name -> the cases in which it is known to differ from a careful client. The longest start counts.
KNOWN = {
    "redis-cli": {
        "evil": "worked", "ip": "worked", "sentinel": "unsupported", "clear": "unsupported", "silent": "hung"},
    "redis-py-5.2.1": {"evil": "worked", "ip": "worked"},
    "stackexchange-redis-2.7.27": {"self": "worked", "otherca": "worked", "clienteku": "worked"},
    "stackexchange-redis-2.6.96": {"self": "worked", "otherca": "worked", "clienteku": "worked"},
    "stackexchange-redis-3.4.35-accept-any": {
        name: "worked" for name in ("evil", "self", "otherca", "expired", "clienteku", "ip")},
    "stackexchange-redis-3.4.35-ignore-chain": {
        name: "worked" for name in ("self", "otherca", "expired", "clienteku")},
    "stackexchange-redis-3.4.35-ignore-name": {"evil": "worked", "ip": "worked"},
    "aspnetcore-cache-10.0.15": {"self": "worked", "otherca": "worked", "clienteku": "worked"},
    "aspnetcore-cache-10.0.15-with-3.4.35": {},
    # It looks the name up and compares the certificate with the address.
    "freeredis": {name: "failed" for name in ("good", "again", "keep", "kept", "cnonly")},
    # Its cluster mode throws a NullReferenceException here. It speaks no TLS to Sentinels, and none to the masters that they
    # name until it has logged in there: where those take TLS only, it does that again and again until its stack overflows.
    "csredis": {
        "insecure": "unsupported", "mutual": "unsupported", "cluster": "failed", "sentinel": "unsupported", "clear": "ended",
        "silent": "hung"},
    "go-redis": {"cnonly": "failed"},
    "phpredis": {},
    "phpredis-seeds": {
        "insecure": "unsupported", "mutual": "unsupported", "cluster": "failed", "clear": "unsupported"},
    # It never logs in at Sentinels.
    "predis": {"sentinel": "failed"},
    "predis-seeds": {"sentinel": "failed", "clear": "unsupported"},
    "fred": {"cnonly": "failed", "insecure": "unsupported"},
    "jedis-8.0.2-ssl": {"insecure": "unsupported"},
    "jedis-7.4.0-ssl": {"insecure": "unsupported", "evil": "worked", "ip": "worked"},
    "node-redis-6.3.1-seeds": {"cluster": "failed", "clear": "unsupported"},
    "node-redis-4.7.1": {"sentinel": "unsupported", "clear": "unsupported"},
    "ioredis-6.0.0-seeds": {"cluster": "failed", "sentinel": "failed", "clear": "unsupported"},
}

# Starts of the names of those that have one setting of TLS for Sentinels and data nodes.
ONE_SETTING = ("stackexchange-redis", "aspnetcore-cache", "nredisstack", "go-redis", "fred", "redis-rb")


class Broken(Exception):
    """The adapter did what the protocol forbids."""


class Ended(Broken):
    """The adapter's process ended in the midst of a case."""


class Hung(Exception):
    """The adapter says nothing: its library hangs."""


class Adapter:
    """One running adapter."""

    def __init__(self, client, log):
        folder = HERE / client["folder"]
        program = client["run"][0]
        if "/" in program:
            program = str(folder / program)
        self.process = subprocess.Popen(
            [program, *client["run"][1:]], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            start_new_session=True)
        self.buffer = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.hello = self.line(60)

    def line(self, seconds):
        """The next line as JSON, or an error where none comes in time."""
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            if not self.selector.select(max(0, end - time.monotonic())):
                raise Hung(f"no line within {seconds} s")
            block = os.read(self.process.stdout.fileno(), 65536)
            if not block:
                raise Ended("it ended")
            self.buffer += block
        line, self.buffer = self.buffer.split(b"\n", 1)
        try:
            return json.loads(line)
        except ValueError:
            raise Broken(f"a line that is no JSON: {line[:200]!r}") from None

    def ask(self, case):
        try:
            self.process.stdin.write(json.dumps(case).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Ended("it ended") from None
        answer = self.line(case["deadline_ms"] / 1000 + 2)
        if self.buffer or self.selector.select(0):
            raise Broken("it wrote more than its answer, or ended")
        outcome = answer.get("outcome")
        if answer.get("id") != case["id"] or outcome not in ("worked", "failed", "unsupported"):
            raise Broken(f"an answer with a wrong id or outcome: {answer}")
        if (outcome == "worked") != (answer.get("received") == case["value"]):
            raise Broken(f"outcome and value contradict each other: {answer}")
        if outcome != "worked" and not answer.get("error"):
            raise Broken(f"no error text: {answer}")
        return answer

    def leave(self):
        """Closes its input: it must end by itself, and say nothing more."""
        self.process.stdin.close()
        if not self.selector.select(5) or os.read(self.process.stdout.fileno(), 1):
            raise Broken("it did not end, or wrote more, after its input had ended")

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def case_line(client, number, name, servers):
    server, changes, _ = CASES[name]
    changes = dict(changes)
    folder, port = servers.folder, servers.ports[server]
    certificate = changes.pop("certificate", False)
    case = {
        "id": number, "host": "localhost", "port": port, "tls": True, "verify": True, "ca": f"{folder}/ca.crt",
        "client_cert": f"{folder}/client.crt" if certificate else None,
        "client_key": f"{folder}/client.key" if certificate else None,
        "client_pfx": f"{folder}/client.pfx" if certificate else None,
        "username": "default", "password": PASSWORD, "key": f"check:{client}:{number}",
        "value": f"value \"{number}\" of {name}",
        "topology": "standalone", "service": SERVICE, "client": "new", "deadline_ms": 6000, "a_field_of_later": True, **changes,
    }
    scheme = "rediss" if case["tls"] else "redis"
    case["url"] = f"{scheme}://{case['username']}:{case['password']}@{case['host']}:{port}"
    case["stackexchange"] = (f"{case['host']}:{port},user={case['username']},password={case['password']},"
                             f"ssl={str(case['tls']).lower()}")
    return case


def known(client, name):
    if name == "clear" and client.startswith(ONE_SETTING):
        return "unsupported"
    start = max((start for start in KNOWN if client.startswith(start)), key=len, default=None)
    return KNOWN.get(start, {}).get(name, CASES[name][2])


def check(client, servers, verbose):
    """The cells of the client's row, and what it did wrong."""
    cells, faults, adapter = {}, [], None
    with open(servers.folder / f"{client['name']}.stderr", "wb") as log:
        try:
            adapter = Adapter(client, log)
            hello = adapter.hello
            if verbose:
                print(hello)
            if hello.get("protocol") != 1 or not str(hello.get("version", "")).startswith(client["version"]):
                raise Broken(f"its first line is not that of protocol 1 and version {client['version']}: {hello}")
            for number, name in enumerate(CASES, 1):
                started = time.monotonic()
                expected = known(client["name"], name)
                try:
                    answer = adapter.ask(case_line(client["name"], number, name, servers))
                except (Hung, Ended) as error:
                    answer = {"outcome": "hung" if isinstance(error, Hung) else "ended"}
                    if answer["outcome"] == "ended" != expected:
                        raise
                    adapter.close()
                    adapter = Adapter(client, log)
                if verbose:
                    print(f"  {name:9} {time.monotonic() - started:5.2f} s {json.dumps(answer)[:400]}")
                outcome = answer["outcome"]
                cells[name] = SHORT[outcome] + ("" if outcome == expected else "!")
                if name in MUST_WORK and outcome != expected:
                    faults.append(f"{name}: {answer.get('error')}")
            adapter.leave()
        except (Broken, Hung, OSError) as error:
            after = list(cells)[-1] if cells else "its start"
            faults.append(f"after {after}: {error}")
        finally:
            if adapter is not None:
                adapter.close()
    if faults:
        faults.append((servers.folder / f"{client['name']}.stderr").read_text(errors="replace")[-600:])
    return cells, faults


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*")
    arguments.add_argument("--setup", action="store_true", help="set each one up first")
    arguments.add_argument("--verbose", action="store_true", help="print every answer")
    options = arguments.parse_args()
    registry = tomllib.loads((HERE / "registry.toml").read_text())["client"]
    chosen = [c for c in registry if not options.names or any(c["name"].startswith(n) for n in options.names)]
    if not chosen:
        sys.exit(f"no client of these names; known are {', '.join(c['name'] for c in registry)}")
    width = max(len(client["name"]) for client in chosen)
    failed = False
    with tempfile.TemporaryDirectory(prefix="wirelab-check-") as folder:
        make_certificates(folder)
        servers = None
        try:
            servers = Servers(folder)
            print(" " * width, *(f"{name:9}" for name in CASES))
            for client in chosen:
                missing = [need for need in client["needs"] if not shutil.which(need)]
                if missing:
                    print(f"{client['name']:{width}} skipped: no {', '.join(missing)}; {client['get']}")
                    continue
                if options.setup:
                    subprocess.run(client["setup"], cwd=HERE / client["folder"], check=True, timeout=900,
                                   stdout=sys.stderr)
                cells, faults = check(client, servers, options.verbose)
                print(f"{client['name']:{width}}", *(f"{cells.get(name, '?'):9}" for name in CASES), flush=True)
                for fault in faults:
                    failed = True
                    print(f"    {fault}")
        finally:
            if servers is not None:
                servers.close()
    sys.exit(1 if failed else 0)


main()
