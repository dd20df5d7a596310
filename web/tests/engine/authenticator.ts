import { createHash } from "node:crypto";
import { concat, fromBase64Url, systemRng, toBase64Url, u32, utf8 } from "../../src/bytes/bytes";
import { encode } from "../../src/wire/cbor";

/** One passkey (ES256, attestation "none") and the browser's part of its ceremonies. */

// WebAuthn §6.1: user present, user verified, attested credential data included.
const PRESENT_AND_VERIFIED = 0x05;
const ATTESTED = 0x40;

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(data).digest());

/** WebAuthn wants ECDSA signatures in DER, WebCrypto makes r ‖ s. */
function der(signature: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): Uint8Array => {
    const first = bytes.findIndex((byte) => byte !== 0);
    const bare = bytes.subarray(first);
    const body = bare[0]! & 0x80 ? concat(new Uint8Array(1), bare) : bare;
    return concat(Uint8Array.of(2, body.length), body);
  };
  const body = concat(integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
  return concat(Uint8Array.of(0x30, body.length), body);
}

export class Authenticator {
  readonly id = systemRng(32);
  readonly #keys: CryptoKeyPair;
  readonly #origin: string;

  private constructor(keys: CryptoKeyPair, origin: string) {
    this.#keys = keys;
    this.#origin = origin;
  }

  static async make(origin: string): Promise<Authenticator> {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    return new Authenticator(await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]), origin);
  }

  get credentialId(): string {
    return toBase64Url(this.id);
  }

  #clientData(type: string, options: unknown): Uint8Array {
    const { challenge } = options as { challenge: string };
    return utf8(JSON.stringify({ type, challenge, origin: this.#origin }));
  }

  #data(flags: number): Uint8Array {
    return concat(sha256(utf8("localhost")), Uint8Array.of(flags | PRESENT_AND_VERIFIED), u32(0));
  }

  #answer(response: Readonly<Record<string, Uint8Array>>): unknown {
    const encoded = Object.entries(response).map(([name, value]) => [name, toBase64Url(value)]);
    const name = this.credentialId;
    return { id: name, rawId: name, type: "public-key", response: Object.fromEntries(encoded) };
  }

  async create(options: unknown): Promise<unknown> {
    const { x, y } = await crypto.subtle.exportKey("jwk", this.#keys.publicKey);
    const key = new Map<number, unknown>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, fromBase64Url(x!)],
      [-3, fromBase64Url(y!)],
    ]);
    const credential = concat(new Uint8Array(16), Uint8Array.of(0, this.id.length), this.id, encode(key));
    const authData = concat(this.#data(ATTESTED), credential);
    return this.#answer({
      clientDataJSON: this.#clientData("webauthn.create", options),
      attestationObject: encode({ fmt: "none", attStmt: {}, authData }),
    });
  }

  async get(options: unknown): Promise<unknown> {
    const clientDataJSON = this.#clientData("webauthn.get", options);
    const authenticatorData = this.#data(0);
    const signed = concat(authenticatorData, sha256(clientDataJSON));
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, this.#keys.privateKey, signed as BufferSource);
    return this.#answer({ clientDataJSON, authenticatorData, signature: der(new Uint8Array(signature)) });
  }
}
