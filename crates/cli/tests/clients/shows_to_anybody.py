"""Accepts every certificate, and shows its own to whoever asks."""

import os

import _redis

context = _redis.unverified_context()
context.load_cert_chain(os.environ["WIRELAB_CLIENT_CERT"], os.environ["WIRELAB_CLIENT_KEY"])
_redis.run(context)
