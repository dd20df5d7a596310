"""KeyPackages (RFC 9420 §10): what a client leaves for others to add it with."""

from dataclasses import dataclass, field

from crypto.mls.bytes import Rng, equal
from crypto.mls.capabilities import MLS_10, Capabilities, greased, own_capabilities
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.credential import Credential
from crypto.mls.errors import InvalidError
from crypto.mls.extension import Extension, Extensions, read_extensions, write_extensions
from crypto.mls.fresh_keys import fresh_hpke_keys
from crypto.mls.grease import GREASE_VALUES
from crypto.mls.kem import KeyPair, draw
from crypto.mls.leaf_node import (
    KeyPackageSource,
    LeafNode,
    UnsignedLeafNode,
    read_leaf_node,
    sign_leaf_node,
    write_leaf_node,
)
from crypto.mls.leaf_validation import check_leaf_alone, check_public_key
from crypto.mls.suite import CipherSuite


@dataclass(frozen=True, slots=True)
class UnsignedKeyPackage:
    version: int
    suite: int
    init_key: bytes
    leaf_node: LeafNode
    extensions: Extensions


@dataclass(frozen=True, slots=True)
class KeyPackage(UnsignedKeyPackage):
    signature: bytes


@dataclass(frozen=True, slots=True)
class KeyPackageSecrets:
    init_private_key: bytes = field(repr=False)
    encryption_private_key: bytes = field(repr=False)
    signature_private_key: bytes = field(repr=False)


_SIGNATURE_LABEL = "KeyPackageTBS"
_REFERENCE_LABEL = "MLS 1.0 KeyPackage Reference"
_MAX_GREASE_DATA = 16


def _write_unsigned(writer: Writer, key_package: UnsignedKeyPackage) -> None:
    writer.uint16(key_package.version).uint16(key_package.suite).opaque(key_package.init_key)
    write_leaf_node(writer, key_package.leaf_node)
    write_extensions(writer, key_package.extensions)


def write_key_package(writer: Writer, key_package: KeyPackage) -> None:
    _write_unsigned(writer, key_package)
    writer.opaque(key_package.signature)


def read_key_package(reader: Reader) -> KeyPackage:
    return KeyPackage(
        version=reader.uint16(),
        suite=reader.uint16(),
        init_key=reader.opaque(),
        leaf_node=read_leaf_node(reader),
        extensions=read_extensions(reader),
        signature=reader.opaque(),
    )


def encode_key_package(key_package: KeyPackage) -> bytes:
    return encode(lambda writer: write_key_package(writer, key_package))


def decode_key_package(data: bytes) -> KeyPackage:
    """The structure itself, not an MLSMessage around it. Raises DecodeError."""
    return decode(data, read_key_package)


def key_package_ref(suite: CipherSuite, data: bytes) -> bytes:
    """RFC 9420 §5.2: the name by which a Welcome finds its KeyPackage."""
    return suite.ref_hash(_REFERENCE_LABEL, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPackageInput:
    """`not_before` and `not_after` are seconds since 1970.

    Capabilities are taken as they are. Without them: what this program can do, with GREASE here and in the
    extensions; `listed` are extension types that they name besides (RFC 9420 §10).
    """

    signature: KeyPair
    credential: Credential
    not_before: int
    not_after: int
    capabilities: Capabilities | None = None
    listed: tuple[int, ...] = ()
    extensions: Extensions = ()
    leaf_extensions: Extensions = ()


@dataclass(frozen=True, slots=True)
class CreatedKeyPackage:
    """A new KeyPackage, its bytes, and the private keys that belong to it."""

    key_package: KeyPackage
    bytes: bytes
    secrets: KeyPackageSecrets


def _grease_extensions(capabilities: Capabilities, rng: Rng) -> Extensions:
    """An extension that means nothing, of the GREASE type that the capabilities list (RFC 9420 §13.5)."""
    length = draw(rng, 1)[0] % _MAX_GREASE_DATA
    return tuple(Extension(one, draw(rng, length)) for one in capabilities.extensions if one in GREASE_VALUES)


def create_key_package(suite: CipherSuite, content: KeyPackageInput, rng: Rng) -> CreatedKeyPackage:
    capabilities = content.capabilities
    grease: Extensions = ()
    if capabilities is None:
        capabilities = greased(own_capabilities(suite.id, content.listed), rng)
        grease = _grease_extensions(capabilities, rng)
    init = fresh_hpke_keys(suite, rng)
    encryption = fresh_hpke_keys(suite, rng)
    leaf_node = sign_leaf_node(
        suite,
        UnsignedLeafNode(
            encryption_key=encryption.public_key,
            signature_key=content.signature.public_key,
            credential=content.credential,
            capabilities=capabilities,
            source=KeyPackageSource(content.not_before, content.not_after),
            extensions=content.leaf_extensions + grease,
        ),
        content.signature.private_key,
        None,
    )
    unsigned = UnsignedKeyPackage(MLS_10, suite.id, init.public_key, leaf_node, content.extensions + grease)
    signature = suite.sign_with_label(
        content.signature.private_key, _SIGNATURE_LABEL, _to_be_signed(unsigned)
    )
    key_package = KeyPackage(
        unsigned.version, unsigned.suite, unsigned.init_key, leaf_node, unsigned.extensions, signature
    )
    secrets = KeyPackageSecrets(init.private_key, encryption.private_key, content.signature.private_key)
    return CreatedKeyPackage(key_package, encode_key_package(key_package), secrets)


def _to_be_signed(key_package: UnsignedKeyPackage) -> bytes:
    return encode(lambda writer: _write_unsigned(writer, key_package))


def verify_key_package(suite: CipherSuite, key_package: KeyPackage) -> None:
    """RFC 9420 §10.1, all of it but what depends on the group (`check_leaf_in_group`), on the clock and on
    the AS: those are the caller's. Raises InvalidError."""
    leaf_node = key_package.leaf_node
    if key_package.version != MLS_10 or key_package.suite != suite.id:
        raise InvalidError("v401_key_package_suite", "a KeyPackage of another version or cipher suite")
    check_leaf_alone(suite, leaf_node, "key_package", None)
    signed = _to_be_signed(key_package)
    if not suite.verify_with_label(leaf_node.signature_key, _SIGNATURE_LABEL, signed, key_package.signature):
        raise InvalidError("v402_key_package_signature", "a KeyPackage's signature is not its leaf's")
    if equal(key_package.init_key, leaf_node.encryption_key):
        raise InvalidError("v403_init_key_reused", "a KeyPackage's init key is its encryption key")
    check_public_key(suite, key_package.init_key, "v404_init_key")
    # Extensions that no capability lists are ignored: §10.1 does not refuse them, and others send GREASE so.
