import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/bytes/bytes";
import { decode } from "../../src/mls/codec";
import type { MlsError } from "../../src/mls/errors";
import { readAuthenticatedContent } from "../../src/mls/framing";
import {
  decodeMlsMessage,
  encodeMlsMessage,
  MAX_MESSAGE_LENGTH,
  type MlsMessage,
} from "../../src/mls/mlsMessage";
import { suiteOf } from "../../src/mls/suites";
import { decodeGroupSecrets, encodeGroupSecrets } from "../../src/mls/welcome";
import { eachVectorFile } from "../vectors";
import { seededRng } from "./seededRng";
import { Person } from "./simulation";

type MessagesVector = Record<string, string>;

const MESSAGES: Readonly<Record<string, MlsMessage["type"]>> = {
  mls_welcome: "welcome",
  mls_group_info: "group_info",
  mls_key_package: "key_package",
  public_message_application: "public_message",
  public_message_proposal: "public_message",
  public_message_commit: "public_message",
  private_message: "private_message",
};

eachVectorFile<MessagesVector>("mls/messages", (entries) => {
  for (const entry of entries) {
    for (const [name, type] of Object.entries(MESSAGES)) {
      const message = decodeMlsMessage(fromHex(entry[name]!));
      expect([name, message.type]).toEqual([name, type]);
      expect(toHex(encodeMlsMessage(message))).toBe(entry[name]);
    }
    const secrets = decodeGroupSecrets(fromHex(entry.group_secrets!));
    expect(toHex(encodeGroupSecrets(secrets))).toBe(entry.group_secrets);
  }
  return { checked: entries.length };
});

describe("an MLSMessage", () => {
  function refused(bytes: Uint8Array): string {
    try {
      decodeMlsMessage(bytes);
    } catch (error) {
      return (error as MlsError).message;
    }
    return "nothing thrown";
  }

  it("v008: is of a version and a wire format that exist", () => {
    expect(refused(Uint8Array.of(0, 2, 0, 1))).toMatch(/version 2/);
    expect(refused(Uint8Array.of(0, 1, 0, 6))).toMatch(/wire format 6/);
    expect(refused(Uint8Array.of(0, 1, 0, 0))).toMatch(/wire format 0/);
  });

  it("v008: holds a KeyPackage of its own version (RFC 9420 §10)", () => {
    const { bytes } = new Person(suiteOf(1), "ada", seededRng("version")).keyPackage();
    const message = Uint8Array.of(0, 1, 0, 5, ...bytes);
    expect(refused(message)).toBe("nothing thrown");
    message[5] = 2;
    expect(refused(message)).toMatch(/another version/);
  });

  it("v008: is signed for a wire format that carries content", () => {
    for (const wireFormat of [0, 3, 4, 5, 6]) {
      expect(() => decode(Uint8Array.of(0, wireFormat), readAuthenticatedContent)).toThrow(
        `wire format ${wireFormat} carries no content`,
      );
    }
  });

  it("v004, E26: is bounded before it is parsed", () => {
    expect(refused(new Uint8Array(MAX_MESSAGE_LENGTH + 1))).toMatch(/longer than/);
    expect(refused(new Uint8Array(MAX_MESSAGE_LENGTH))).toMatch(/version 0/);
  });
});
