"""The recovery code: 120 random bits, from which a person's root key comes (E6).

THREATS 37: it is always drawn, never chosen, so there is nothing to guess and no slow function whose cost
somebody could lower. Written as 28 letters of Crockford's alphabet in groups of four; the last group is a
checksum.
"""

import re
import unicodedata
from hashlib import sha256
from typing import Final

from crypto.identity.errors import RecoveryCodeError
from crypto.mls.bytes import Rng, equal
from crypto.mls.errors import UsageError
from crypto.mls.kem import draw

RECOVERY_CODE_BYTES: Final = 15
RECOVERY_GROUPS: Final = 7
_GROUP_LETTERS: Final = 4
_CODE_LETTERS: Final = 24
_LETTERS: Final = RECOVERY_GROUPS * _GROUP_LETTERS
_CHECKSUM_LABEL: Final = b"Collegium 1.0 recovery code checksum"
# Without I, L, O and U: nothing in it can be read as another letter of it.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS: Final = 5
_CHECKSUM_BITS: Final = _BITS * _GROUP_LETTERS
# Longer than any way to write a code with spaces and dashes.
_MAX_TYPED: Final = 256
# As typed and as pasted: the white space of JavaScript, and every character with the property Dash.
_SPACE_OR_DASH = re.compile(
    "[\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
    "\\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2053\u207b\u208b\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d"
    "\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead]"
)
_LOOK_ALIKE: Final = str.maketrans("OIL", "011")


def new_recovery_code(rng: Rng) -> bytes:
    return draw(rng, RECOVERY_CODE_BYTES)


def recovery_groups(code: bytes) -> list[str]:
    """The seven groups as they are shown and asked for. Raises UsageError unless the code is of 15 bytes."""
    if len(code) != RECOVERY_CODE_BYTES:
        raise UsageError("recovery_code", f"a recovery code of {len(code)} bytes")
    letters = _to_letters(int.from_bytes(code, "big"), _CODE_LETTERS) + _checksum(code)
    return [letters[at : at + _GROUP_LETTERS] for at in range(0, _LETTERS, _GROUP_LETTERS)]


def format_recovery_code(code: bytes) -> str:
    """ "ABCD-EFGH-…" Raises UsageError when the code is not of 15 bytes."""
    return "-".join(recovery_groups(code))


def parse_recovery_code(text: str) -> bytes:
    """What somebody typed or pasted, in any case, with any spaces and dashes; O is 0, I and L are 1.

    Raises RecoveryCodeError that says what is wrong: a letter (and in which group), the length, or the
    checksum.
    """
    if len(text) > _MAX_TYPED:
        raise RecoveryCodeError("recovery_code_length", "far too long for a code")
    letters = _plain_letters(text)
    for at, letter in enumerate(letters):
        if letter not in _ALPHABET:
            group = at // _GROUP_LETTERS + 1
            raise RecoveryCodeError(
                "recovery_code_letters", f"group {group} has a letter that no code has", group
            )
    if len(letters) != _LETTERS:
        raise RecoveryCodeError("recovery_code_length", f"{len(letters)} letters, not {_LETTERS}")
    number = 0
    for letter in letters[:_CODE_LETTERS]:
        number = number << _BITS | _ALPHABET.index(letter)
    code = number.to_bytes(RECOVERY_CODE_BYTES, "big")
    if _checksum(code) != letters[_CODE_LETTERS:]:
        raise RecoveryCodeError("recovery_code_checksum", "the letters do not belong together")
    return code


def same_recovery_group(typed: str, group: str) -> bool:
    """Whether a group typed back is the one that was shown, as forgiving as the whole code is."""
    if len(typed) > _MAX_TYPED:
        return False
    return equal(_plain_letters(typed).encode(errors="surrogatepass"), group.encode())


def _plain_letters(text: str) -> str:
    """One for each character that counts, so that the place of a wrong one is known."""
    bare = _SPACE_OR_DASH.sub("", unicodedata.normalize("NFKC", text).upper())
    # Cf: marks that nobody sees and that pasting brings along.
    return "".join(one for one in bare if unicodedata.category(one) != "Cf").translate(_LOOK_ALIKE)


def _to_letters(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> _BITS * (count - 1 - at) & 31] for at in range(count))


def _checksum(code: bytes) -> str:
    """The first 20 bits of a hash: a mistyped code passes once in a million times."""
    bits = int.from_bytes(sha256(_CHECKSUM_LABEL + code).digest(), "big") >> (256 - _CHECKSUM_BITS)
    return _to_letters(bits, _GROUP_LETTERS)
