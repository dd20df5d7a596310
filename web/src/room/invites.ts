/**
 * Invites (E27, E28): the link and its secret. Whoever holds the link can ask to be let in; only members, who have the
 * open invite in their GroupContext, can read what is asked, and answer so that the asker knows it was they.
 */

import { EMPTY, fromBase64Url, type Rng, toBase64Url, utf8 } from "../bytes/bytes";
import * as ed25519 from "../mls/ed25519";
import { HKDF_SHA384 } from "../mls/kdf";
import { draw, type KeyPair } from "../mls/kem";
import { RoomError } from "./errors";
import { ID_LENGTH, KEY_LENGTH, type OpenInvite } from "./roomContext";

/** E28: milliseconds. */
export const INVITE_LIFETIME = 72 * 3_600_000;

const FRAGMENT_VERSION = 1;
const SECRET_LENGTH = 16;
const TOKEN_LENGTH = 32;

/** What the link holds behind its token. It never leaves the browser. */
export type Fragment = {
  readonly secret: Uint8Array;
  /** First 16 bytes of the hash of the inviter's first root key, which is its account id (E6). */
  readonly inviter: Uint8Array;
};

export type InviteKeys = {
  readonly inviteId: Uint8Array;
  readonly joinKey: KeyPair;
  readonly welcomeKey: Uint8Array;
  readonly sealKey: Uint8Array;
};

/** E27: everything that an invite has comes from its secret. */
export function keysOf(secret: Uint8Array): InviteKeys {
  const prk = HKDF_SHA384.extract(EMPTY, secret);
  const derive = (what: string, length: number) =>
    HKDF_SHA384.expand(prk, utf8(`Collegium 1.0 invite ${what}`), length);
  const privateKey = derive("join", KEY_LENGTH);
  return {
    inviteId: derive("id", ID_LENGTH),
    joinKey: { privateKey, publicKey: ed25519.publicKey(privateKey) },
    welcomeKey: derive("welcome", KEY_LENGTH),
    sealKey: derive("seal", KEY_LENGTH),
  };
}

/** A new invite: the fragment for the link, and what its inviter commits. `now` is the corrected clock (ms). */
export function newInvite(
  rng: Rng,
  inviter: Uint8Array,
  now: number,
): { readonly fragment: Fragment; readonly open: OpenInvite } {
  const secret = draw(rng, SECRET_LENGTH);
  const keys = keysOf(secret);
  return {
    fragment: { secret, inviter },
    open: {
      id: keys.inviteId,
      inviter,
      joinKey: keys.joinKey.publicKey,
      welcomeKey: keys.welcomeKey,
      sealKey: keys.sealKey,
      role: "member",
      notAfter: now + INVITE_LIFETIME,
    },
  };
}

// Links

/** What is wrong with a link that somebody opened. */
export class LinkError extends RoomError {
  constructor(code: "link_incomplete" | "link_version", message: string) {
    super(code, "peer", message);
  }
}

export function encodeFragment({ secret, inviter }: Fragment): string {
  return toBase64Url(Uint8Array.of(FRAGMENT_VERSION, ...secret, ...inviter));
}

/** @throws LinkError */
export function parseFragment(text: string): Fragment {
  const bytes = decodeText(text, 1 + SECRET_LENGTH + ID_LENGTH);
  if (bytes[0] !== FRAGMENT_VERSION) throw new LinkError("link_version", "a link of another version");
  return { secret: bytes.slice(1, 1 + SECRET_LENGTH), inviter: bytes.slice(1 + SECRET_LENGTH) };
}

/** The text behind `#` of a link; `token` is the base64url of 32 bytes. */
export type Link =
  | { readonly kind: "founder"; readonly token: string }
  | { readonly kind: "invite"; readonly token: string; readonly fragment: Fragment };

export function encodeLink(link: Link): string {
  return link.kind === "founder" ? `f.${link.token}` : `${link.token}.${encodeFragment(link.fragment)}`;
}

/** `f.TOKEN` of a founder, `TOKEN.FRAGMENT` of an invite. @throws LinkError for one that was cut or mistyped */
export function parseLink(text: string): Link {
  const [first, second, ...more] = text.split(".");
  if (first === undefined || second === undefined || more.length > 0) {
    throw new LinkError("link_incomplete", "not two parts");
  }
  if (first === "f") return { kind: "founder", token: checkToken(second) };
  return { kind: "invite", token: checkToken(first), fragment: parseFragment(second) };
}

function checkToken(text: string): string {
  decodeText(text, TOKEN_LENGTH);
  return text;
}

function decodeText(text: string, length: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64Url(text);
  } catch (cause) {
    if (cause instanceof RangeError) throw new LinkError("link_incomplete", "not base64url");
    throw cause;
  }
  if (bytes.length !== length) throw new LinkError("link_incomplete", `${bytes.length} bytes, not ${length}`);
  return bytes;
}
