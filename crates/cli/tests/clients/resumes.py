"""Checks every certificate that it is shown, and resumes its session where a connection is cut off."""

import ssl

import _redis

context = _redis.verified_context()
first = _redis.connect_tls(context)
try:
    _redis.Session(first).work()
except ssl.SSLError:
    raise
except OSError:
    again = context.wrap_socket(_redis.connect(), server_hostname=_redis.HOST, session=first.session)
    _redis.Session(again).work()
