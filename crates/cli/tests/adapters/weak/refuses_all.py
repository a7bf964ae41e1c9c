"""Refuses every server, whatever it shows."""

import _weak


def refuse(case):
    _weak.tcp(case).close()
    raise ConnectionError("it refuses everything")


_weak.serve(refuse)
