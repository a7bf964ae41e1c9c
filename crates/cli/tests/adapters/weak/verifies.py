"""Does everything right: what the weak ones are compared with."""

import _weak

_weak.run(lambda case: _weak.tls(case, _weak.verified(case)))
