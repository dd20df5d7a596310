/** What is said where a device is protected, and where the recovery code is shown, kept and used. */

export const protect = {
  heading: "Protect this device",
  intro: "Everything you read and write is stored on this device in encrypted form. Choose what opens it.",
  checking: "Seeing what this device can do…",
  passkeyTitle: "With this device’s own lock",
  passkeyText: "Fingerprint, face or device PIN. Quick, and nobody can guess it.",
  passkeyButton: "Use this device’s lock",
  passkeyAsking: "Your device asks you to confirm…",
  passkeyNoPrf:
    "This device made a passkey, but it can’t encrypt with it. Please choose a passphrase. You may delete the passkey named “Collegium” from your device’s passwords; it is not used.",
  passkeyCancelled:
    "Nothing was set up: your device’s question was closed or timed out. Try again, or use a passphrase.",
  passkeyFailed: "This device’s lock can’t be used for Collegium here. Please choose a passphrase.",
  instead: "Use a passphrase instead",
  insteadPasskey: "Use this device’s lock instead",
  passphraseTitle: "With a passphrase",
  passphraseLabel: "Passphrase",
  passphraseHint: "At least 12 characters. Four or five ordinary words are strong and easy to remember.",
  passphraseStays: "It never leaves this device, and nobody can look it up for you.",
  againLabel: "Passphrase again",
  submit: "Protect with this passphrase",
  feedback: {
    empty: "",
    short: (left: number): string => (left === 1 ? "One more character." : `${left} more characters.`),
    simple: "Too easy to guess: it repeats itself or counts upwards. Four ordinary words are better.",
    fair: "Long enough. One or two more words would make it much stronger.",
    good: "Strong.",
  },
  mismatch: "The two are not the same.",
  match: "Both are the same.",
  busy: "Making your keys…",
  busyHint: "This takes a few seconds on purpose: it makes guessing slow.",
} as const;

export const recoveryCode = {
  heading: "Your recovery code",
  intro:
    "If this device is lost or breaks, only this code brings your account back. Nobody else has it, and nobody can send it to you again.",
  whereHeading: "Keep it where you keep other things that matter",
  where:
    "On paper in a drawer at home is fine. A password manager is fine. Not in the same bag as this device.",
  codeLabel: "Recovery code, seven groups of four characters",
  copy: "Copy",
  copyNote: "Copied. Other programs on this device can read it until you copy something else.",
  copyFailed: "Your browser did not allow copying. Please write the code down.",
  print: "Print",
  printNote: "The page goes to the printer you choose. A shared printer may keep it in its memory.",
  save: "Save as a file",
  saveNote:
    "Saved to your downloads as plain text: whoever uses this device can open it. Move it to a safe place and empty the bin.",
  fileName: "Collegium recovery code.txt",
  fileText: (code: string, date: string): string =>
    `Collegium recovery code\n\n${code}\n\nMade on ${date}. Whoever has this code can take over the account.\nKeep it apart from your devices.\n`,
  written: "I have kept it safe",
  checkHeading: "Type part of it back",
  checkIntro:
    "This makes sure that you can read your own copy. Please take the code from your paper or file.",
  group: (n: number): string => `Group ${n}`,
  groupHint: "Four characters",
  showAgain: "Show the code again",
  finish: "Check and finish",
  printTitle: "Collegium recovery code",
  printWarning: "Whoever has this code can take over the account. Keep it apart from your devices.",
} as const;

export const recover = {
  heading: "Recover your account",
  intro:
    "Your recovery code brings your identity to this device. Then your colleagues’ devices let you back into your groups, by themselves, when one of them is online.",
  history: "Earlier messages stay on your other devices; here you see what comes from now on.",
  codeLabel: "Recovery code",
  codeHint: "Seven groups of four letters and digits. Capitals and dashes do not matter.",
  next: "Continue",
  busy: "Bringing your identity back…",
} as const;
