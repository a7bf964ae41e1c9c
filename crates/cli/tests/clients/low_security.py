"""Verifies chain and name, and takes any key and any hash: security level 0 of OpenSSL."""

import _redis

context = _redis.verified_context()
context.set_ciphers("DEFAULT:@SECLEVEL=0")
_redis.run(context)
