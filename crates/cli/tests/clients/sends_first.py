"""Sends the password over an unverified connection, and looks at the certificate only then."""

import _redis

if _redis.TLS:
    session = _redis.Session(_redis.connect_tls(_redis.unverified_context()))
    session.login()
    # The ssl module verifies in a handshake only: this one raises where the certificate is bad.
    _redis.connect_tls(_redis.verified_context()).close()
    session.set_and_get()
else:
    _redis.Session(_redis.connect()).work()
