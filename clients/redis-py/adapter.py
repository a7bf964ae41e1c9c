"""redis-py as a client under test: one case a line on stdin, one outcome a line on stdout."""

import contextlib
import json
import os
import platform
import sys
import time

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

# How often an application asks that has lost its connections, and the seconds between.
ATTEMPTS = 3
PAUSE = 0.1


class Unsupported(Exception):
    """What the library has no way to do."""


def tls_options(case):
    """What redis-py's README says about TLS: `ssl=True` and the authority."""
    if not case["tls"]:
        return {}
    options = {"ssl": True, "ssl_ca_certs": case["ca"]}
    if case.get("client_cert"):
        options["ssl_certfile"] = case["client_cert"]
        options["ssl_keyfile"] = case["client_key"]
    if not case["verify"]:
        options["ssl_cert_reqs"] = "none"
    return options


def connected(case):
    """A new client for the case's topology."""
    # Shorter than the deadline, so that the library's own error is what people read.
    seconds = case["deadline_ms"] / 1000 * 0.4
    common = {
        "decode_responses": True,
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        # 8.x by itself goes on for four seconds after a certificate that it refuses.
        "retry": Retry(NoBackoff(), 1),
    }
    options = {"username": case["username"], "password": case["password"], **common, **tls_options(case)}
    topology = case.get("topology", "standalone")
    if topology == "cluster":
        return RedisCluster(host=case["host"], port=case["port"], **options)
    if topology in ("sentinel", "clear-sentinel"):
        # Sentinels get TLS and credentials only from here, not from those of the connection to the master.
        own = options if topology == "sentinel" else common
        seeds = [(case["host"], case["port"])]
        return Sentinel(seeds, sentinel_kwargs=own, **options).master_for(case["service"])
    if topology == "standalone":
        return redis.Redis(host=case["host"], port=case["port"], **options)
    raise Unsupported(f"the adapter knows no topology {topology}")


def causes(error):
    """The error and what caused it, outermost first."""
    texts = []
    while error is not None and len(texts) < 6:
        texts.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return "; caused by ".join(texts)


def round_trip(client, case):
    """Writes the value and gives what was read then."""
    client.set(case["key"], case["value"])
    return client.get(case["key"])


def again(client, case):
    """As an application does: what meets the lost connection fails, and the next request comes."""
    for _ in range(ATTEMPTS - 1):
        try:
            return round_trip(client, case)
        except Exception:
            time.sleep(PAUSE)
    return round_trip(client, case)


def close(client):
    if client is not None:
        with contextlib.suppress(Exception):
            client.close()


def attempt(case, client):
    """Writes the value, reads it back, and says how that went, with the client that was kept or a new one."""
    goes_on = client is not None
    try:
        if not goes_on:
            client = connected(case)
        received = again(client, case) if goes_on else round_trip(client, case)
        if received == case["value"]:
            return {"outcome": "worked", "received": received}, client
        return {"outcome": "failed", "received": received, "error": "GET returned another value than was SET"}, client
    except Unsupported as why:
        return {"outcome": "unsupported", "error": str(why)}, client
    except Exception as error:
        return {"outcome": "failed", "received": None, "error": causes(error)}, client


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the library prints is no answer

    def answer(line):
        print(json.dumps(line), file=answers, flush=True)

    answer(
        {
            "protocol": 1,
            "adapter": "redis-py",
            "library": "redis",
            "version": redis.__version__,
            "runtime": f"Python {platform.python_version()}",
        }
    )
    kept = None
    for line in sys.stdin:
        case = json.loads(line)
        if case.get("client") != "kept":
            close(kept)
            kept = None
        outcome, kept = attempt(case, kept)
        if case.get("client") != "keep":
            close(kept)
            kept = None
        answer({"id": case["id"], **outcome})


main()
