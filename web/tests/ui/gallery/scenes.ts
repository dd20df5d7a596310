import type { AppView, GroupSummary, Member, Person, RoomView, TimelineItem } from "../../../src/engine/api";
import type { Script } from "./scriptedEngine";

/** Every view and state of the interface by name. Times hang on a fixed moment, so that pictures can be compared. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const NOW = Date.UTC(2026, 4, 20, 13, 30);

export const anna: Person = { accountId: "acc-anna", name: "Anna Berger", standing: "introduced" };
export const ben: Person = { accountId: "acc-ben", name: "Ben Okafor", standing: "introduced" };
export const carla: Person = { accountId: "acc-carla", name: "Dr. Carla Nielsen", standing: "changed" };
export const dov: Person = { accountId: "acc-dov", name: "Dov Rosenthal", standing: "introduced" };
export const me: Person = { accountId: "acc-me", name: "Miriam Sandoval", standing: "me" };

type Post = TimelineItem & { kind: "post" };
let serial = 0;
function post(author: Person, ago: number, text: string, more: Partial<Post> = {}): Post {
  serial++;
  return {
    kind: "post",
    id: `post-${serial}`,
    n: serial,
    at: NOW - ago,
    author,
    mine: author.standing === "me",
    text,
    deleted: false,
    editedAt: null,
    replyTo: null,
    reactions: [],
    delivery: "delivered",
    ...more,
  };
}
function system(
  code: string,
  ago: number,
  more: Partial<TimelineItem & { kind: "system" }> = {},
): TimelineItem {
  serial++;
  return {
    kind: "system",
    id: `system-${serial}`,
    n: serial,
    at: NOW - ago,
    code,
    who: "",
    by: "",
    detail: "",
    ...more,
  };
}

const quoted = post(
  anna,
  DAY + 2 * HOUR,
  "I would be glad of another view on somebody I have seen for about a year. Adult, works in a helping profession. Since a change at work we go in circles: each session begins with a new emergency, and *nothing* from the last one can be taken up again.\n\nWhat I tried so far:\n\n1. naming the pattern gently\n2. a shared agenda at the start\n3. shorter intervals for a month",
);

const conversation: TimelineItem[] = [
  system("created", 6 * DAY, { by: "Anna Berger" }),
  system("joined", 6 * DAY - HOUR, { who: "Ben Okafor", by: "Anna Berger" }),
  system("joined", 5 * DAY, { who: "Miriam Sandoval", by: "Anna Berger" }),
  post(ben, 5 * DAY - HOUR, "Welcome, Miriam! Good to have you here."),
  post(me, 5 * DAY - 2 * HOUR, "Thank you. I am glad to be here."),
  system("renamed", 4 * DAY, { by: "Anna Berger", detail: "Thursday circle" }),
  quoted,
  post(ben, DAY + HOUR, "What happens in **you** when the next emergency comes through the door?", {
    reactions: [
      { emoji: "💡", who: ["Anna Berger", "Miriam Sandoval"], mine: true },
      { emoji: "🙏", who: ["Dov Rosenthal"], mine: false },
    ],
  }),
  post(ben, DAY + HOUR - 2 * MINUTE, "And: who is in an emergency first, the two of you or the calendar?"),
  post(
    me,
    DAY,
    "> nothing from the last one can be taken up again\n\nThat sentence stays with me. I wonder whether the emergencies *are* what is taken up again, in the only form that is safe so far. There is a short paper on this, see <https://example.org/paper>.",
    {
      editedAt: NOW - DAY + 3 * MINUTE,
      replyTo: { id: quoted.id, name: "Anna Berger", text: quoted.text },
      reactions: [{ emoji: "❤️", who: ["Anna Berger"], mine: false }],
    },
  ),
  post(dov, 5 * HOUR, "", { deleted: true }),
  system("unreadable", 4 * HOUR, { who: "", detail: "before_joined" }),
  post(
    anna,
    3 * HOUR,
    "I noticed that I hurry. I prepare *answers* on the way to the session. Thank you both.",
  ),
  post(me, 40 * MINUTE, "Shall we take this up on Thursday at length? I can moderate.", {
    delivery: "delivered",
  }),
  post(dov, 22 * MINUTE, "Yes, please. I would bring something small as well, ten minutes are enough."),
  post(anna, 20 * MINUTE, "Thursday is good. I will write half a page until then."),
  post(me, 3 * MINUTE, "Perfect.", { delivery: "server" }),
  post(me, MINUTE, "I am on the train now, so the rest comes later.", { n: 0, delivery: "queued" }),
];

function member(person: Person, more: Partial<Member> = {}): Member {
  return { ...person, devices: 1, founder: false, online: false, ...more };
}

export const members: Member[] = [
  member(me, { devices: 2, online: true }),
  member(anna, { founder: true, online: true }),
  member(ben),
  member(carla, { devices: 2 }),
  member(dov, { online: true }),
];

export const room = (more: Partial<RoomView> = {}): RoomView => ({
  roomId: "room-1",
  title: "Thursday circle",
  state: "ready",
  members,
  items: conversation,
  older: false,
  readUpTo: 1000,
  typing: [],
  call: null,
  rings: [],
  meetings: [],
  invites: [],
  removals: [],
  removesAlone: false,
  amFounder: false,
  provisional: false,
  confirmedAt: NOW - 2 * HOUR,
  ...more,
});

const group = (roomId: string, title: string, more: Partial<GroupSummary> = {}): GroupSummary => ({
  roomId,
  title,
  members: 5,
  unread: 0,
  lastAt: NOW - 20 * MINUTE,
  lastText: "Thursday is good. I will write half a page until then.",
  state: "ready",
  ...more,
});

const groups: GroupSummary[] = [
  group("room-1", "Thursday circle", { unread: 2 }),
  group("room-2", "Intervision Nord: psychodynamic, every other week", {
    lastAt: NOW - DAY - HOUR,
    lastText: "**Reminder**: we begin at 18:00 this time",
    unread: 128,
  }),
  group("room-3", "Balint", { lastAt: NOW - 4 * DAY, lastText: "Until next month then." }),
  group("room-4", "Supervision training 2024", { lastAt: NOW - 400 * DAY, lastText: "", state: "left" }),
];

type Open = Extract<AppView, { stage: "open" }>;
export const open = (more: Partial<Open> = {}): Open => ({
  stage: "open",
  me,
  connection: "online",
  groups,
  waiting: [],
  alarms: [],
  rings: [],
  call: null,
  meetings: [],
  clockOffMinutes: 0,
  wakes: "off",
  ...more,
});

export const inRoom = (view: Partial<RoomView>, app: Partial<Open> = {}, path = "/room/room-1"): Script => ({
  app: open({
    ...app,
    groups: groups.map((one) =>
      one.roomId === "room-1" ? { ...one, unread: 0, state: view.state ?? "ready" } : one,
    ),
  }),
  rooms: [room(view)],
  path,
});

const long: TimelineItem[] = Array.from({ length: 400 }, (_, i) =>
  post(
    [anna, ben, me, dov][(i * 7) % 4]!,
    (400 - i) * 17 * MINUTE,
    `${i + 1}. ${"A sentence that goes on for a while. ".repeat(1 + ((i * 13) % 9))}`,
  ),
);

const hostile = [
  '<img src=x onerror="document.title=1"><script>document.title=2</script> <b>not bold</b>',
  "[a](javascript:document.title=3) [b](data:text/html,x) [c](https://example.org/?q=%22onmouseover=1) ![pixel](https://example.org/pixel.png)",
  '<a href="https://example.org" onclick="document.title=4" style="position:fixed">x</a> <svg onload=document.title=5> <math><mtext></mtext></math>',
  "# A heading\n\n| a | b |\n|---|---|\n| 1 | `2` |\n\n- [x] done\n- [ ] open\n\n```html\n<b>code</b>\n```\n\n~~gone~~ https://example.org and someone@example.org",
  `${"longword".repeat(60)} and ${"https://example.org/a/".repeat(12)}`,
].map((text, i) => post(i % 2 ? me : anna, HOUR - i * MINUTE, text));

const code = "7F3K-9QWE-2MZX-R8TB-V4HN-6CJD-P1YG";
const TOKEN = "Qm9vazIwMjYtYS10b2tlbi10aGF0LWlzLXB1cmVseS1tYWRlLXVw.AZn3c0ffee";

export const scenes: Readonly<Record<string, Script>> = {
  starting: { app: { stage: "starting" } },
  welcome: { app: { stage: "empty" } },
  "join-founder": { app: { stage: "empty" }, path: `/join#f.${TOKEN}`, link: { kind: "founder" } },
  "join-invite": {
    app: { stage: "empty" },
    path: `/join#${TOKEN}`,
    link: { kind: "invite", notAfter: NOW + 3 * DAY },
  },
  "join-unknown": {
    app: { stage: "empty" },
    path: `/join#${TOKEN}`,
    link: { kind: "refused", code: "link_unknown" },
  },
  "join-incomplete": {
    app: { stage: "empty" },
    path: "/join#Qm9v",
    link: { kind: "refused", code: "link_incomplete" },
  },
  "join-other-server": {
    app: { stage: "empty" },
    path: `/join#${TOKEN}`,
    link: { kind: "refused", code: "link_other_server" },
  },
  "join-offline": { app: { stage: "empty" }, path: `/join#${TOKEN}`, fails: { inspectLink: "offline" } },
  protect: {
    app: { stage: "empty" },
    path: `/join#${TOKEN}`,
    link: { kind: "invite", notAfter: NOW + 3 * DAY },
  },
  recovery: { app: { stage: "recovery", code, ask: [1, 4] } },
  "recovery-wrong": {
    app: { stage: "recovery", code, ask: [1, 4] },
    fails: { confirmRecovery: "recovery_code_typed" },
  },
  "locked-passkey": {
    app: { stage: "locked", ways: { passphrase: false, passkey: { credentialId: "AAAA", salt: "AAAA" } } },
  },
  "locked-passphrase": {
    app: { stage: "locked", ways: { passphrase: true, passkey: null } },
    fails: { unlock: "wrong_opener" },
  },
  "locked-link": {
    app: { stage: "locked", ways: { passphrase: true, passkey: { credentialId: "AAAA", salt: "AAAA" } } },
    path: `/join#${TOKEN}`,
  },
  recover: { app: { stage: "empty" }, path: "/recover", fails: { preparePasskey: "recovery_code_checksum" } },
  "failed-storage": { app: { stage: "failed", code: "storage_denied" } },
  "failed-other-tab": { app: { stage: "failed", code: "other_tab" } },
  "failed-unsupported": { app: { stage: "failed", code: "unsupported" } },
  "no-groups": { app: open({ groups: [] }) },
  groups: { app: open() },
  "groups-offline": { app: open({ connection: "offline" }) },
  "groups-alarms": {
    app: open({
      clockOffMinutes: 1440,
      alarms: [
        { id: "1", code: "identity_changed", roomId: "room-1", who: "Dr. Carla Nielsen", at: NOW - HOUR },
        { id: "2", code: "copy", roomId: null, who: null, at: NOW - DAY },
      ],
    }),
  },
  waiting: {
    app: open({ groups: [], waiting: [{ inviteId: "i1", since: NOW - 5 * MINUTE, state: "waiting" }] }),
  },
  "waiting-states": {
    app: open({
      waiting: [
        { inviteId: "i1", since: NOW - MINUTE, state: "asking" },
        { inviteId: "i2", since: NOW - 80 * HOUR, state: "expired" },
        { inviteId: "i3", since: NOW - 8 * HOUR, state: "refused" },
      ],
    }),
  },
  "join-confirm": { app: open(), path: `/join#${TOKEN}`, link: { kind: "invite", notAfter: NOW + DAY } },
  "join-confirm-refused": {
    app: open(),
    path: `/join#${TOKEN}`,
    link: { kind: "refused", code: "link_unknown" },
  },
  room: inRoom({}),
  "room-typing": inRoom({ typing: ["Anna Berger", "Ben Okafor"] }),
  "room-unread": inRoom({
    readUpTo: conversation.find((item) => item.kind === "post" && item.text.startsWith("Shall we"))?.n ?? 0,
  }),
  "room-new": inRoom({
    members: [member(me, { founder: true, online: true })],
    items: [system("created", MINUTE, { by: "Miriam Sandoval" })],
    amFounder: true,
    removesAlone: true,
    confirmedAt: null,
  }),
  "room-long": inRoom({ items: long, older: true }),
  "room-hostile": inRoom({ items: hostile }),
  "room-provisional": inRoom({ provisional: true, confirmedAt: null }),
  "room-paused": inRoom(
    { state: "paused" },
    { alarms: [{ id: "1", code: "fork", roomId: "room-1", who: "Ben Okafor", at: NOW }] },
  ),
  "room-rejoining": inRoom({ state: "rejoining" }),
  "room-removed": inRoom({ state: "removed" }),
  "room-left": inRoom({ state: "left" }),
  "room-removal": inRoom({
    removals: [{ accountId: dov.accountId, name: dov.name, approvals: 1, needed: 2, approvedByMe: false }],
  }),
  "room-offline": inRoom({}, { connection: "offline" }),
  "room-system": inRoom({
    items: [
      "created",
      "joined",
      "left",
      "removed",
      "renamed",
      "policy",
      "rejoined",
      "unreadable",
      "bad_commit",
      "newer_version",
    ].map((name, i) =>
      system(name, HOUR - i * MINUTE, {
        who: "Ben Okafor",
        by: "Anna Berger",
        detail: name === "renamed" ? "Balint" : "missed",
      }),
    ),
  }),
  people: inRoom(
    {
      removals: [{ accountId: dov.accountId, name: dov.name, approvals: 1, needed: 2, approvedByMe: false }],
      invites: [
        { inviteId: "i1", by: "Anna Berger", mine: false, notAfter: NOW + 20 * HOUR },
        { inviteId: "i2", by: "Miriam Sandoval", mine: true, notAfter: NOW + 70 * HOUR },
      ],
    },
    {},
    "/room/room-1/people",
  ),
  "people-founder": inRoom(
    {
      amFounder: true,
      removesAlone: true,
      removals: [{ accountId: dov.accountId, name: dov.name, approvals: 2, needed: 3, approvedByMe: true }],
    },
    {},
    "/room/room-1/people",
  ),
  settings: {
    app: open(),
    path: "/settings",
    devices: [
      { deviceId: "d1", current: true, createdAt: NOW - 40 * DAY },
      { deviceId: "d2", current: false, createdAt: NOW - 400 * DAY },
    ],
  },
  "settings-offline": {
    app: open({ connection: "offline" }),
    path: "/settings",
    fails: { devices: "offline", setName: "offline" },
  },
};
