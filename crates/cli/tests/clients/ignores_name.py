"""Checks who issued the certificate, and not whose it is."""

import _redis

context = _redis.verified_context()
context.check_hostname = False
_redis.run(context)
