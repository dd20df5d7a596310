/** One input, and what comes of it. */

import { equal, toHex } from "../../bytes/bytes";
import type { RoomState as WireRoom } from "../../wire/generated";
import { type EventBody, encodeBody } from "../events";
import { isEmoji, isName, isPostText, isTitle } from "../text";
import { findPost } from "../timeline";
import { drive, onRequest, onRequestGone } from "./drive";
import { cutOff, leftRoom } from "./endings";
import { checkAfter, fetchMissing, onCaughtUp, onEntry, onGap } from "./entries";
import { judged } from "./faults";
import { comeIn, goOut } from "./media";
import { dropStaged, giveUp } from "./merging";
import { acked, MAX_OUTBOX, notStored, queueEvent, stale } from "./outbox";
import { askAgain, sendStatement, statementAnswered, takeWelcome } from "./rejoining";
import { checkReady, onRouting } from "./routing";
import { onSignal, sayTyping } from "./signals";
import { callUnknown, onCallState, sayInCall } from "./sitting";
import { refusal } from "./staging";
import { type Intent, OFFLINE, type RoomState } from "./state";
import { type Command, CommandError, type Env, type Frame, type Input, type Stepped } from "./surface";
import { isLevel, Turn } from "./turn";

const MAX_INTENTS = 100;
const ID_BYTES = 16;

/** @throws CommandError for a command that cannot be taken; the state is then as it was. */
export function step(state: RoomState, input: Input, env: Env): Stepped {
  const turn = new Turn(state, env);
  switch (input.kind) {
    case "frame":
      onFrame(turn, input.frame);
      break;
    case "ready":
      onReady(turn, input.room);
      break;
    case "offline":
      onOffline(turn);
      break;
    case "command":
      onCommand(turn, input.command);
      break;
    case "tick":
      break;
  }
  drive(turn);
  return turn.finish();
}

function onFrame(turn: Turn, frame: Frame): void {
  switch (frame.t) {
    case "entry":
      onEntry(turn, frame);
      checkReadyWord(turn);
      return;
    case "gap":
      onGap(turn, frame);
      checkReadyWord(turn);
      return;
    case "caught_up":
      onCaughtUp(turn, frame.last);
      checkReadyWord(turn);
      return;
    case "ack":
      onAck(turn, frame.id, frame.n);
      return;
    case "stale":
      onStale(turn, frame.id, frame.after);
      return;
    case "refused":
      onRefused(turn, frame.id ?? null, frame.code);
      return;
    case "welcome":
      takeWelcome(turn, frame);
      if (turn.state.stage === "member") fetchMissing(turn, turn.state.link.target);
      return;
    case "request":
      onRequest(turn, frame);
      return;
    case "request_gone":
      onRequestGone(turn, frame.request_id);
      return;
    case "cursors": {
      const cursors = new Map(turn.state.cursors);
      for (const { device, n } of frame.cursors) raise(cursors, device, n);
      turn.set({ cursors });
      return;
    }
    case "removed":
      onRemoved(turn, frame.n);
      return;
    case "routing":
      onRouting(turn, frame.new);
      return;
    case "ephemeral":
      onSignal(turn, frame);
      return;
    case "call_state":
      onCallState(turn, frame);
      return;
  }
}

function raise(cursors: Map<string, number>, device: Uint8Array, n: number): void {
  const name = toHex(device);
  cursors.set(name, Math.max(cursors.get(name) ?? 0, n));
}

/** Once level: what `ready` said about this room holds against what was read. */
function checkReadyWord(turn: Turn): void {
  const { link } = turn.state;
  if (link.ready === null || !isLevel(turn.state)) return;
  checkAfter(turn, link.ready.after);
  checkReady(turn);
}

// The connection

/** Everything that was in flight is sent again when this device is level: the server answers what it has (E17). */
function onReady(turn: Turn, room: WireRoom | null): void {
  onOffline(turn);
  const { stage } = turn.state;
  if (stage === "rejoining") askAgain(turn); // also where the server does not list this device (yet)
  if (room === null || stage === "removed" || stage === "left") return;
  const cursors = new Map(turn.state.cursors);
  for (const { device, n } of room.cursors) raise(cursors, device, n);
  turn.set({ cursors, requests: [] });
  const ready = { list: room.list, last: room.last, after: room.after };
  turn.setLink({ connected: true, target: room.last, ready });
  sendStatement(turn);
}

function onOffline(turn: Turn): void {
  const { outbox, staged, leaving, presence } = turn.state;
  turn.set({
    link: OFFLINE,
    wake: null,
    outbox: outbox.map((one) => (one.inFlight ? { ...one, inFlight: false } : one)),
    staged: staged && { ...staged, inFlight: false },
    leaving: leaving && { ...leaving, inFlight: false },
    presence: { ...presence, here: new Map(), typing: new Map(), saidHere: 0 },
  });
  callUnknown(turn);
}

// Answers

function onAck(turn: Turn, id: Uint8Array, n: number): void {
  const { leaving } = turn.state;
  statementAnswered(turn, id);
  if (leaving !== null && equal(leaving.id, id)) leftRoom(turn);
  else acked(turn, id, n); // one's own commit waits for its position (E21)
}

function onStale(turn: Turn, id: Uint8Array, after: number): void {
  const { leaving, staged } = turn.state;
  statementAnswered(turn, id);
  stale(turn, id, after);
  if (leaving !== null && equal(leaving.id, id) && leaving.after < after) {
    turn.set({ leaving: { ...leaving, payload: null, inFlight: false } });
  }
  if (staged !== null && equal(staged.id, id) && staged.after < after) dropStaged(turn);
  // Nothing is made for this epoch before what came first was read.
  if (after > turn.state.log.n) turn.setLink({ target: Math.max(turn.state.link.target, after) });
  else checkAfter(turn, after);
}

function onRefused(turn: Turn, id: Uint8Array | null, code: string): void {
  if (id === null) return;
  const { staged, leaving } = turn.state;
  if (code === "storage") {
    notStored(turn, id);
    if (staged !== null && equal(staged.id, id)) turn.set({ staged: { ...staged, inFlight: false } });
    if (leaving !== null && equal(leaving.id, id)) turn.set({ leaving: { ...leaving, inFlight: false } });
    return;
  }
  if (staged === null || !equal(staged.id, id)) return;
  dropStaged(turn);
  giveUp(turn, staged, code);
}

function onRemoved(turn: Turn, n: number): void {
  const { stage, membership, newcomer } = turn.state;
  if (stage === "removed" || stage === "left") return;
  // It came back by a later commit: this is about its earlier place.
  if (membership !== null && newcomer !== null && n < newcomer.c) return;
  cutOff(turn);
}

// Commands

function onCommand(turn: Turn, command: Command): void {
  const { state } = turn;
  if (command.kind === "mark_read") {
    turn.set({ readUpTo: Math.max(state.readUpTo, Math.min(command.n, state.log.n)) });
    return;
  }
  if (command.kind === "media_off" && state.membership === null) return; // it is out already
  if (state.stage === "removed" || state.stage === "left") throw new CommandError("not_a_member");
  switch (command.kind) {
    case "post":
      say(turn, command);
      // Whoever goes on writing after a message is seen to write at once.
      turn.setPresence({ saidTyping: 0 });
      return;
    case "edit":
    case "delete":
    case "react":
    case "say":
    case "profile":
      say(turn, command);
      return;
    case "leave":
      leave(turn);
      return;
    case "resume":
      resume(turn);
      return;
    case "typing":
      sayTyping(turn);
      return;
    case "presence":
      turn.setPresence({ saidHere: 0 });
      return;
    case "media_on":
      comeIn(turn, command.rekey);
      return;
    case "media_off":
      goOut(turn, command.rekey);
      return;
    case "say_in_call":
      sayInCall(turn, command.signal);
      return;
    default:
      want(turn, intentOf(command));
  }
}

type Saying = Extract<Command, { kind: "post" | "edit" | "delete" | "react" | "say" | "profile" }>;

function say(turn: Turn, command: Saying): void {
  const { outbox, leaving } = turn.state;
  if (leaving !== null) throw new CommandError("leaving");
  if (outbox.length >= MAX_OUTBOX) throw new CommandError("outbox_full");
  queueEvent(turn, bodyOf(turn, command));
}

function bodyOf(turn: Turn, command: Saying): EventBody {
  switch (command.kind) {
    case "post": {
      const { text, replyTo } = command;
      if (!isPostText(text)) throw new CommandError("text");
      return { type: "post", body: replyTo === null ? { text } : { text, reply_to: replyTo } };
    }
    case "edit":
      if (!isPostText(command.text)) throw new CommandError("text");
      return { type: "edit", body: { target: own(turn, command.target), text: command.text } };
    case "delete":
      return { type: "delete", body: { target: own(turn, command.target) } };
    case "react": {
      const { target, emoji, on } = command;
      if (!isEmoji(emoji)) throw new CommandError("emoji");
      if (target.length !== ID_BYTES) throw new CommandError("target");
      return { type: "react", body: { target, emoji, on } };
    }
    case "say":
      if ("fault" in judged(() => encodeBody(command.event))) throw new CommandError("out_of_bounds");
      return command.event;
    case "profile":
      if (!isName(turn.env.me.name)) throw new CommandError("name");
      return { type: "profile", body: { name: turn.env.me.name } };
  }
}

/** One's own post, in the log or still on its way. */
function own(turn: Turn, target: Uint8Array): Uint8Array {
  const { timeline, outbox } = turn.state;
  const post = findPost(timeline, target);
  const mine =
    post !== null
      ? equal(post.author, turn.env.me.accountId) && !post.deleted
      : outbox.some(({ id, event }) => event.type === "post" && equal(id, target));
  if (!mine) throw new CommandError("not_yours");
  return target;
}

function leave(turn: Turn): void {
  const { leaving, stage } = turn.state;
  if (stage !== "member") throw new CommandError("rejoining");
  if (leaving !== null) return;
  // E21: a commit of one's own that was sent may be in the log; the leave follows it (`drive`).
  const id = turn.env.rng(ID_BYTES);
  turn.set({ leaving: { id, payload: null, hashes: [], after: 0, inFlight: false } });
}

function resume(turn: Turn): void {
  const { pause, tolerated } = turn.state;
  if (pause === null) return;
  turn.set({ pause: null });
  if (pause.who !== null) turn.set({ tolerated: new Set([...tolerated, toHex(pause.who)]) });
}

type Wish = Extract<Command, { kind: Intent["kind"] }>;

function intentOf(command: Wish): Intent {
  if (command.kind === "rename" && !isTitle(command.title)) throw new CommandError("title");
  return command;
}

function want(turn: Turn, intent: Intent): void {
  const { intents, stage, leaving } = turn.state;
  if (stage !== "member") throw new CommandError("rejoining");
  if (leaving !== null) throw new CommandError("leaving");
  if (intents.length >= MAX_INTENTS) throw new CommandError("too_many");
  const refused = refusal(turn, intent);
  if (refused !== null) throw new CommandError(refused);
  turn.set({ intents: [...intents, intent] });
}
