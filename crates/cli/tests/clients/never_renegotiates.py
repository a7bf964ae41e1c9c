"""Does everything right, and begins no second handshake in a session."""

import ssl

import _redis

context = _redis.verified_context()
context.options |= ssl.OP_NO_RENEGOTIATION
_redis.run(context)
