"""ML-KEM-768's encapsulation from given randomness, written straight from FIPS 203 (algorithms 17 and 14).

The product's is OpenSSL's, which draws its own randomness; known answers and replayable walks need one
that does not. Neither fast nor constant in time: for tests alone.
"""

from dataclasses import replace
from hashlib import sha3_256, sha3_512, shake_128, shake_256

from crypto.mls.aead import AES_256_GCM
from crypto.mls.kdf import HKDF_SHA384
from crypto.mls.kem import Encapsulated, Kem
from crypto.mls.signature import ED25519
from crypto.mls.suite import ROOM_SUITE, CipherSuite
from crypto.mls.xwing import LATTICE_PUBLIC_LENGTH, MLKEM768_X25519, join

N = 256
Q = 3329
K = 3
ETA = 2
DU, DV = 10, 4

Poly = list[int]


def _bit_reversed(value: int) -> int:
    return int(f"{value:07b}"[::-1], 2)


ZETAS = [pow(17, _bit_reversed(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _bit_reversed(i) + 1, Q) for i in range(128)]


def ntt(f: Poly) -> Poly:
    f = list(f)
    i, length = 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta = ZETAS[i]
            i += 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j], f[j + length] = (f[j] + t) % Q, (f[j] - t) % Q
        length //= 2
    return f


def inverse_ntt(f: Poly) -> Poly:
    f = list(f)
    i, length = 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta = ZETAS[i]
            i -= 1
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, zeta * (f[j + length] - t) % Q
        length *= 2
    return [one * 3303 % Q for one in f]


def multiply(f: Poly, g: Poly) -> Poly:
    out = []
    for i in range(128):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        out += [(a * c + b * d * GAMMAS[i]) % Q, (a * d + b * c) % Q]
    return out


def add(*polys: Poly) -> Poly:
    return [sum(column) % Q for column in zip(*polys, strict=True)]


def sample_ntt(seed: bytes) -> Poly:
    stream = shake_128(seed).digest(168 * 8)
    out: Poly = []
    for at in range(0, len(stream), 3):
        a, b, c = stream[at : at + 3]
        for one in (a + 256 * (b % 16), b // 16 + 16 * c):
            if one < Q and len(out) < N:
                out.append(one)
    assert len(out) == N
    return out


def sample_cbd(seed: bytes, counter: int) -> Poly:
    bits = int.from_bytes(shake_256(seed + bytes((counter,))).digest(64 * ETA), "little")
    out = []
    for i in range(N):
        four = bits >> 4 * i & 15
        out.append(((four & 1) + (four >> 1 & 1) - (four >> 2 & 1) - (four >> 3)) % Q)
    return out


def decode(data: bytes, width: int) -> Poly:
    bits = int.from_bytes(data, "little")
    return [bits >> width * i & (1 << width) - 1 for i in range(N)]


def compress(f: Poly, width: int) -> bytes:
    bits = 0
    for i, one in enumerate(f):
        bits |= ((one << width) + Q // 2) // Q % (1 << width) << width * i
    return bits.to_bytes(32 * width, "little")


def encapsulate(public_key: bytes, message: bytes) -> Encapsulated:
    """`message`: 32 random bytes."""
    shared_and_r = sha3_512(message + sha3_256(public_key).digest()).digest()
    shared, r = shared_and_r[:32], shared_and_r[32:]
    t = [decode(public_key[384 * i : 384 * (i + 1)], 12) for i in range(K)]
    rho = public_key[384 * K :]
    y = [ntt(sample_cbd(r, i)) for i in range(K)]
    c1 = b""
    for i in range(K):
        # The transpose of A: its entry (j, i).
        column = [multiply(sample_ntt(rho + bytes((i, j))), y[j]) for j in range(K)]
        c1 += compress(add(inverse_ntt(add(*column)), sample_cbd(r, K + i)), DU)
    mu = [one * ((Q + 1) // 2) for one in decode(message, 1)]
    v = add(inverse_ntt(add(*map(multiply, t, y))), sample_cbd(r, 2 * K), mu)
    return Encapsulated(shared, c1 + compress(v, DV))


def _encapsulate_xwing(public_key: bytes, randomness: bytes) -> Encapsulated:
    MLKEM768_X25519.check_public_key(public_key)
    lattice = encapsulate(public_key[:LATTICE_PUBLIC_LENGTH], randomness[:32])
    return join(lattice, public_key, randomness[32:])


REPLAYABLE_XWING: Kem = replace(MLKEM768_X25519, random_length=64, encapsulate=_encapsulate_xwing)
"""X-Wing whose every byte comes from the randomness given: 32 bytes for ML-KEM, then 32 for X25519."""


REPLAYABLE_ROOM_SUITE = CipherSuite(
    ROOM_SUITE, "rooms, replayable", REPLAYABLE_XWING, HKDF_SHA384, AES_256_GCM, ED25519
)
