"""Speaks a later protocol."""

import _adapter

_adapter.hello(protocol=2)
for _ in _adapter.cases():
    pass
