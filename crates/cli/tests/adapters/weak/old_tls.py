"""Tries again with TLS 1.0 and any suite where the server does not speak anything better."""

import ssl
import warnings

import _weak

warnings.simplefilter("ignore", DeprecationWarning)


def connect(case):
    try:
        return _weak.tls(case, _weak.verified(case))
    except ssl.SSLError as error:
        if error.reason not in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"):
            raise
    old = _weak.verified(case)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    return _weak.tls(case, old)


_weak.run(connect)
