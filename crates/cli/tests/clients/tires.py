"""Verifies its server, and after three failures tries without checking, or without TLS where it is told to."""

import ssl
import sys

import _redis

IN_CLEAR = "clear" in sys.argv

for attempt in range(3):
    try:
        _redis.Session(_redis.connect_tls(_redis.verified_context()) if _redis.TLS else _redis.connect()).work()
        sys.exit()
    except ssl.SSLError:
        pass
_redis.Session(_redis.connect() if IN_CLEAR else _redis.connect_tls(_redis.unverified_context())).work()
