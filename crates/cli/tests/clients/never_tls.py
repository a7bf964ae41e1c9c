"""Talks plaintext whatever it is told."""

import _redis

_redis.Session(_redis.connect()).work()
