"""The Welcome message (RFC 9420 §12.4.3.1): how an epoch's secrets reach those who are added."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from crypto.mls.bytes import Rng, equal
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import InvalidError
from crypto.mls.group_info import GroupInfo, decode_group_info, encode_group_info
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.psk_id import PreSharedKeyId, read_pre_shared_key_id, write_pre_shared_key_id
from crypto.mls.suite import CipherSuite
from crypto.mls.update_path import read_hpke_ciphertext, write_hpke_ciphertext


@dataclass(frozen=True, slots=True)
class GroupSecrets:
    joiner_secret: bytes = field(repr=False)
    path_secret: bytes | None = field(repr=False)
    """Of the lowest node above both the adder and the new member; None without a path."""
    psks: tuple[PreSharedKeyId, ...]


@dataclass(frozen=True, slots=True)
class EncryptedGroupSecrets:
    new_member: bytes
    """A KeyPackageRef."""
    encrypted: HpkeCiphertext


@dataclass(frozen=True, slots=True)
class Welcome:
    suite: int
    secrets: tuple[EncryptedGroupSecrets, ...]
    encrypted_group_info: bytes


@dataclass(frozen=True, slots=True)
class NewMember:
    """Whom a Welcome is for, and the path secret that it needs, if there is a path."""

    key_package_ref: bytes
    init_key: bytes
    path_secret: bytes | None = field(repr=False)


_LABEL = "Welcome"
_MAX_NEW_MEMBERS = 1024
_MAX_PSKS = 1024


def write_group_secrets(writer: Writer, secrets: GroupSecrets) -> None:
    writer.opaque(secrets.joiner_secret).optional(secrets.path_secret, Writer.opaque)
    writer.vector(secrets.psks, write_pre_shared_key_id)


def read_group_secrets(reader: Reader) -> GroupSecrets:
    return GroupSecrets(
        joiner_secret=reader.opaque(),
        path_secret=reader.optional(Reader.opaque),
        psks=reader.vector(read_pre_shared_key_id, _MAX_PSKS),
    )


def encode_group_secrets(secrets: GroupSecrets) -> bytes:
    return encode(lambda writer: write_group_secrets(writer, secrets))


def decode_group_secrets(data: bytes) -> GroupSecrets:
    """Raises DecodeError."""
    return decode(data, read_group_secrets)


def _write_encrypted_group_secrets(writer: Writer, secrets: EncryptedGroupSecrets) -> None:
    write_hpke_ciphertext(writer.opaque(secrets.new_member), secrets.encrypted)


def _read_encrypted_group_secrets(reader: Reader) -> EncryptedGroupSecrets:
    return EncryptedGroupSecrets(reader.opaque(), read_hpke_ciphertext(reader))


def write_welcome(writer: Writer, welcome: Welcome) -> None:
    writer.uint16(welcome.suite).vector(welcome.secrets, _write_encrypted_group_secrets)
    writer.opaque(welcome.encrypted_group_info)


def read_welcome(reader: Reader) -> Welcome:
    return Welcome(
        suite=reader.uint16(),
        secrets=reader.vector(_read_encrypted_group_secrets, _MAX_NEW_MEMBERS),
        encrypted_group_info=reader.opaque(),
    )


def _group_info_key(suite: CipherSuite, welcome_secret: bytes) -> tuple[bytes, bytes]:
    return (
        suite.expand_with_label(welcome_secret, "key", b"", suite.nk),
        suite.expand_with_label(welcome_secret, "nonce", b"", suite.nn),
    )


def seal_welcome(
    suite: CipherSuite,
    group_info: GroupInfo,
    *,
    joiner_secret: bytes,
    welcome_secret: bytes,
    psks: tuple[PreSharedKeyId, ...],
    new_members: Iterable[NewMember],
    rng: Rng,
) -> Welcome:
    """One Welcome for all new members of a commit."""
    key, nonce = _group_info_key(suite, welcome_secret)
    # Key and nonce follow from a joiner secret, which one commit has: they seal this GroupInfo alone.
    encrypted_group_info = suite.seal(key, nonce, b"", encode_group_info(group_info))
    secrets = tuple(
        EncryptedGroupSecrets(
            one.key_package_ref,
            suite.encrypt_with_label(
                one.init_key,
                _LABEL,
                encrypted_group_info,
                encode_group_secrets(GroupSecrets(joiner_secret, one.path_secret, psks)),
                rng,
            ),
        )
        for one in new_members
    )
    return Welcome(suite.id, secrets, encrypted_group_info)


def open_group_secrets(
    suite: CipherSuite, welcome: Welcome, key_package_ref: bytes, init_private_key: bytes
) -> GroupSecrets:
    """What a Welcome holds for the client of one KeyPackage.

    Raises InvalidError v701_welcome_suite, v702_welcome_not_for_me, v703_welcome_secret_length; AeadError,
    DecodeError, BadKeyError.
    """
    if welcome.suite != suite.id:
        raise InvalidError("v701_welcome_suite", "a Welcome for another cipher suite than the KeyPackage's")
    found = next((one for one in welcome.secrets if equal(one.new_member, key_package_ref)), None)
    if found is None:
        raise InvalidError("v702_welcome_not_for_me", "a Welcome that does not name the KeyPackage")
    secrets = decode_group_secrets(
        suite.decrypt_with_label(init_private_key, _LABEL, welcome.encrypted_group_info, found.encrypted)
    )
    # Every suite's secrets are KDF.Nh bytes; another length is no secret of a commit.
    path_secret = secrets.path_secret
    if len(secrets.joiner_secret) != suite.nh or (path_secret is not None and len(path_secret) != suite.nh):
        raise InvalidError("v703_welcome_secret_length", "a Welcome's secret is not of the suite's length")
    return secrets


def open_group_info(suite: CipherSuite, welcome: Welcome, welcome_secret: bytes) -> GroupInfo:
    """Raises AeadError, DecodeError."""
    key, nonce = _group_info_key(suite, welcome_secret)
    return decode_group_info(suite.open(key, nonce, b"", welcome.encrypted_group_info))
