"""Goes where it is sent, over TLS, and checks the name that it was configured with, whatever is announced."""

import _cluster
import _redis

_cluster.work(lambda host, port: _cluster.tls(_redis.verified_context(), host, port, _redis.HOST))
