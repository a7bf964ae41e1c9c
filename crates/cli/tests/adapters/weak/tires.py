"""Verifies, and looks no more at a server that it has refused three times."""

import collections
import ssl

import _weak

failures = collections.Counter()


def connect(case):
    if failures[case["port"]] >= 3:
        return _weak.tls(case, _weak.unverified())
    try:
        return _weak.tls(case, _weak.verified(case))
    except ssl.SSLCertVerificationError:
        failures[case["port"]] += 1
        raise


_weak.run(connect)
