import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/mls/errors";
import { FrameDecryptor } from "../../src/sframe/frameDecryptor";
import { EPOCH_GRACE, ReceiveKeys } from "../../src/sframe/receiveKeys";
import { EVERYONE, epochOf, frameOf, heard, receiver, sender } from "./call";

const frame = frameOf("audio", 80);

describe("epochs of a call (E36)", () => {
  it("an epoch is heard for ten seconds after it ended, and not a moment more", async () => {
    const { keys, decryptor } = receiver("audio", 7n);
    const ben = sender("audio", 7n, 3);
    keys.begin(epochOf(8n), 1000);
    expect(EPOCH_GRACE).toBe(10_000);
    expect(heard(await decryptor.decrypt(await ben.encrypt(frame), 10_999))).toBe("ben");
    expect(await decryptor.decrypt(await ben.encrypt(frame), 11_000)).toBe("no_key");
    // Nobody has to ask for it to be gone, and it does not come back with an earlier clock once it was dropped.
    expect(keys.expire(11_000)).toBeNull();
    expect(await decryptor.decrypt(await ben.encrypt(frame), 0)).toBe("no_key");
  });

  it("says when keys are due", () => {
    const { keys } = receiver("audio", 7n);
    expect(keys.expire(500)).toBeNull();
    keys.begin(epochOf(8n), 1000);
    keys.begin(epochOf(9n), 4000);
    expect(keys.expire(4000)).toBe(11_000);
    expect(keys.expire(11_000)).toBe(14_000);
    expect(keys.expire(14_000)).toBeNull();
  });

  it("whoever was removed is unheard at once, in every epoch that is still known", async () => {
    const { keys, decryptor } = receiver("audio", 7n);
    const [anna, ben] = [sender("audio", 7n, 0), sender("audio", 7n, 3)];
    const late = sender("audio", 8n, 3);
    expect(heard(await decryptor.decrypt(await ben.encrypt(frame), 0))).toBe("ben");
    keys.begin(epochOf(8n), 0);
    const without = new Map(EVERYONE);
    without.delete(3);
    keys.begin(epochOf(9n, without), 1);
    expect(await decryptor.decrypt(await ben.encrypt(frame), 2)).toBe("no_key");
    expect(await decryptor.decrypt(await late.encrypt(frame), 2)).toBe("no_key");
    expect(heard(await decryptor.decrypt(await anna.encrypt(frame), 2))).toBe("anna");
  });

  it("whoever takes a removed person's leaf takes nothing of theirs", async () => {
    const { keys, decryptor } = receiver("audio", 7n);
    const ben = sender("audio", 7n, 3);
    keys.begin(epochOf(8n, new Map(EVERYONE).set(3, "dora")), 0);
    expect(await decryptor.decrypt(await ben.encrypt(frame), 1)).toBe("no_key");
    expect(heard(await decryptor.decrypt(await sender("audio", 8n, 3).encrypt(frame), 1))).toBe("dora");
  });

  it("two epochs with the same low byte are never known at once", async () => {
    const { keys, decryptor } = receiver("audio", 7n);
    const early = sender("audio", 7n, 3);
    expect(heard(await decryptor.decrypt(await early.encrypt(frame), 0))).toBe("ben");
    keys.begin(epochOf(7n + 256n), 1);
    expect(await decryptor.decrypt(await early.encrypt(frame), 2)).toBe("forged");
    const opened = await decryptor.decrypt(await sender("audio", 263n, 3).encrypt(frame), 2);
    expect(opened).toMatchObject({ who: "ben", epoch: 263n });
    // It is the present epoch that stands there now: it does not expire with the old one.
    expect(keys.expire(1_000_000)).toBeNull();
    expect(heard(await decryptor.decrypt(await sender("audio", 263n, 0).encrypt(frame), 1_000_000))).toBe(
      "anna",
    );
  });

  it("begin in their order", () => {
    const { keys } = receiver("audio", 7n);
    expect(() => keys.begin(epochOf(7n), 1)).toThrow(UsageError);
    expect(() => keys.begin(epochOf(6n), 1)).toThrow(UsageError);
  });

  it("when a call is over, nothing of it is heard", async () => {
    const { keys, decryptor } = receiver("audio", 7n);
    const ben = sender("audio", 7n, 3);
    expect(heard(await decryptor.decrypt(await ben.encrypt(frame), 0))).toBe("ben");
    keys.close();
    expect(await decryptor.decrypt(await ben.encrypt(frame), 0)).toBe("no_key");
    expect(await new FrameDecryptor("audio", new ReceiveKeys()).decrypt(await ben.encrypt(frame), 0)).toBe(
      "no_key",
    );
  });
});
