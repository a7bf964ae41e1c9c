"""Accepts every certificate."""

import _redis

_redis.run(_redis.unverified_context())
