"""Messages signed and sealed, and the running hashes: the vectors, read, and produced and read back."""

from typing import Literal

from crypto.mls.codec import decode, encode
from crypto.mls.envelope import ContentType
from crypto.mls.framing import (
    ApplicationContent,
    AuthData,
    AuthenticatedContent,
    CommitContent,
    Content,
    FramedContent,
    MemberSender,
    PrivateMessage,
    PublicMessage,
    WireFormat,
    read_authenticated_content,
    read_content,
    write_content,
)
from crypto.mls.group_context import GroupContext, encode_group_context
from crypto.mls.message_protection import (
    open_private_content,
    open_sender_data,
    protect_private,
    protect_public,
    sign_framed_content,
    unprotect_public,
    verify_framed_content,
)
from crypto.mls.mls_message import decode_mls_message, encode_mls_message
from crypto.mls.secret_tree import RatchetKind, create_secret_tree, take_at, take_next
from crypto.mls.suite import CipherSuite
from crypto.mls.transcript import (
    SignedCommit,
    compute_confirmation_tag,
    confirmed_transcript_hash,
    interim_transcript_hash,
)
from crypto.mls.tree_math import leaf_index
from tests.crypto.mls.simulation import code_of
from tests.crypto.seeded_rng import seeded_rng
from tests.crypto.vectors import Entry, Record, VectorFile, b, each_in_scope, each_vector_file

SENDER = leaf_index(1)


@each_vector_file("mls/transcript-hashes")
def test_transcript_hashes(file: VectorFile, record_property: Record) -> None:
    def check(suite: CipherSuite, entry: Entry) -> None:
        given = decode(b(entry["authenticated_content"]), read_authenticated_content)
        assert isinstance(given.framed.content, CommitContent)
        tag = given.auth.confirmation_tag
        assert tag is not None
        signed = SignedCommit(given.wire_format, given.framed, given.auth.signature)
        confirmed = confirmed_transcript_hash(suite, b(entry["interim_transcript_hash_before"]), signed)
        assert confirmed == b(entry["confirmed_transcript_hash_after"])
        assert compute_confirmation_tag(suite, b(entry["confirmation_key"]), confirmed) == tag
        interim = interim_transcript_hash(suite, confirmed, tag)
        assert interim == b(entry["interim_transcript_hash_after"])

    each_in_scope(file, record_property, check)


class VectorGroup:
    """The two members of a vector, of which the second sends."""

    def __init__(self, suite: CipherSuite, entry: Entry) -> None:
        self.suite, self.entry = suite, entry
        self.context = encode_group_context(
            GroupContext(
                version=1,
                suite=suite.id,
                group_id=b(entry["group_id"]),
                epoch=entry["epoch"],
                tree_hash=b(entry["tree_hash"]),
                confirmed_transcript_hash=b(entry["confirmed_transcript_hash"]),
                extensions=(),
            )
        )
        self.membership_key = b(entry["membership_key"])
        self.sender_data_secret = b(entry["sender_data_secret"])
        self.secret_tree = create_secret_tree(b(entry["encryption_secret"]), 2)

    def read(self, message: bytes) -> bytes:
        decoded = decode_mls_message(message)
        assert encode_mls_message(decoded) == message
        assert isinstance(decoded, PublicMessage | PrivateMessage)
        if isinstance(decoded, PublicMessage):
            content = unprotect_public(self.suite, decoded, self.membership_key, self.context)
        else:
            content = self._open(decoded)
        verify_framed_content(self.suite, content, b(self.entry["signature_pub"]), self.context)
        said = content.framed.content
        if isinstance(said, ApplicationContent):
            return said.data
        return encode(lambda writer: write_content(writer, said))

    def _open(self, message: PrivateMessage) -> AuthenticatedContent:
        sender_data = open_sender_data(self.suite, message, self.sender_data_secret)
        assert sender_data.leaf == SENDER
        kind = ratchet_of(message.content_type)
        taken = take_at(self.suite, self.secret_tree, SENDER, kind, sender_data.generation)
        return open_private_content(self.suite, message, sender_data, taken.key)

    def _sign(self, content: Content, wire_format: WireFormat) -> AuthenticatedContent:
        framed = FramedContent(
            group_id=b(self.entry["group_id"]),
            epoch=self.entry["epoch"],
            sender=MemberSender(SENDER),
            authenticated_data=b"\1\2\3",
            content=content,
        )
        private_key = b(self.entry["signature_priv"])
        signature = sign_framed_content(self.suite, wire_format, framed, private_key, self.context)
        tag = bytes(self.suite.nh) if isinstance(content, CommitContent) else None
        return AuthenticatedContent(wire_format, framed, AuthData(signature, tag))

    def as_public(self, content: Content) -> bytes:
        signed = self._sign(content, WireFormat.PUBLIC_MESSAGE)
        return encode_mls_message(protect_public(self.suite, signed, self.membership_key, self.context))

    def as_private(self, content: Content) -> bytes:
        signed = self._sign(content, WireFormat.PRIVATE_MESSAGE)
        key = take_next(self.suite, self.secret_tree, SENDER, ratchet_of(content.type)).key
        rng = seeded_rng("message protection")
        return encode_mls_message(protect_private(self.suite, signed, key, self.sender_data_secret, 7, rng))


def ratchet_of(content_type: ContentType) -> RatchetKind:
    return "application" if content_type is ContentType.APPLICATION else "handshake"


def check_handshake(group: VectorGroup, what: Literal["proposal", "commit"]) -> None:
    raw = b(group.entry[what])
    assert group.read(b(group.entry[f"{what}_pub"])) == raw
    assert group.read(b(group.entry[f"{what}_priv"])) == raw
    content = decode(raw, lambda reader: read_content(reader, ContentType[what.upper()]))
    assert group.read(group.as_public(content)) == raw
    assert group.read(group.as_private(content)) == raw


@each_vector_file("mls/message-protection")
def test_message_protection(file: VectorFile, record_property: Record) -> None:
    def check(suite: CipherSuite, entry: Entry) -> None:
        group = VectorGroup(suite, entry)
        check_handshake(group, "proposal")
        check_handshake(group, "commit")
        data = b(entry["application"])
        assert group.read(b(entry["application_priv"])) == data
        assert group.read(group.as_private(ApplicationContent(data))) == data
        assert code_of(lambda: group.as_public(ApplicationContent(data))) == "public_application"

    each_in_scope(file, record_property, check)
