"""Leaf keys of this device: fresh for each room and each coming, certified by the identity key (E8)."""

from client.room.surface import Env
from crypto.identity.certificate import certificate_window, certify_device
from crypto.identity.credential import encode_credential
from crypto.mls.credential import BasicCredential
from crypto.mls.key_package import CreatedKeyPackage, KeyPackageInput, create_key_package
from crypto.mls.suite import room_suite
from crypto.room.leaf_rules import MAX_KEY_PACKAGE_LIFETIME


def fresh_leaf(env: Env, above: int) -> KeyPackageInput:
    """What a leaf of this device says, and its signature key. `above`: the serial of the certificate that it
    takes over from; 0 where there is none.
    """
    me = env.me
    signature = room_suite.signature_key_pair(env.rng)
    window = certificate_window(env.server_now)
    seconds = window.not_before // 1000
    certificate = certify_device(
        me.identity,
        deployment_id=me.deployment_id,
        device_id=me.device_id,
        leaf_key=signature.public_key,
        # E9: it never falls, also on a device that has lost what it knew.
        serial=max(above, env.server_now // 1000),
        not_before=window.not_before,
        not_after=window.not_after,
    )
    return KeyPackageInput(
        signature=signature,
        credential=BasicCredential(encode_credential(me.identity.chain, certificate)),
        not_before=seconds,
        # E10: who is asked answers within days; the certificate lasts longer.
        not_after=seconds + MAX_KEY_PACKAGE_LIFETIME,
    )


def fresh_key_package(env: Env, above: int) -> CreatedKeyPackage:
    return create_key_package(room_suite, fresh_leaf(env, above), env.rng)
