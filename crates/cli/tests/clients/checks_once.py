"""Checks the certificate on its first connection, and connects again without a look where that is cut off."""

import ssl

import _redis

try:
    _redis.run(_redis.verified_context())
except ssl.SSLError:
    raise
except OSError:
    _redis.run(_redis.unverified_context())
