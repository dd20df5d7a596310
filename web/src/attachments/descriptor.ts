/**
 * What an event says of an attachment: all that is needed to fetch it, to open it and to show what it is.
 *
 * It travels inside the encrypted event, name and type too. The server sees ciphertext of a padded size, under its hash.
 */

import { decodeCanonical, encodeCanonical, FieldReader, type Fields } from "../room/canonical";
import { isFileName } from "../room/text";
import { FILE_KEY_LENGTH } from "./chunkCipher";
import { Geometry, MAX_CHUNK_SIZE, MAX_SIZE, MIN_CHUNK_SIZE } from "./geometry";

export type FileDescriptor = {
  readonly key: Uint8Array;
  /** Bytes of the file itself. */
  readonly size: number;
  readonly chunkSize: number;
  /** SHA-256 of the whole ciphertext; the server keeps it under this name. */
  readonly hash: Uint8Array;
  readonly name: string;
  /** A media type, such as "image/jpeg". A claim of the sender's, like the name. */
  readonly type: string;
};

export const HASH_LENGTH = 32;
export const MAX_TYPE = 127;
export const MAX_DESCRIPTOR = 2048;

/** RFC 6838 §4.2, in small letters. */
const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;

export const isMediaType = (text: string): boolean => text.length <= MAX_TYPE && TYPE.test(text);

export const geometryOf = ({ size, chunkSize }: FileDescriptor): Geometry => new Geometry(size, chunkSize);

/** As it stands in an event's body. */
export function descriptorFields(descriptor: FileDescriptor): Fields {
  const { key, size, chunkSize, hash, name, type } = descriptor;
  return { key, size, chunk_size: chunkSize, hash, name, type };
}

/** @throws RoomDataError */
export function readDescriptor(value: unknown): FileDescriptor {
  const reader = new FieldReader(value, "file");
  const descriptor = {
    key: reader.bytes("key", FILE_KEY_LENGTH),
    size: reader.integer("size", 0, MAX_SIZE),
    chunkSize: reader.integer("chunk_size", MIN_CHUNK_SIZE, MAX_CHUNK_SIZE),
    hash: reader.bytes("hash", HASH_LENGTH),
    name: reader.text("name", isFileName),
    type: reader.text("type", isMediaType),
  };
  reader.finish();
  return descriptor;
}

export const encodeDescriptor = (descriptor: FileDescriptor): Uint8Array =>
  encodeCanonical(descriptorFields(descriptor));

/** @throws RoomDataError */
export const decodeDescriptor = (data: Uint8Array): FileDescriptor =>
  readDescriptor(decodeCanonical(data, MAX_DESCRIPTOR));
