"""Checks chain and announced name wherever it is sent, and logs in at the Sentinel as it does at the master."""

import _cluster
import _redis

_cluster.work(lambda host, port: _cluster.tls(_redis.verified_context(), host, port), logs_in_first=True)
