"""Goes on without TLS where the server seems not to speak it."""

import ssl

import _weak


def connect(case):
    try:
        return _weak.tls(case, _weak.verified(case))
    except ssl.SSLCertVerificationError:
        raise
    except (ssl.SSLError, OSError) as error:
        if not no_tls(error):
            raise
    return _weak.tcp(case)


def no_tls(error):
    """What OpenSSL says to a port without TLS, to one that turns the hello away, and to one that hangs up."""
    if isinstance(error, (ConnectionResetError, ssl.SSLEOFError)):
        return True
    return getattr(error, "reason", None) in ("WRONG_VERSION_NUMBER", "SSLV3_ALERT_HANDSHAKE_FAILURE")


_weak.run(connect)
