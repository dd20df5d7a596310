/**
 * What the service worker says, in English. A module of its own: the worker is one file, and shares none with the page.
 * Fixed words, because a notification is seen on locked screens, and because nobody told the worker anything (THREATS 21).
 */
export const enWorker = {
  title: "Collegium",
  call: "A call in one of your groups: unlock to see",
} as const;
