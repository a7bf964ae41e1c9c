"""Does everything right, and shows its certificate to a server that asks."""

import os

import _redis

context = _redis.verified_context()
context.load_cert_chain(os.environ["WIRELAB_CLIENT_CERT"], os.environ["WIRELAB_CLIENT_KEY"])
_redis.run(context)
