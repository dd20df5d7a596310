import { expect, it } from "vitest";
import { EMPTY, toHex } from "../../src/bytes/bytes";
import { epoch, exportSecret } from "../../src/mls/group";
import { FrameDecryptor } from "../../src/sframe/frameDecryptor";
import { FrameEncryptor } from "../../src/sframe/frameEncryptor";
import { BASE_KEY_LABEL, BASE_KEY_LENGTH } from "../../src/sframe/keyDerivation";
import { ReceiveKeys } from "../../src/sframe/receiveKeys";
import { seeded } from "../identity/people";
import { type Client, commitAll, remove, roomOf } from "../mls/simulation";
import { frameOf, heard, said } from "./call";

const frame = frameOf("camera", 200);
const baseKey = (client: Client) => exportSecret(client.group, BASE_KEY_LABEL, EMPTY, BASE_KEY_LENGTH);

class Participant {
  readonly keys = new ReceiveKeys();
  readonly encryptor: FrameEncryptor;
  readonly decryptor = new FrameDecryptor("camera", this.keys);

  constructor(
    readonly client: Client,
    readonly name: string,
  ) {
    this.encryptor = new FrameEncryptor("camera", seeded(name));
  }

  merged(people: readonly Participant[], now: number): void {
    const { leaf } = this.client;
    const present = { epoch: epoch(this.client.group), baseKey: baseKey(this.client) };
    const leaves = new Map(people.map(({ client, name }) => [client.leaf, name]));
    this.encryptor.switchTo({ ...present, leaf });
    this.keys.begin({ ...present, leaves, ownLeaf: leaf }, now);
  }
}

it("E36 a removed member of a group neither hears nor is heard", async () => {
  const names = ["anna", "ben", "cleo"];
  const everyone = roomOf(1, names, seeded("call")).map((one, i) => new Participant(one, names[i]!));
  const [anna, ben, cleo] = everyone as [Participant, Participant, Participant];
  for (const one of everyone) one.merged(everyone, 0);
  const spoken = await anna.decryptor.decrypt(await ben.encryptor.encrypt(frame), 0);
  expect([heard(spoken), said(spoken)]).toEqual(["ben", toHex(frame)]);

  commitAll([anna.client, cleo.client], { proposals: [remove(ben.client)] });
  for (const one of [anna, cleo]) one.merged([anna, cleo], 1000);
  expect(toHex(baseKey(anna.client))).toBe(toHex(baseKey(cleo.client)));
  expect(await anna.decryptor.decrypt(await ben.encryptor.encrypt(frame), 1000)).toBe("no_key");
  const after = await cleo.encryptor.encrypt(frame);
  expect(heard(await anna.decryptor.decrypt(after, 1000))).toBe("cleo");
  expect(await ben.decryptor.decrypt(after, 1000)).toBe("no_key");
});
