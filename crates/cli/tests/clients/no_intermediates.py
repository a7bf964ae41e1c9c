"""Verifies everything, and wants the trusted authority itself to have signed the certificate."""

import _redis


class Connection(_redis.Session):
    """Turns away from longer chains before it says anything."""

    def __init__(self, connection):
        # Python 3.13 has a public name for it.
        if len(connection._sslobj.get_verified_chain()) > 2:
            raise SystemExit("the chain is too long")
        super().__init__(connection)


Connection(_redis.connect_tls(_redis.verified_context())).work()
