"""What makes one leaf valid (RFC 9420 §7.3), but for lifetimes and the AS, which are the caller's to judge.

v101  the signature is the leaf's own                        v105  it can do what the group requires
v102  it comes from where such a leaf comes from             v106  it knows the GroupContext's extensions
v103  its credential type is among its capabilities          v107  it knows the version and the cipher suite
v104  its extensions are among its capabilities              v108  its encryption key is a key
v109  an Update or a path brings another encryption key than before
"""

from crypto.mls.bytes import equal
from crypto.mls.capabilities import MLS_10, meets, supports_credential, supports_extension
from crypto.mls.errors import BadKeyError, InvalidError
from crypto.mls.extension import Extensions, required_capabilities_in
from crypto.mls.leaf_node import LeafNode, LeafPlace, SourceKind, keep_fit, leaf_signature_is_valid
from crypto.mls.suite import CipherSuite


def check_public_key(suite: CipherSuite, public_key: bytes, code: str) -> None:
    """Nobody could encrypt to it, and every later Commit of an honest member would fail.

    Raises InvalidError.
    """
    try:
        suite.check_public_key(public_key)
    except BadKeyError as cause:
        raise InvalidError(code, "not a public key of the suite") from cause


def check_leaf_alone(suite: CipherSuite, leaf: LeafNode, source: SourceKind, place: LeafPlace | None) -> None:
    """All that the leaf says by itself. `source` is what its place demands. Raises InvalidError."""
    if leaf.source.kind != source:
        raise InvalidError("v102_leaf_source", f"a leaf of source {leaf.source.kind}, not {source}")
    capabilities = leaf.capabilities
    if not supports_credential(capabilities, leaf.credential.type):
        raise InvalidError("v103_credential_unlisted", "a leaf's credential type is not in its capabilities")
    if not all(supports_extension(capabilities, one.type) for one in leaf.extensions):
        raise InvalidError("v104_extension_unlisted", "a leaf's extension is not in its capabilities")
    if MLS_10 not in capabilities.versions or suite.id not in capabilities.suites:
        raise InvalidError("v107_suite_unlisted", "a leaf does not know its own version or cipher suite")
    check_public_key(suite, leaf.encryption_key, "v108_encryption_key")
    if not leaf_signature_is_valid(suite, leaf, place):
        raise InvalidError("v101_leaf_signature", "a leaf's signature is not valid")


def check_leaf_in_group(leaf: LeafNode, extensions: Extensions) -> None:
    """Whether the leaf fits the group whose GroupContext has these extensions.

    Raises InvalidError or DecodeError.
    """
    # The very same extensions that it was found to fit: so for most leaves at most Commits.
    if leaf.fits is extensions:
        return
    required = required_capabilities_in(extensions)
    if required is not None and not meets(leaf.capabilities, required):
        raise InvalidError("v105_required_capabilities", "a leaf lacks a capability that the group requires")
    # RFC 9420 §13.4: an extension in use by the group is one that every member knows.
    if not all(supports_extension(leaf.capabilities, one.type) for one in extensions):
        raise InvalidError("v106_group_extension", "a leaf does not know an extension of the group")
    keep_fit(leaf, extensions)


def check_leaf_succeeds(before: LeafNode, after: LeafNode) -> None:
    """RFC 9420 §7.3, §12.4.2: a leaf that takes another's place brings a fresh key. Raises InvalidError."""
    if equal(before.encryption_key, after.encryption_key):
        raise InvalidError("v109_encryption_key_kept", "a renewed leaf keeps its encryption key")
