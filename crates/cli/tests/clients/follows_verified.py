"""Goes where it is sent, over TLS, and checks chain and announced name."""

import _cluster
import _redis

_cluster.work(lambda host, port: _cluster.tls(_redis.verified_context(), host, port))
