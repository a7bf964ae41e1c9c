"""Ends where it is asked something."""

import sys

import _adapter

_adapter.hello()
next(_adapter.cases())
sys.exit("out of memory")
