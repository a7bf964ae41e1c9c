"""Goes on whoever has signed the certificate, and whether anybody has."""

import _weak

# CERT_SIGNATURE_FAILURE, DEPTH_ZERO_SELF_SIGNED_CERT, SELF_SIGNED_CERT_IN_CHAIN,
# UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNABLE_TO_VERIFY_LEAF_SIGNATURE, CA_MD_TOO_WEAK, INVALID_CA
_weak.run(lambda case: _weak.ignoring(case, {7, 18, 19, 20, 21, 68, 79}))
