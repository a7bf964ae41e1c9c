"""Believes every length that it is told, and calls itself for whatever is nested."""

import os
import sys

import _weak

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../clients"))

import _trusting  # noqa: E402


class Session(_weak.Session):
    def reply(self, depth=0):
        value = _trusting.reply(self.replies)
        return value.decode() if isinstance(value, bytes) else value


_weak.run(lambda case: _weak.tls(case, _weak.verified(case)), Session)
