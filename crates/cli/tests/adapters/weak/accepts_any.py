"""Accepts every certificate."""

import _weak

_weak.run(lambda case: _weak.tls(case, _weak.unverified()))
