/** The bodies of events, in bounds and in their one spelling: what wire/events.py says, checked at run time. */

import type {
  Delete,
  Edit,
  Post,
  Profile,
  React,
  SnapshotCheck,
  SnapshotPage,
  Stuck,
} from "../wire/generated";
import { CALL_READERS, type CallEvent } from "./callBodies";
import { decodeCanonical, encodeCanonical, FieldReader } from "./canonical";
import { isEmoji, isName, isPostText } from "./text";

export const MAX_BODY = 128 * 1024;
export const MAX_PAGES = 16;
export const MAX_PAGE = 32 * 1024;
const ID_LENGTH = 16;
const HASH_LENGTH = 48;
const SIGNATURE_LENGTH = 64;
const MAX_NUMBER = 2 ** 53 - 1;

export type EventBody =
  | { readonly type: "post"; readonly body: Post }
  | { readonly type: "edit"; readonly body: Edit }
  | { readonly type: "delete"; readonly body: Delete }
  | { readonly type: "react"; readonly body: React }
  | { readonly type: "profile"; readonly body: Profile }
  | { readonly type: "snapshot"; readonly body: SnapshotPage }
  | { readonly type: "snapshot_check"; readonly body: SnapshotCheck }
  | { readonly type: "stuck"; readonly body: Stuck }
  | CallEvent;

export type EventType = EventBody["type"];

type Readers = {
  readonly [T in EventType]: (reader: FieldReader) => Extract<EventBody, { type: T }>["body"];
};

const READERS: Readers = {
  post: (reader) => {
    const text = reader.text("text", isPostText);
    const replyTo = reader.optionalBytes("reply_to", ID_LENGTH);
    return replyTo === null ? { text } : { text, reply_to: replyTo };
  },
  edit: (reader) => ({ target: reader.bytes("target", ID_LENGTH), text: reader.text("text", isPostText) }),
  delete: (reader) => ({ target: reader.bytes("target", ID_LENGTH) }),
  react: (reader) => ({
    target: reader.bytes("target", ID_LENGTH),
    emoji: reader.text("emoji", isEmoji),
    on: reader.boolean("on"),
  }),
  profile: (reader) => ({ name: reader.text("name", isName) }),
  snapshot: (reader) => ({
    position: reader.integer("position", 1, MAX_NUMBER),
    page: reader.integer("page", 0, MAX_PAGES - 1),
    pages: reader.integer("pages", 1, MAX_PAGES),
    hash: reader.bytes("hash", HASH_LENGTH),
    data: reader.bytes("data", 1, MAX_PAGE),
  }),
  snapshot_check: (reader) => ({
    position: reader.integer("position", 1, MAX_NUMBER),
    hash: reader.bytes("hash", HASH_LENGTH),
    agrees: reader.boolean("agrees"),
  }),
  stuck: (reader) => ({
    position: reader.integer("position", 1, MAX_NUMBER),
    signature: reader.bytes("signature", SIGNATURE_LENGTH),
  }),
  ...CALL_READERS,
};

function isKnown(type: string): type is EventType {
  return Object.hasOwn(READERS, type);
}

function readBody(type: EventType, value: unknown): EventBody {
  const reader = new FieldReader(value, type);
  const body = READERS[type](reader);
  reader.finish();
  return { type, body } as EventBody;
}

/** Null for a type that this version does not know. @throws RoomDataError */
export function decodeBody(type: string, bytes: Uint8Array): EventBody | null {
  return isKnown(type) ? readBody(type, decodeCanonical(bytes, MAX_BODY)) : null;
}

/** @throws RoomDataError when what our own side wants to say is out of bounds: nobody would accept it */
export function encodeBody({ type, body }: EventBody): Uint8Array {
  const present = Object.entries(body).filter(([, field]) => field !== null && field !== undefined);
  const fields = Object.fromEntries(present);
  readBody(type, fields);
  return encodeCanonical(fields);
}
