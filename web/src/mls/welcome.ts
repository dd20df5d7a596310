/** The Welcome message (RFC 9420 §12.4.3.1): how an epoch's secrets reach those who are added. */

import { EMPTY, equal, type Rng, wipe } from "../bytes/bytes";
import { decode, encode, type Reader, type Writer } from "./codec";
import { InvalidError } from "./errors";
import { decodeGroupInfo, encodeGroupInfo, type GroupInfo } from "./groupInfo";
import { type PreSharedKeyId, readPreSharedKeyId, writePreSharedKeyId } from "./pskId";
import type { CipherSuite, HpkeCiphertext } from "./suite";
import { readHpkeCiphertext, writeHpkeCiphertext } from "./updatePath";

export type GroupSecrets = Readonly<{
  joinerSecret: Uint8Array;
  /** Of the lowest node above both the adder and the new member; null without a path. */
  pathSecret: Uint8Array | null;
  psks: readonly PreSharedKeyId[];
}>;

export type EncryptedGroupSecrets = Readonly<{
  /** A KeyPackageRef. */
  newMember: Uint8Array;
  encrypted: HpkeCiphertext;
}>;

export type Welcome = Readonly<{
  suite: number;
  secrets: readonly EncryptedGroupSecrets[];
  encryptedGroupInfo: Uint8Array;
}>;

const LABEL = "Welcome";
const MAX_NEW_MEMBERS = 1024;
const MAX_PSKS = 1024;

export function writeGroupSecrets(writer: Writer, secrets: GroupSecrets): void {
  writer
    .opaque(secrets.joinerSecret)
    .optional(secrets.pathSecret, (inner, secret) => inner.opaque(secret))
    .vector(secrets.psks, writePreSharedKeyId);
}

export function readGroupSecrets(reader: Reader): GroupSecrets {
  return {
    joinerSecret: reader.opaque(),
    pathSecret: reader.optional((inner) => inner.opaque()) ?? null,
    psks: reader.vector(readPreSharedKeyId, MAX_PSKS),
  };
}

export const encodeGroupSecrets = (secrets: GroupSecrets): Uint8Array =>
  encode((writer) => writeGroupSecrets(writer, secrets));

/** @throws DecodeError */
export const decodeGroupSecrets = (bytes: Uint8Array): GroupSecrets => decode(bytes, readGroupSecrets);

function writeEncryptedGroupSecrets(writer: Writer, { newMember, encrypted }: EncryptedGroupSecrets): void {
  writeHpkeCiphertext(writer.opaque(newMember), encrypted);
}

function readEncryptedGroupSecrets(reader: Reader): EncryptedGroupSecrets {
  return { newMember: reader.opaque(), encrypted: readHpkeCiphertext(reader) };
}

export function writeWelcome(writer: Writer, welcome: Welcome): void {
  writer
    .uint16(welcome.suite)
    .vector(welcome.secrets, writeEncryptedGroupSecrets)
    .opaque(welcome.encryptedGroupInfo);
}

export function readWelcome(reader: Reader): Welcome {
  return {
    suite: reader.uint16(),
    secrets: reader.vector(readEncryptedGroupSecrets, MAX_NEW_MEMBERS),
    encryptedGroupInfo: reader.opaque(),
  };
}

type AeadKey = Readonly<{ key: Uint8Array; nonce: Uint8Array }>;

function groupInfoKey(suite: CipherSuite, welcomeSecret: Uint8Array): AeadKey {
  return {
    key: suite.expandWithLabel(welcomeSecret, "key", EMPTY, suite.nk),
    nonce: suite.expandWithLabel(welcomeSecret, "nonce", EMPTY, suite.nn),
  };
}

export type NewMember = Readonly<{
  keyPackageRef: Uint8Array;
  initKey: Uint8Array;
  pathSecret: Uint8Array | null;
}>;

/** One Welcome for all new members of a commit. */
export function sealWelcome(
  suite: CipherSuite,
  groupInfo: GroupInfo,
  shared: Readonly<{
    joinerSecret: Uint8Array;
    welcomeSecret: Uint8Array;
    psks: readonly PreSharedKeyId[];
  }>,
  newMembers: readonly NewMember[],
  rng: Rng,
): Welcome {
  const { key, nonce } = groupInfoKey(suite, shared.welcomeSecret);
  // Key and nonce follow from a joiner secret, which one commit has: they seal this GroupInfo alone.
  const encryptedGroupInfo = suite.seal(key, nonce, EMPTY, encodeGroupInfo(groupInfo));
  wipe(key, nonce);
  const encrypt = suite.encrypterWithLabel(LABEL, encryptedGroupInfo);
  const secrets = newMembers.map(({ keyPackageRef, initKey, pathSecret }) => {
    const plaintext = encodeGroupSecrets({ ...shared, pathSecret });
    const encrypted = encrypt(initKey, plaintext, rng);
    wipe(plaintext);
    return { newMember: keyPackageRef, encrypted };
  });
  return { suite: suite.id, secrets, encryptedGroupInfo };
}

/**
 * What a Welcome holds for the client of one KeyPackage.
 * @throws InvalidError v701_welcome_suite, v702_welcome_not_for_me · AeadError | DecodeError | KeyError
 */
export function openGroupSecrets(
  suite: CipherSuite,
  welcome: Welcome,
  keyPackageRef: Uint8Array,
  initPrivateKey: Uint8Array,
): GroupSecrets {
  if (welcome.suite !== suite.id) {
    throw new InvalidError("v701_welcome_suite", "a Welcome for another cipher suite than the KeyPackage's");
  }
  const found = welcome.secrets.find(({ newMember }) => equal(newMember, keyPackageRef));
  if (found === undefined) {
    throw new InvalidError("v702_welcome_not_for_me", "a Welcome that does not name the KeyPackage");
  }
  const plaintext = suite.decryptWithLabel(
    initPrivateKey,
    LABEL,
    welcome.encryptedGroupInfo,
    found.encrypted,
  );
  const secrets = decodeGroupSecrets(plaintext);
  wipe(plaintext);
  // Every suite's secrets are KDF.Nh bytes; another length is no secret of a commit.
  const { joinerSecret, pathSecret } = secrets;
  if (joinerSecret.length !== suite.nh || (pathSecret !== null && pathSecret.length !== suite.nh)) {
    throw new InvalidError("v703_welcome_secret_length", "a Welcome's secret is not of the suite's length");
  }
  return secrets;
}

/** @throws AeadError | DecodeError */
export function openGroupInfo(suite: CipherSuite, welcome: Welcome, welcomeSecret: Uint8Array): GroupInfo {
  const { key, nonce } = groupInfoKey(suite, welcomeSecret);
  const plaintext = suite.open(key, nonce, EMPTY, welcome.encryptedGroupInfo);
  wipe(key, nonce);
  return decodeGroupInfo(plaintext);
}
