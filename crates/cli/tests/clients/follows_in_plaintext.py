"""Verifies the server that it is told of, and goes on without TLS to wherever that sends it."""

import _cluster

_cluster.work(_cluster.plain)
