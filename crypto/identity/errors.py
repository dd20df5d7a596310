"""What can go wrong with who somebody is, and whose fault it is. The tree goes on from crypto/mls/errors.py.

MlsError
├─ AsError              names the check      peer      a credential, statement or certificate that does not
│                                                      hold (E6 to E10)
├─ BundleError          names the check      peer      what came as the recovery bundle is not this
│                                                      account's (E22)
└─ RecoveryCodeError    "recovery_code_…"    caller    what was typed is not a recovery code, and why
"""

from typing import Literal, TypeAlias

from crypto.mls.errors import MlsError

# Which check of the authentication service failed; every client has the same ones in the same order.
AsCode: TypeAlias = Literal[
    "malformed",  # not the bytes of the structure
    "chain_account",  # E6: the account id is not that of the first root
    "chain_root",  # E7: a link is not by the root that the one before it names
    "chain_serial",  # E7: serials do not rise along the chain
    "statement_signature",  # E7
    "certificate_account",  # E8: made for another account than the chain's
    "certificate_identity",  # E8: by another identity key than the chain's
    "certificate_lifetime",  # E8: ends before it begins, or lasts more than 180 days
    "certificate_signature",  # E8
    "leaf_key",  # E8: the leaf's signature key is not the certified one
    "deployment",  # E8: certified for another server
    "not_yet_valid",  # E10
    "expired",  # E10
    "successor_account",  # E9
    "successor_identity",  # E9
    "successor_device",  # E9
    "successor_serial",  # E9
    "revocation_signature",  # E9
    "revocation_other",  # E9: it revokes something else
]


class AsError(MlsError):
    def __init__(self, code: AsCode, message: str) -> None:
        super().__init__(code, "peer", message)


BundleCode: TypeAlias = Literal[
    "bundle_malformed",  # not the bytes of a bundle, or one of a newer program
    "bundle_sealed",  # sealed to another recovery code, or altered
    "bundle_root",  # its chain does not end in this code's root
    "bundle_identity",  # its private key is not that of the chain's identity key
    "bundle_signature",
]


class BundleError(MlsError):
    def __init__(self, code: BundleCode, message: str) -> None:
        super().__init__(code, "peer", message)


RecoveryCodeCode: TypeAlias = Literal[
    "recovery_code_length", "recovery_code_letters", "recovery_code_checksum"
]


class RecoveryCodeError(MlsError):
    """`group` is where a letter is wrong: its group of four, from 1. None where the whole is meant."""

    def __init__(self, code: RecoveryCodeCode, message: str, group: int | None = None) -> None:
        super().__init__(code, "caller", message)
        self.group = group
