/** What is said before, in and after a call. */
export const call = {
  before: (title: string): string => `Call with “${title}”`,
  join: "Join the call",
  mute: "Mute",
  leave: "Leave",
  open: "Open the group’s call",
  joinOf: (count: number): string =>
    count === 1 ? "Join the call: 1 person is in it" : `Join the call: ${count} people are in it`,
} as const;
