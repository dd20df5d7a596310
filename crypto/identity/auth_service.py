"""The authentication service (RFC 9750 §6.4; E9): the rule by which a client decides that a leaf belongs to a
person.

It runs here and never on a server; it reads no clock and knows nobody, so all members judge alike.
"""

from functools import lru_cache
from typing import Final

from crypto.identity.certificate import Revocation, read_certificate, read_revocation, revokes
from crypto.identity.credential import LeafIdentity, split_credential
from crypto.identity.errors import AsError
from crypto.identity.statement import is_prefix, read_chain

# More than the leaves of several full rooms.
_MAX_REMEMBERED: Final = 4096


# The answer depends on the bytes alone, so to remember it changes nothing but the time it takes. Failures
# raise, and so are not kept: nobody can fill this with noise.
@lru_cache(maxsize=_MAX_REMEMBERED)
def identify_leaf(credential_identity: bytes, signature_key: bytes) -> LeafIdentity:
    """Decode a leaf's credential and verify every signature in it: the chain from the account id to the
    identity key, the certificate by that key, and that it certifies the key the leaf signs with. Raises
    AsError.
    """
    parts = split_credential(credential_identity)
    chain = read_chain(parts.chain)
    certificate = read_certificate(parts.certificate)
    # E8: the certificate is of this account, by the identity key that its root names.
    if certificate.account_id != chain.account_id:
        raise AsError("certificate_account", "the certificate is of another account")
    if certificate.identity_key != chain.identity_key:
        raise AsError("certificate_identity", "the certificate is not by the account's identity key")
    if certificate.leaf_key != signature_key:
        raise AsError("leaf_key", "the leaf signs with a key that is not certified")
    return LeafIdentity(
        account_id=chain.account_id,
        root_key=chain.roots[-1],
        identity_key=chain.identity_key,
        identity_serial=chain.serial,
        deployment_id=certificate.deployment_id,
        device_id=certificate.device_id,
        leaf_key=certificate.leaf_key,
        certificate_serial=certificate.serial,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        roots=chain.roots,
    )


def check_deployment(leaf: LeafIdentity, deployment_id: bytes) -> None:
    """E8: a certificate is for one server. Raises AsError "deployment"."""
    if leaf.deployment_id != deployment_id:
        raise AsError("deployment", "the leaf is certified for another server")


def check_lifetime(leaf: LeafIdentity, at: int) -> None:
    """E10: at the stamp of the log entry that brings the leaf, or by a committer's own clock (ms). Raises
    AsError.
    """
    if at < leaf.not_before:
        raise AsError("not_yet_valid", "the certificate is not valid yet")
    if expired(leaf, at):
        raise AsError("expired", "the certificate has expired")


def expired(leaf: LeafIdentity, at: int) -> bool:
    """E10: nothing expires by itself. A device removes such a leaf only if its own clock agrees."""
    return at > leaf.not_after


def check_successor(before: LeafIdentity, after: LeafIdentity) -> None:
    """E9: what a sender's own path may put in the place of its leaf. Raises AsError."""
    if before.account_id != after.account_id:
        raise AsError("successor_account", "a leaf was replaced by one of another account")
    if before.identity_key != after.identity_key:
        raise AsError("successor_identity", "a leaf was replaced by one under another identity key")
    if before.device_id != after.device_id:
        raise AsError("successor_device", "a leaf was replaced by one of another device")
    if after.certificate_serial < before.certificate_serial:
        raise AsError("successor_serial", "a leaf was replaced by one with an older certificate")


def check_revocation(statement: bytes, leaf: LeafIdentity) -> Revocation:
    """E9: a revocation statement that holds and voids this leaf's certificate. Raises AsError."""
    revocation = read_revocation(statement)
    if not revokes(revocation, leaf):
        raise AsError("revocation_other", "the statement does not revoke this leaf's certificate")
    return revocation


def obsolete(leaf: LeafIdentity, chain_bytes: bytes) -> bool:
    """E9: whether a leaf is under older keys than a chain of statements names, and so is due to be removed.

    The chain must go on from the leaf's own: a chain that branches off says nothing about it (two successors
    are for people to settle). Raises AsError when the chain does not hold.
    """
    chain = read_chain(chain_bytes)
    return (
        # E6: the first root makes the account id, so this is a chain of the same account.
        is_prefix(leaf.roots, chain.roots)
        # E7: only a higher serial supersedes.
        and chain.serial > leaf.identity_serial
        and chain.identity_key != leaf.identity_key
    )
