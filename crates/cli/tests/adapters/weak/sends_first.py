"""Sends the password over a connection that it has not verified, and looks at the certificate only then."""

import _weak


def work(case):
    if not case["tls"]:
        return _weak.work(case, _weak.tcp)
    with _weak.Session(_weak.tls(case, _weak.unverified())) as session:
        session.login(case)
        if case["verify"]:
            # The ssl module verifies in a handshake only: this one raises where the certificate is bad.
            _weak.tls(case, _weak.verified(case)).close()
        return session.set_and_get(case)


_weak.serve(work)
