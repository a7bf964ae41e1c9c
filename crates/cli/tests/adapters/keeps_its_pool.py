"""Stays connected, and checks each new connection as it did the first."""

import _adapter
import _pool

_pool.run(_adapter.context)
