"""redis-cli as a client under test: one case a line on stdin, one outcome a line on stdout.

Each case is a redis-cli of its own, with the two commands on its standard input.
"""

import json
import os
import platform
import subprocess
import sys


# With `-c` it says so among the replies, where it is sent to another node.
REDIRECTED = "-> Redirected to slot ["


def quoted(text):
    """An argument as redis-cli reads it from its input: any byte may be written in hexadecimal."""
    safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_."
    return '"' + "".join(chr(b) if b in safe else f"\\x{b:02x}" for b in text.encode()) + '"'


def arguments(case):
    """redis-cli's options for the case."""
    words = ["redis-cli", "-h", case["host"], "-p", str(case["port"]), "--user", case["username"]]
    if case.get("topology") == "cluster":
        words.append("-c")
    if case["tls"]:
        words += ["--tls", "--cacert", case["ca"]]
        if case.get("client_cert"):
            words += ["--cert", case["client_cert"], "--key", case["client_key"]]
        if not case["verify"]:
            words.append("--insecure")
    return words


def outcome(case):
    """Writes the value, reads it back, and says how that went."""
    topology = case.get("topology", "standalone")
    if topology not in ("standalone", "cluster"):
        asks = "asks no Sentinel for its master" if topology.endswith("sentinel") else f"knows no topology {topology}"
        return {"outcome": "unsupported", "error": f"redis-cli {asks}"}
    commands = f"SET {quoted(case['key'])} {quoted(case['value'])}\nGET {quoted(case['key'])}\n"
    environment = {**os.environ, "REDISCLI_AUTH": case["password"]}
    # redis-cli has no timeout for the TLS handshake. One that hangs is for the lab to see and to kill.
    ended = subprocess.run(arguments(case), input=commands.encode(), capture_output=True, env=environment)
    lines = [line for line in ended.stdout.decode(errors="replace").splitlines() if not line.startswith(REDIRECTED)]
    received = "\n".join(lines[1:]) if lines[:1] == ["OK"] else None
    if received == case["value"]:
        return {"outcome": "worked", "received": received}
    if received is not None and ended.returncode == 0:
        return {"outcome": "failed", "received": received, "error": "GET returned another value than was SET"}
    said = " ".join((ended.stderr + b" " + ended.stdout).decode(errors="replace").split())
    return {"outcome": "failed", "received": received, "error": said or f"redis-cli ended with {ended.returncode}"}


def main():
    version = subprocess.run(["redis-cli", "--version"], capture_output=True, text=True, timeout=10).stdout.split()[1]

    def answer(line):
        print(json.dumps(line), flush=True)

    runtime = f"Python {platform.python_version()} starts it"
    answer({"protocol": 1, "adapter": "redis-cli", "library": "redis-cli", "version": version, "runtime": runtime})
    for line in sys.stdin:
        case = json.loads(line)
        answer({"id": case["id"], **outcome(case)})


main()
