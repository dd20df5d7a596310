"""A client that joins by Welcome and follows what others do, as the vectors tell it."""

from crypto.mls.application import OpenedProposal, unprotect
from crypto.mls.complete_commit import complete_commit
from crypto.mls.framing import PublicMessage
from crypto.mls.group import Group, epoch_authenticator, resumption_psk
from crypto.mls.join_group import join_by_welcome
from crypto.mls.judge_commit import ProposalReference, judge_commit
from crypto.mls.key_package import KeyPackage, KeyPackageSecrets, encode_key_package
from crypto.mls.message_protection import VerifiedContent
from crypto.mls.mls_message import decode_mls_message
from crypto.mls.psk_id import ExternalPskId, PreSharedKeyId
from crypto.mls.public_messages import open_public_message
from crypto.mls.suite import CipherSuite
from tests.crypto.vectors import Entry, Record, VectorFile, b, each_in_scope, each_vector_file


class PassiveClient:
    def __init__(self, suite: CipherSuite, entry: Entry) -> None:
        self.external = {b(one["psk_id"]): b(one["psk"]) for one in entry["external_psks"]}
        self.resumption: dict[tuple[bytes, int], bytes] = {}
        key_package = decode_mls_message(b(entry["key_package"]))
        assert isinstance(key_package, KeyPackage)
        tree = entry["ratchet_tree"]
        self.group = join_by_welcome(
            suite=suite,
            welcome=b(entry["welcome"]),
            key_package=encode_key_package(key_package),
            secrets=KeyPackageSecrets(
                init_private_key=b(entry["init_priv"]),
                encryption_private_key=b(entry["encryption_priv"]),
                signature_private_key=b(entry["signature_priv"]),
            ),
            psks=self.lookup,
            tree=None if tree is None else b(tree),
        ).group
        self.remember()
        assert epoch_authenticator(self.group) == b(entry["initial_epoch_authenticator"])

    def lookup(self, psk: PreSharedKeyId) -> bytes | None:
        if isinstance(psk, ExternalPskId):
            return self.external.get(psk.id)
        return self.resumption.get((psk.group_id, psk.epoch))

    def remember(self) -> None:
        context = self.group.context
        self.resumption[context.group_id, context.epoch] = resumption_psk(self.group)

    def open_proposal(self, message: bytes) -> ProposalReference:
        if isinstance(decode_mls_message(message), PublicMessage):
            public = open_public_message(self.group, message)
            sender, content = public.sender, public.content
        else:
            private = unprotect(self.group, message)
            self.group = private.group
            sender, content = private.sender, private.content
        assert isinstance(content, OpenedProposal)
        return ProposalReference(content.proposal, content.ref, sender)

    def open_commit(self, message: bytes) -> tuple[Group, VerifiedContent]:
        if isinstance(decode_mls_message(message), PublicMessage):
            return self.group, open_public_message(self.group, message).authenticated
        opened = unprotect(self.group, message)
        return opened.group, opened.authenticated

    def follow(self, epoch: Entry) -> None:
        references = [self.open_proposal(b(message)) for message in epoch["proposals"]]
        self.group, authenticated = self.open_commit(b(epoch["commit"]))
        judged = judge_commit(self.group, authenticated, references)
        self.group = complete_commit(self.group, judged, self.lookup).next
        self.remember()
        assert epoch_authenticator(self.group) == b(epoch["epoch_authenticator"])


@each_vector_file("mls/passive-client")
def test_passive_client(file: VectorFile, record_property: Record) -> None:
    def check(suite: CipherSuite, entry: Entry) -> None:
        client = PassiveClient(suite, entry)
        for epoch in entry["epochs"]:
            client.follow(epoch)

    each_in_scope(file, record_property, check)
