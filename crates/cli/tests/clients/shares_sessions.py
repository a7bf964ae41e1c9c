"""Checks chain and announced name wherever it is sent, and shows its first session everywhere: sessions are kept for the
whole cluster."""

import _cluster
import _redis

CONTEXT = _redis.verified_context()


def onward(host, port):
    if not _redis.TLS:
        return _cluster.plain(host, port)
    session = getattr(_cluster.first, "session", None)
    return CONTEXT.wrap_socket(_cluster.plain(host, port), server_hostname=host, session=session)


_cluster.work(onward, CONTEXT)
