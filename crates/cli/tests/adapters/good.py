"""Does everything right."""

import _adapter

_adapter.run(_adapter.attempt)
