"""Does everything right."""

import _redis

_redis.run(_redis.verified_context())
