"""Has another version of its library than the registry says."""

import _adapter

_adapter.hello(version="0.9.0")
for _ in _adapter.cases():
    pass
