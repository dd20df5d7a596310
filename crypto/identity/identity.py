"""The identity of an account as its own devices hold it: an identity key, and the chain that says whose it is
(E7).
"""

from dataclasses import dataclass, replace
from typing import Final

from crypto.identity.root_keys import RootKeys, account_id_of
from crypto.identity.statement import (
    Chain,
    IdentityStatement,
    encode_chain,
    read_chain,
    sign_statement,
    split_chain,
)
from crypto.mls import ed25519
from crypto.mls.bytes import Rng
from crypto.mls.errors import UsageError
from crypto.mls.kem import KeyPair

FIRST_SERIAL: Final = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """`root_key` is public: the root in force; its private half is on no device (E6). `serial` is of the
    statement that names this identity key; `chain` are the statements that lead from the account id to it.
    `seal_key` is the public X-Wing key of the recovery code: bundles are sealed to it (E22).
    """

    account_id: bytes
    root_key: bytes
    identity_key: KeyPair
    serial: int
    chain: bytes
    seal_key: bytes


def new_identity(keys: RootKeys, rng: Rng) -> Identity:
    """A new account's identity."""
    identity_key = ed25519.generate(rng)
    root_key = keys.root.public_key
    account_id = account_id_of(root_key)
    statement = IdentityStatement(account_id, FIRST_SERIAL, root_key, identity_key.public_key, None)
    return Identity(
        account_id=account_id,
        root_key=root_key,
        identity_key=identity_key,
        serial=FIRST_SERIAL,
        chain=encode_chain([sign_statement(keys.root.private_key, statement)]),
        seal_key=keys.seal.public_key,
    )


def supersede_identity(identity: Identity, keys: RootKeys, rng: Rng) -> Identity:
    """E7: a new identity key under the same root. Raises UsageError when the root is not the one in force."""
    chain = _require_root(identity, keys.root)
    identity_key = ed25519.generate(rng)
    serial = chain.serial + 1
    statement = IdentityStatement(
        chain.account_id, serial, keys.root.public_key, identity_key.public_key, None
    )
    older = split_chain(identity.chain)[:-1]
    return replace(
        identity,
        identity_key=identity_key,
        serial=serial,
        chain=encode_chain([*older, sign_statement(keys.root.private_key, statement)]),
    )


def succeed_root(identity: Identity, old: RootKeys, following: RootKeys) -> Identity:
    """E7: a new recovery code. The old root names the new one and signs nothing more; the identity key goes
    over.

    Raises UsageError when the old root is not the one in force, or the chain is at its end.
    """
    chain = _require_root(identity, old.root)
    account_id, identity_key = chain.account_id, identity.identity_key.public_key
    serial = chain.serial + 2
    old_root, new_root = old.root.public_key, following.root.public_key
    farewell = IdentityStatement(account_id, serial - 1, old_root, identity_key, new_root)
    statement = IdentityStatement(account_id, serial, new_root, identity_key, None)
    links = [
        *split_chain(identity.chain)[:-1],
        sign_statement(old.root.private_key, farewell),
        sign_statement(following.root.private_key, statement),
    ]
    return replace(
        identity,
        root_key=new_root,
        serial=serial,
        chain=encode_chain(links),
        seal_key=following.seal.public_key,
    )


def _require_root(identity: Identity, root: KeyPair) -> Chain:
    chain = read_chain(identity.chain)
    if chain.roots[-1] != root.public_key:
        raise UsageError("root", "this root key is not the one in force")
    return chain
