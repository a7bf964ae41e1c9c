"""Checks everything but the dates."""

import _weak

X509_V_FLAG_NO_CHECK_TIME = 0x200000  # openssl/x509_vfy.h; the ssl module has no name for it


def timeless(case):
    context = _weak.verified(case)
    context.verify_flags |= X509_V_FLAG_NO_CHECK_TIME
    return context


_weak.run(lambda case: _weak.tls(case, timeless(case)))
