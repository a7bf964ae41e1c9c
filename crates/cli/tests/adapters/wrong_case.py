"""Does everything right, and answers another case than the one that was asked."""

import _adapter

_adapter.run(lambda case: {**_adapter.attempt(case), "id": case["id"] + 1})
