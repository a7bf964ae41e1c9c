"""Ends before it has said anything."""

import sys

sys.exit("ModuleNotFoundError: No module named 'redis'")
