import { toBase64Url } from "../bytes/bytes";
import { sealBundle } from "../identity/bundle";
import { roomPin } from "../room/core";
import { EngineError } from "./errors";
import { found } from "./founding";
import { mayPass, ServerError } from "./http";
import { acceptInvite, postJoinRequest, withState } from "./joining";
import { LOOK_EVERY_MS, tend } from "./keyPackages";
import { endpointTold, tellEndpoint } from "./push";
import { type Errand, type Founding, type WaitingRow, withErrand, withoutErrand } from "./records";
import type { Session } from "./session";

/**
 * Calls to the server that must not be lost: stored before they are made, and made until they are answered. They run
 * beside the queue, one at a time; what comes of each is a draft of its own.
 */

const AGAIN_MS = 15_000;

type Outcome = { readonly kind: "done" } | { readonly kind: "later"; readonly at: number } | Refusal;
type Refusal = { readonly kind: "refused"; readonly code: string };

export class Chores {
  readonly #session: Session;
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** A group that was being started when the engine ended. */
  #unfinished: Founding | null;

  /** The last look at this device's KeyPackages, and how long it is good for: the first is soon after the unlocking. */
  #looked: number;
  #lookAfter = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#looked = session.world.now();
    this.#unfinished = session.records.founding;
  }

  /** There may be something to do. */
  kick(): void {
    if (this.#running || !this.#session.online || this.#session.closed) return;
    clearTimeout(this.#timer);
    this.#running = true;
    this.#run()
      .catch((error: unknown) => {
        if (!this.#session.closed) console.error("a chore failed", error);
      })
      .finally(() => {
        this.#running = false;
        this.#arm();
      });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    const session = this.#session;
    while (session.online && !session.closed) {
      const now = session.world.now();
      const asking = session.records.waiting.find(({ state }) => state === "asking");
      const errand = session.records.errands.find(({ notBefore }) => notBefore <= now);
      if (this.#unfinished) {
        this.#unfinished = null;
        await found(session).catch((error: unknown) => console.error("a group was given up", error));
      } else if (session.records.account.link !== null) {
        if (!(await this.#accept(session.records.account.link))) return;
      } else if (asking) {
        if (!(await this.#ask(asking))) return;
      } else if (errand) await this.#errand(errand);
      else if (now < this.#looked || now >= this.#looked + this.#lookAfter) await this.#look(now);
      else return;
    }
  }

  /** Wake for what is to be done later. */
  #arm(): void {
    const { records, world, closed } = this.#session;
    clearTimeout(this.#timer);
    if (closed || records.errands.length === 0) return;
    const wait = Math.min(...records.errands.map(({ notBefore }) => notBefore)) - world.now();
    this.#timer = setTimeout(() => this.kick(), Math.min(Math.max(wait, 250), AGAIN_MS));
  }

  /** The invitation that the account was made by. False: the server cannot be asked now. */
  async #accept(link: string): Promise<boolean> {
    const session = this.#session;
    try {
      await acceptInvite(session, link);
    } catch (error) {
      if (mayPass(error) || session.closed) return false;
      await session.work((draft) => draft.alarm("invite_lost", null, null, null));
    }
    await session.work((draft) => {
      draft.records = { ...draft.records, account: { ...draft.records.account, link: null } };
    });
    return true;
  }

  /** Post a join request again. False: the server cannot be asked now. */
  async #ask(row: WaitingRow): Promise<boolean> {
    const session = this.#session;
    try {
      await postJoinRequest(session, row);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code === "offline" || error.code === "too_many") return false;
      await session.work((draft) => {
        draft.records = withState(draft.records, row, "expired");
      });
      return true;
    }
    return true;
  }

  /** At this device's KeyPackages on the server; soon again where that cannot be asked now. */
  async #look(now: number): Promise<void> {
    this.#looked = now;
    this.#lookAfter = AGAIN_MS;
    try {
      await tend(this.#session);
      this.#lookAfter = LOOK_EVERY_MS;
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (!mayPass(error)) console.warn("KeyPackages could not be looked after", error.code);
      if (error.retryAfter !== null) this.#lookAfter = Math.max(AGAIN_MS, error.retryAfter * 1000);
    }
  }

  async #errand(errand: Errand): Promise<void> {
    const session = this.#session;
    const outcome = await this.#attempt(errand);
    await session.work((draft) => {
      if (!draft.records.errands.includes(errand)) return; // a newer one took its place
      if (outcome.kind === "later") {
        draft.records = withErrand(draft.records, { ...errand, notBefore: outcome.at });
        return;
      }
      draft.records = withoutErrand(draft.records, errand);
      if (errand.kind === "push") {
        draft.records = endpointTold(draft.records, errand, outcome.kind === "done");
        return;
      }
      if (errand.kind === "revoke" && (outcome.kind === "done" || outcome.code === "not_found")) {
        const { statement, deviceId } = errand;
        draft.stepAll({ kind: "revoke_device", statement, deviceId });
      } else if (outcome.kind === "refused") {
        if (errand.kind === "passkey") draft.alarm("passkey_unregistered", null, null, null);
        if (errand.kind === "backup") draft.alarm("backup_failed", null, null, null);
      }
    });
  }

  async #attempt(errand: Errand): Promise<Outcome> {
    try {
      await this.#do(errand);
      return { kind: "done" };
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (!mayPass(error)) return { kind: "refused", code: error.code };
      const wait = error.retryAfter === null ? AGAIN_MS : error.retryAfter * 1000;
      return { kind: "later", at: this.#session.world.now() + wait };
    }
  }

  async #do(errand: Errand): Promise<unknown> {
    const { auth, records, rooms, world } = this.#session;
    switch (errand.kind) {
      case "backup": {
        const pins = [...rooms.values()].flatMap((state) => roomPin(state) ?? []);
        const { identity, name } = records.account;
        return auth.call("PUT", "/api/backup", { backup: sealBundle({ identity, name, pins }, world.rng) });
      }
      case "passkey":
        return auth.call("POST", "/api/passkeys/register", { credential: JSON.parse(errand.registration) });
      case "withdraw_token":
        return auth.call("DELETE", `/api/registration-tokens/${toBase64Url(errand.inviteId)}`);
      case "rejoin":
        return auth.call("POST", "/api/rejoin-requests", { room_id: errand.roomId, sealed: errand.sealed });
      case "revoke":
        return auth.call("DELETE", `/api/devices/${toBase64Url(errand.deviceId)}`);
      case "push":
        return tellEndpoint(this.#session, errand);
    }
  }
}
