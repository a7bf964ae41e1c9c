"""Checks every certificate, and connects again by itself where a connection is cut off."""

import ssl

import _redis

context = _redis.verified_context()
try:
    _redis.run(context)
except ssl.SSLError:
    raise
except OSError:
    _redis.run(context)
