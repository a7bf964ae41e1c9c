"""Says what is no answer."""

import _adapter

_adapter.hello()
for _ in _adapter.cases():
    print("Connecting...", flush=True)
