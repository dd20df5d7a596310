/** What is said of meetings. */

/** 1st, 2nd, 3rd, 11th, 22nd. */
function nth(n: number): string {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  const end = teen ? "th" : n % 10 === 1 ? "st" : n % 10 === 2 ? "nd" : n % 10 === 3 ? "rd" : "th";
  return `${n}${end}`;
}

const every = (n: number, unit: string): string =>
  n === 1 ? `Every ${unit}` : n === 2 ? `Every other ${unit}` : `Every ${n} ${unit}s`;

/** A rule in words, from its parts. */
export const rule = {
  days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  ordinals: { "-1": "last", "1": "first", "2": "second", "3": "third", "4": "fourth" },
  daily: (n: number): string => every(n, "day"),
  workdays: "Every day from Monday to Friday",
  weekly: (n: number, day: string): string =>
    n === 1 ? `Every ${day}` : n === 2 ? `Every other ${day}` : `${every(n, "week")} on ${day}`,
  /** On several days of the week. */
  weeklyOn: (n: number, days: string): string =>
    n === 1 ? `Every ${days}` : `${every(n, "week")} on ${days}`,
  monthlyOn: (n: number, day: number): string =>
    `${every(n, "month")} on the ${nth(day)}${day > 28 ? " (where there is one)" : ""}`,
  monthlyBy: (n: number, ordinal: string, day: string): string =>
    `${every(n, "month")} on the ${ordinal} ${day}`,
  at: (what: string, time: string): string => `${what} at ${time}`,
  zone: (what: string, city: string): string => `${what}, ${city} time`,
  count: (what: string, n: number): string => `${what}, ${n === 1 ? "once" : `${n} times`}`,
  until: (what: string, day: string): string => `${what}, until ${day}`,
} as const;

export const meetings = {
  rule,
  heading: "Meetings",
  inGroup: (title: string): string => `Meetings of “${title}”`,
  open: "Meetings of this group",
  next: "Next meeting",
  upcoming: "Coming up",
  none: "No meeting is planned",
  noneText: "Any member can plan one, once or as a series. Everyone sees it in their own time zone.",
  later: "Show later ones",
  plan: "Plan a meeting",
  planText: "Every member sees it. Its title is encrypted, like everything that you write here.",
  byWhom: (name: string): string => `Last changed by ${name}.`,
  loading: "Looking at the meetings…",
  more: (title: string, when: string): string => `More about ${title}, ${when}`,

  /** "18:00 to 19:30", as it is read aloud; what is seen has a dash. */
  span: (from: string, to: string): string => `${from} to ${to}`,
  seen: (from: string, to: string): string => `${from}–${to}`,
  today: "Today",
  tomorrow: "Tomorrow",
  inZone: (when: string, city: string): string => `${when} in ${city}`,
  moved: "Moved",
  dueIn: (minutes: number): string =>
    minutes <= 0 ? "It has begun" : minutes === 1 ? "Begins in 1 minute" : `Begins in ${minutes} minutes`,
  dueText: (title: string, group: string): string => `“${title}” in “${group}”`,
  join: "Join the call",
  dismiss: "Not now",
  woken: { title: "A meeting of one of your groups", body: "It begins in a few minutes." },

  coming: "Do you come?",
  answer: { yes: "I come", maybe: "Maybe", no: "I can’t" },
  asRule: "Say so for the whole series",
  asRuleHint: "What you have said about a single one stays.",
  who: {
    yes: (names: string): string => `Come: ${names}`,
    maybe: (names: string): string => `Maybe: ${names}`,
    no: (names: string): string => `Can’t: ${names}`,
    open: (names: string): string => `Not answered: ${names}`,
  },
  you: "you",

  fields: {
    title: "What is it called?",
    titleDefault: "Consultation",
    titleMissing: "Please give it a title.",
    day: "Day",
    dayMissing: "Please choose the day.",
    time: "Begins at",
    timeMissing: "Please enter when it begins.",
    past: "This is past already. Please look at the day and the time.",
    length: "Lasts",
    lengthOf: (minutes: number): string => {
      const hours = Math.floor(minutes / 60);
      const rest = minutes % 60;
      if (hours === 0) return `${rest} minutes`;
      if (rest === 30 && hours > 1) return `${hours}½ hours`;
      if (rest !== 0) return `${minutes} minutes`;
      return hours === 1 ? "1 hour" : `${hours} hours`;
    },
    zone: "Time zone",
    zoneOwn: (city: string): string => `${city}, your own`,
    zoneChange: "Another time zone",
    zoneSearch: "Search a city",
    zoneSearchHint: "The largest city of the zone, for example Lisbon or New York.",
    zoneNone: "No time zone is called so. Try the nearest large city.",
    zoneCount: (n: number): string => (n === 1 ? "1 time zone found" : `${n} time zones found`),
    zoneMore: "There are more: type a little more.",
    repeats: "Comes again",
    once: "No, once",
    asBefore: (what: string): string => `As until now: ${what}`,
    ends: "Until when?",
    endsNever: "It goes on",
    endsUntil: "Until a day",
    endsCount: "A number of times",
    until: "Last day",
    untilMissing: "Please choose the last day.",
    untilEarly: "The last day is before the first meeting.",
    count: "How many times?",
    countWrong: "A number from 1 to 200, please.",
    preview: (what: string): string => `So: ${what}.`,
    previewYours: (when: string): string => `For you: ${when}.`,
  },
  planYes: "Plan it",
  changeYes: "Move it",

  move: "Move…",
  moveHeading: (title: string): string => `Move “${title}”`,
  which: "Which ones?",
  onlyThis: "Only this one",
  onward: "This one and all that follow",
  wholeSeries: "All that are still to come",
  cancel: "Call off…",
  cancelHeading: (title: string): string => `Call off “${title}”?`,
  cancelText: (when: string): string => `${when}. Everyone in the group sees that it does not take place.`,
  cancelYes: "Call it off",
  cancelNo: "Leave it",
  planned: "It is planned.",
  movedDone: "It was moved.",
  cancelledDone: "It was called off.",
  undo: "Undo",
  undone: "It takes place after all.",
  undoneMove: "It is back at its former time.",
  answersLost: "Whoever had answered for all of them must answer again.",

  file: "Calendar file",
  fileHint:
    "For the calendar on your device. It says when and on which server, and names no title, no person and no group.",
  fileName: "meeting.ics",
  fileDone: "Saved to your downloads.",
} as const;
