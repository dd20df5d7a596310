/** What is said when a group is called. */

function hours(minutes: number): string {
  const whole = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (rest === 0) return whole === 1 ? "1 hour" : `${whole} hours`;
  return `${whole} h ${rest} min`;
}

export const ring = {
  call: "Call the group",
  callHeading: (title: string): string => `Call “${title}”`,
  callText: "Every member’s devices are told, and say who calls and why. Each of them answers when it suits.",
  urgencyLabel: "How urgent is it?",
  urgency: {
    now: { name: "Now", hint: "Their devices ring for two minutes." },
    today: { name: "Today", hint: "They see it when they look; nothing rings." },
    when_you_can: { name: "When you can", hint: "Within the next days; nothing rings." },
  },
  why: "Why, in one line",
  whyHint: "Only the members read it: it is encrypted. Please don’t name your client, not even by initials.",
  whyMissing: "Please write one line, so that the others know what it is about.",
  whyLeft: (n: number): string => (n >= 0 ? `${n} characters left` : `${-n} characters too long`),
  wanted: "How many others do you need to begin?",
  wantedHint: (n: number): string => (n === 1 ? "There is 1 other member." : `There are ${n} other members.`),
  send: "Call now",
  ask: "Ask the group",
  alone: "There is nobody else in this group yet. Invite your colleagues first.",

  heading: "A call",
  headings: (n: number): string => `${n} calls`,
  calls: (by: string): string => `${by} calls the group`,
  asks: (by: string): string => `${by} asks for a call`,
  youCalled: "You called the group",
  youAsked: "You asked for a call",
  inGroup: (title: string): string => `In “${title}”`,
  urgencyOf: { now: "Now", today: "Today", when_you_can: "When you can" },
  at: (time: string): string => `since ${time}`,
  whyOf: (by: string): string => `What ${by} wrote:`,
  also: (by: string): string => `${by} called at the same moment:`,

  answers: "Your answer",
  join: "Join",
  joinNow: "Go into the call",
  begin: "Begin the call",
  inMinutes: { 5: "In 5 min", 15: "In 15 min", 60: "In 1 hour" },
  atTime: "At a time…",
  atTimeLabel: "When can you come?",
  atTimeHint: (zone: string): string => `By your clock (${zone}). A time that is past today means tomorrow.`,
  atTimeMissing: "Please enter a time, for example 17:00.",
  atTimeYes: "I come then",
  cannot: "I can’t",
  silence: "Silence",
  silenceHint: "This device stops ringing. You can still answer.",
  mine: {
    joining: "You said that you join.",
    later: (when: string): string => `You said that you come ${when}.`,
    cannot: "You said that you can’t.",
  },
  change: "Change your answer",

  asked: "Who comes",
  state: {
    away: "not reached yet",
    reached: "reached",
    seen: "has seen it",
    joining: "joins",
    later: (when: string): string => `comes ${when}`,
    overdue: (time: string): string => `wanted to come at ${time}`,
    cannot: "can’t",
  },
  inAbout: (minutes: number, time: string): string =>
    minutes <= 0
      ? "now"
      : minutes === 1
        ? `in 1 minute (${time})`
        : minutes < 60
          ? `in ${minutes} minutes (${time})`
          : minutes < 12 * 60
            ? `in ${hours(minutes)} (${time})`
            : `on ${time}`,
  progress: (joining: number, coming: number, needed: number): string => {
    const here =
      joining === 0 ? "Nobody has joined yet" : joining === 1 ? "1 has joined" : `${joining} have joined`;
    const later = coming > joining ? `, ${coming - joining} more to come` : "";
    return `${here}${later}. Wanted: ${needed}.`;
  },
  enough: (joining: number): string =>
    joining === 1 ? "One is there: you can begin." : `${joining} are there: you can begin.`,
  enoughAt: (when: string): string => `Enough will be there ${when}.`,
  withdraw: "Take the call back",
  withdrawHeading: "Take the call back?",
  withdrawText: "The others see that you no longer need them now. What you wrote stays in the group.",
  withdrawYes: "Take it back",
  withdrawNo: "Leave it open",
  writeOffer:
    "Not enough of you can come now. You can go on in writing: your line becomes a message to answer.",
  writeOfferOther: (by: string): string =>
    `Not enough can come now. You can turn what ${by} wrote into a message to answer.`,
  write: "Go on in writing",
  section: "Open calls",
  answerIt: "Answer",
  look: "Look",
  details: (what: string): string => `Details: ${what}`,
} as const;
