"""Verifies chain and name, and still speaks TLS 1.0."""

import warnings

import _redis
import ssl

warnings.simplefilter("ignore", DeprecationWarning)
context = _redis.verified_context()
context.minimum_version = ssl.TLSVersion.TLSv1
context.set_ciphers("DEFAULT:@SECLEVEL=0")
_redis.run(context)
