"""Verifies its server, and believes every length that it is told."""

import _redis
import _trusting


class Session(_redis.Session):
    def call(self, *words):
        self.connection.sendall(b"".join(_redis.command(words)))
        return _trusting.reply(self.replies)


Session(_redis.connect_tls(_redis.verified_context()) if _redis.TLS else _redis.connect()).work()
