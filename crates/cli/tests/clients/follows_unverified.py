"""Verifies the server that it is told of, and accepts any certificate where that sends it."""

import _cluster
import _redis

_cluster.work(lambda host, port: _cluster.tls(_redis.unverified_context(), host, port))
