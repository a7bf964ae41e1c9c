"""Goes on where the certificate is for another purpose, or asks for something that it does not know."""

import _weak

# INVALID_PURPOSE, UNHANDLED_CRITICAL_EXTENSION
_weak.run(lambda case: _weak.ignoring(case, {26, 34}))
