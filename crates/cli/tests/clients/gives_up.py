"""Gives up a second after it began to shake hands."""

import _redis

tcp = _redis.connect()
tcp.settimeout(1)
if _redis.TLS:
    tcp = _redis.verified_context().wrap_socket(tcp, server_hostname=_redis.HOST)
_redis.Session(tcp).work()
