"""What is signed: never bare bytes, always a label and content, each with its length (RFC 9420 §5.1.2)."""

from crypto.mls.codec import encode_varint


def sign_content(label: str, content: bytes) -> bytes:
    """`SignContent` with the whole label: "MLS 1.0 …" inside MLS, "Collegium 1.0 …" for what is ours (E5)."""
    name = label.encode()
    return b"".join((encode_varint(len(name)), name, encode_varint(len(content)), content))
