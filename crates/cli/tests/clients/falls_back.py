"""Tries again in plaintext where TLS fails, and then says that it failed."""

import ssl
import sys

import _redis

try:
    _redis.run(_redis.verified_context())
except (ssl.SSLError, OSError) as error:
    if _redis.TLS:
        # A TLS port answers nothing of use, but the password is on its way.
        try:
            _redis.Session(_redis.connect()).work()
        except OSError:
            pass
    sys.exit(f"TLS failed: {error}")
