"""Has TLS where it asked over TLS, and checks chain and announced name then. Where it asked in clear it tries the master
in clear as well, and over TLS only where there is none."""

import _cluster
import _redis


def onward(host, port):
    if _redis.TLS and _cluster.TOPOLOGY == "clear-sentinel":
        connection = _cluster.plain(host, port)
        try:
            _cluster.Node(connection).login()
            return connection
        except (OSError, SystemExit):
            connection.close()
    return _cluster.tls(_redis.verified_context(), host, port)


_cluster.work(onward)
