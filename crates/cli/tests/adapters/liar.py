"""Says that it worked, and never connects."""

import _adapter

_adapter.run(lambda case: {"id": case["id"], "outcome": "worked", "received": case["value"]})
