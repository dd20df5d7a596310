import { alarms, errors, failures } from "./enProblems";

/**
 * Every word that a person reads, in English. Plain, kind and exact: what happened, what it means for confidentiality,
 * what can be done. Parameters are functions, so that the compiler finds a word that lacks one.
 */

const people = (n: number): string => (n === 1 ? "1 person" : `${n} people`);

/** "Anna", "Anna and Ben", "Anna, Ben and Carla". */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

export const en = {
  errors,
  alarms,
  failures,
  product: "Collegium",
  tagline: "A private place for consultation groups of clinicians.",
  skip: "Skip to the main part",
  starting: "Opening…",
  slowStart: "This takes longer than usual. It is still trying; you can also load the page again.",
  close: "Close",
  cancel: "Cancel",
  back: "Back",
  goOn: "Continue",
  tryAgain: "Try again",
  dismiss: "Understood",
  notices: "Notices",
  alarmIn: (title: string): string => `In “${title}”: `,
  moreAlarms: (n: number): string => (n === 1 ? "One more notice" : `${n} more notices`),
  optional: "optional",
  copied: "Copied",
  copy: "Copy",
  share: "Share…",
  newTab: "opens in a new tab",
  you: "you",
  withCount: (n: number, title: string): string => (n > 0 ? `(${n}) ${title}` : title),

  titles: {
    welcome: "Collegium",
    join: "Invitation – Collegium",
    recovery: "Your recovery code – Collegium",
    locked: "Locked – Collegium",
    recover: "Recover your account – Collegium",
    failed: "A problem – Collegium",
    groups: "Your groups – Collegium",
    room: "Group – Collegium",
    people: "People in this group – Collegium",
    call: "A call – Collegium",
    ringing: "A call: somebody needs the group – Collegium",
    settings: "Settings – Collegium",
  },

  welcome: {
    heading: "You need an invitation from a colleague",
    intro:
      "Collegium is by invitation only. A colleague who is already here can make a link for you. Open that link in this browser, or paste it below.",
    pasteLabel: "Invitation link",
    pasteHint: "It begins with this page’s address and works once.",
    pasteOpen: "Open the invitation",
    notALink:
      "This is not an invitation link. Copy the whole link from your colleague’s message and try again.",
    otherServer:
      "This link belongs to another Collegium server. Open it in a new tab instead: each server is a separate place.",
    haveAccount: "You have used Collegium before?",
    haveCode: "I have a recovery code",
    haveCodeHint: "It brings your account to this device, for example on a new phone or computer.",
  },

  join: {
    looking: "Looking at your invitation…",
    founderHeading: "Welcome. You are the first one here",
    founderIntro:
      "This link makes the first account on this server. After that you start a consultation group and invite your colleagues.",
    inviteHeading: "A colleague invites you to a consultation group",
    inviteIntro:
      "In a moment you can read and write with your group. What you write is encrypted on this device and can be read only by the members of the group, not by the server.",
    inviteUntil: (when: string): string => `The invitation is for you alone and works until ${when}.`,
    step: (n: number): string => `Step ${n} of 3`,
    nameHeading: "What should colleagues call you?",
    nameLabel: "Your name",
    nameHint: "The members of your groups see this name. The server does not. You can change it later.",
    nameMissing: "Please enter the name that your colleagues should see.",
    refused: {
      link_unknown: {
        heading: "This invitation does not work any more",
        text: "It was used already, it was withdrawn, or its 72 hours are over. For everyone’s safety each invitation works once.",
        todo: "Ask your colleague for a new link. It takes them a few seconds.",
      },
      link_incomplete: {
        heading: "A part of this link is missing",
        text: "Some e-mail and chat programs cut long links in two. The invitation itself may still be good.",
        todo: "Go back to the message, copy the whole link by hand, and open it or paste it here.",
      },
      link_other_server: {
        heading: "This invitation belongs to another server",
        text: "It was made on a different Collegium server than the one that answers here.",
        todo: "Open the link exactly as your colleague sent it, in a new tab.",
      },
    },
    haveOtherLink: "I have another link",
    confirmHeading: "Join this group?",
    confirmText:
      "A colleague invites you to another group. Its members will see your name and that you joined. You are in as soon as one of their devices is online.",
    confirmYes: "Ask to join",
    confirmNo: "Not now",
    founderAgain:
      "You already have an account here, so you do not need this link. It stays good for somebody else.",
    refusedShort: "This invitation can’t be used",
    unlockFirst: "You opened an invitation. Unlock first; then you are asked whether to join.",
  },

  protect: {
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
    show: "Show passphrase",
    hide: "Hide passphrase",
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
  },

  recoveryCode: {
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
  },

  locked: {
    heading: "Collegium is locked",
    intro: "Your messages are on this device, encrypted. They stay closed until you open them.",
    passkey: "Open with this device’s lock",
    passkeyBusy: "Your device asks you to confirm…",
    passphraseLabel: "Passphrase",
    passphrase: "Open",
    busy: "Opening…",
    usePassphrase: "Use the passphrase",
    forgot: "I can’t open it: use the recovery code",
    forgotHeading: "Open with your recovery code",
    forgotIntro: "The code opens this device. Then you choose a new way to protect it.",
    backToLock: "Back to unlocking",
  },

  recover: {
    heading: "Recover your account",
    intro:
      "Your recovery code brings your identity to this device. Then your colleagues’ devices let you back into your groups, by themselves, when one of them is online.",
    history: "Earlier messages stay on your other devices; here you see what comes from now on.",
    codeLabel: "Recovery code",
    codeHint: "Seven groups of four letters and digits. Capitals and dashes do not matter.",
    next: "Continue",
    busy: "Bringing your identity back…",
  },

  failed: {
    heading: "Collegium can’t go on here",
    reload: "Load this page again",
    codeNote: (code: string): string => `For whoever looks after this server: ${code}`,
  },

  groups: {
    heading: "Your groups",
    nav: "Groups",
    empty: "You are not in a group yet",
    emptyText: "Start one and invite your colleagues, or open an invitation link that a colleague sent you.",
    start: "Start a group",
    startHeading: "Start a consultation group",
    startText: "You become its founder. You can invite people as soon as it exists.",
    titleLabel: "Name of the group",
    titleHint: "Only its members see this name.",
    titleMissing: "Please give the group a name.",
    startYes: "Start the group",
    starting: "Starting the group…",
    useLink: "Use an invitation link",
    pick: "Choose a group",
    pickText: "Your groups are on the left.",
    members: people,
    unread: (n: number): string => (n === 1 ? "1 unread message" : `${n} unread messages`),
    manyUnread: "99+",
    nothingYet: "Nothing written yet",
    states: {
      ready: "",
      paused: "Sending is paused",
      rejoining: "Coming back into the group…",
      removed: "You were removed",
      left: "You left",
    },
    settings: "Settings",
    lock: "Lock",
    lockHint: "Lock Collegium on this device",
    notice: "Notice",
    more: "Start or join a group",
  },

  waiting: {
    heading: "Waiting to be let in",
    section: "Waiting to join",
    item: "Invitation accepted",
    asking: "Sending your request to the group…",
    waiting:
      "You are in as soon as a device of one of the members is online. That can take a minute or some hours.",
    noReload: "You need not reload or stay on this page. It opens by itself, also if you come back tomorrow.",
    expired:
      "Nobody’s device was online in time, and the invitation has run out. Ask your colleague for a new link.",
    refused:
      "The group can’t let you in with this invitation: it was withdrawn or used. Ask your colleague for a new link.",
    since: (when: string): string => `Asked ${when}`,
    cancel: "Withdraw my request",
    remove: "Remove from this list",
    cancelHeading: "Withdraw your request?",
    cancelText: "The invitation can’t be used again. To join later you need a new link.",
    cancelYes: "Withdraw",
    cancelNo: "Keep waiting",
    announced: "You are in the group now.",
  },

  connection: {
    online: "Connected",
    connecting: "Connecting…",
    offline: "Offline",
    offlineText: "You can read, and write too: your messages go out when the connection is back.",
    label: "Connection",
  },

  clock: (minutes: number): string =>
    `This device’s clock differs from the server’s by ${minutes < 120 ? `${minutes} minutes` : minutes < 2880 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`}. Please set it right in your device’s settings: times are shown wrongly, and invitations may look expired.`,

  room: {
    loading: "Opening the group…",
    messages: "Messages",
    toGroups: "Back to your groups",
    people: "People",
    showPeople: (n: number): string => `People in this group, ${n}`,
    hidePeople: "Close the list of people",
    hereNow: (n: number): string => ` · ${n} ${n === 1 ? "other" : "others"} here now`,
    older: "Show earlier messages",
    olderBusy: "Fetching earlier messages…",
    beginning: "This is the beginning of what this device has of this group.",
    emptyOwn: "Your group is ready",
    emptyOwnText:
      "Invite your colleagues: each gets a link of their own. They can read what is written from the moment they join, nothing earlier.",
    emptyText: "Nobody has written yet. Say hello.",
    invite: "Invite a colleague",
    newest: "Jump to the newest message",
    newCount: (n: number): string => (n === 1 ? "1 new message" : `${n} new messages`),
    unreadLine: "New",
    typing: (names: readonly string[]): string =>
      names.length > 3
        ? "Several people are writing…"
        : `${listed(names)} ${names.length === 1 ? "is" : "are"} writing…`,
    announce: (name: string, text: string): string => `${name}: ${text}`,
    announceMany: (n: number): string => `${n} new messages`,
    own: "You",
    replyGone: "This message was deleted",
    goToQuoted: "Show the message that this answers:",
    edited: "edited",
    editedAt: (when: string): string => `Edited ${when}`,
    deleted: "This message was deleted.",
    delivery: {
      queued: "Waiting to be sent",
      server: "On the server, encrypted",
      delivered: "Delivered to the others’ devices",
    },
    provisional:
      "You see this group as the member who let you in describes it. Until another member’s device confirms it, treat names and titles as provisional.",
    removalProposed: (name: string): string =>
      `It is proposed to remove ${name} from the group. The members decide.`,
    removalLook: "Look at it",
    rejoining:
      "This device is coming back into the group. It happens by itself when a colleague’s device is online. You can write meanwhile; it is sent afterwards.",
    removed: {
      heading: "You were removed from this group",
      text: "You can still read what was written until then. What the others write now is encrypted without you, and you can’t write here.",
    },
    left: {
      heading: "You left this group",
      text: "You can still read what was written until then. You can’t read or write anything new here.",
    },
    paused: {
      heading: "Sending is paused in this group",
      text: (who: string | null): string =>
        `This device and ${who ? `${who}’s device` : "a colleague’s device"} have not seen the same messages. It can be a fault. It can also mean that messages are being held back or altered on the way.`,
      todo: (who: string | null): string =>
        `Call ${who ?? "a colleague"}, with your voice and not in writing, and compare the last few messages you both see.`,
      compared: "We compared, and it is all the same",
      goOn: "Go on without comparing",
      goOnHeading: "Go on without comparing?",
      goOnText:
        "If somebody is holding messages back, you would not notice. Nothing you wrote before was exposed. You can still compare later by telephone.",
      goOnYes: "Go on",
      stay: "Stay paused",
    },
  },

  post: {
    actions: (name: string, time: string): string => `Actions for ${name}, ${time}`,
    actionsOwn: (time: string): string => `Actions for your message, ${time}`,
    label: (name: string, time: string): string => `${name}, ${time}`,
    reply: "Reply",
    edit: "Edit",
    remove: "Delete",
    copy: "Copy text",
    react: "React",
    removeHeading: "Delete this message?",
    removeText: "It disappears for everyone in the group. Somebody may have read or copied it already.",
    removeYes: "Delete",
    quick: {
      "👍": "Agree",
      "❤️": "With you",
      "🙏": "Thank you",
      "💡": "Helpful thought",
      "🤔": "Wondering",
      "👀": "Reading",
    },
    otherEmoji: "Another emoji",
    otherEmojiAdd: "Add",
    otherEmojiWrong: "One emoji, please. Your keyboard has a key for them.",
    reactionBy: (who: string): string => `from ${who}`,
    addMine: ", add yours",
    takeMine: ", take yours back",
    image: (alt: string): string => (alt ? `picture: ${alt}` : "picture"),
  },

  composer: {
    label: "Write to the group",
    placeholder: "Write to the group",
    send: "Send",
    save: "Save the change",
    replying: (name: string): string => `Reply to ${name}`,
    replyingSelf: "Reply to your own message",
    editing: "Change your message",
    cancelReply: "Do not reply",
    cancelEdit: "Do not change it",
    help: "Formatting",
    helpHeading: "Formatting",
    helpRows: [
      ["**important**", "bold"],
      ["*slightly*", "italic"],
      ["> somebody’s words", "quotation"],
      ["- first\n- second", "list"],
      ["`exactly`", "as typed"],
    ] as const,
    keysSend: "Enter sends, Shift + Enter begins a new line.",
    keysEdit: "Arrow up in the empty field changes your last message.",
    left: (n: number): string => (n >= 0 ? `${n} characters left` : `${-n} characters too long`),
    offline: "You are offline. Your message is sent when the connection is back.",
  },

  system: {
    created: (by: string): string => `${by} started this group`,
    joined: (who: string, by: string): string =>
      by && by !== who ? `${who} joined, invited by ${by}` : `${who} joined`,
    left: (who: string): string => `${who} left the group`,
    removed: (who: string, by: string): string => (by ? `${who} was removed by ${by}` : `${who} was removed`),
    renamed: (by: string, title: string): string => `${by} renamed the group to “${title}”`,
    policy: (by: string): string => `${by} changed how the group decides`,
    rejoined: (who: string): string => `${who} is back in the group with renewed keys`,
    unreadable: "This message can’t be read on this device",
    unreadableWhy: {
      before_joined: "it was sent before you joined.",
      missed: "it was sent while this device was away too long.",
      damaged: "it arrived damaged, or somebody without the key put it there.",
      other: "the key for it is not here. Ask its author to send it again.",
    },
    bad_commit: (who: string): string =>
      `${who || "A member"}’s device sent a change that breaks the group’s rules. Every device has ignored it; nothing of yours was exposed`,
    newer_version: (who: string): string =>
      `${who || "Somebody"} wrote this with a newer version of Collegium. Load the page again to update`,
    rang: (by: string, why: string): string => `${by} called the group: ${why}`,
    rang_off: (by: string, why: string): string => `${by} took the call back: ${why}`,
    rang_written: (by: string, why: string): string =>
      `${by} went on in writing, since a call did not come about: ${why}`,
    call: (minutes: string, who: string): string =>
      `A call: ${minutes === "1" ? "1 minute" : `${minutes} minutes`}, ${who}`,
    meeting: (by: string, title: string): string => `${by} planned “${title}”`,
    meeting_changed: (by: string, title: string): string => `${by} planned “${title}” anew`,
    meeting_moved: (by: string, which: string): string => `${by} moved a meeting: ${which}`,
    meeting_cancelled: (by: string, which: string): string => `${by} called off a meeting: ${which}`,
    meeting_ended: (by: string, title: string): string => `${by} called off all meetings of “${title}”`,
    somebody: "Somebody",
    other: (code: string): string => `Something happened that this version has no words for (${code})`,
  },

  people: {
    heading: "People",
    close: "Back to the messages",
    count: people,
    founder: "Founder",
    you: "You",
    online: "Here now",
    away: "Not here now",
    devices: (n: number): string => (n === 1 ? "1 device" : `${n} devices`),
    changed: "New keys",
    changedText: (name: string): string =>
      `${name}’s keys were renewed, for example on a new phone. If you did not expect it, ask ${name} by telephone.`,
    more: (name: string): string => `More about ${name}`,
    remove: (name: string): string => `Remove ${name} from the group…`,
    inviteHeading: "Invite a colleague",
    inviteText: "Each link is for one person and works once.",
    invite: "Make an invitation link",
    inviteBusy: "Making the link…",
    linkHeading: "Your invitation link",
    linkText: (until: string): string =>
      `It works once, until ${until}, for one person. Send it to the one colleague it is meant for, by a way you trust.`,
    linkWarning: "Whoever opens it first joins the group. So do not post it where others can see it.",
    linkLabel: "Invitation link",
    linkDone: "Done",
    linkOnce: "For safety this link is shown only now. You can withdraw it at any time.",
    shareText: "An invitation to our consultation group on Collegium. It works once:",
    openHeading: "Open invitations",
    openNone: "No invitation is open.",
    openBy: (by: string): string => `Made by ${by}`,
    openByMe: "Made by you",
    openUntil: (when: string): string => `until ${when}`,
    withdraw: "Withdraw",
    withdrawLabel: (by: string, when: string): string =>
      `Withdraw the invitation made by ${by}, open until ${when}`,
    removeHeading: (name: string): string => `Remove ${name}?`,
    removeFounder: (name: string): string =>
      `${name} is told so, and can’t read anything written from then on. What ${name} has read already stays readable on ${name}’s devices.`,
    removeGroup: (name: string): string =>
      `Removing somebody is a decision of the group. You propose it now; when half of the other members and at least two agree, ${name} is removed. The others see your proposal.`,
    removeYes: "Remove now",
    proposeYes: "Propose the removal",
    voidsInvites: "All open invitations become void when somebody is removed.",
    pendingHeading: "Proposed removals",
    pending: (name: string, have: number, need: number): string =>
      `Remove ${name}: ${have} of ${need} agreed`,
    agree: "Agree",
    agreed: "You agreed",
    withdrawRemoval: "Withdraw",
    withdrawRemovalLabel: (name: string): string => `Withdraw the proposal to remove ${name}`,
    agreeLabel: (name: string): string => `Agree to remove ${name}`,
    agreeHeading: (name: string): string => `Agree to remove ${name}?`,
    agreeText: (name: string, last: boolean): string =>
      last
        ? `Yours is the last voice needed: ${name} is removed at once and can’t read anything written from then on.`
        : `When enough members agree, ${name} is removed and can’t read anything written from then on.`,
    groupHeading: "This group",
    rename: "Change the name…",
    renameHeading: "Change the group’s name",
    renameYes: "Change the name",
    leave: "Leave the group…",
    leaveHeading: (title: string): string => `Leave “${title}”?`,
    leaveText:
      "You can’t read or write anything new here. What you have on this device stays readable for you. To come back you need a new invitation.",
    leaveAlone: "You are the only member. Nobody can come back into this group after you.",
    leaveYes: "Leave",
    confirmedAt: (when: string): string => `State of the group confirmed by another member’s device ${when}.`,
  },

  settings: {
    heading: "Settings",
    nameHeading: "Your name",
    nameLabel: "Name that colleagues see",
    nameHint: "A change is shown to the members of all your groups.",
    nameSave: "Save the name",
    nameSaved: "Saved. Your groups see the new name.",
    nameMissing: "Please enter a name.",
    deviceHeading: "This device",
    lockText: "Collegium locks by itself after ten minutes without use, and when you close it.",
    lockNow: "Lock now",
    forgetText:
      "Take everything of your account away from this device, for example before you sell it. Your account stays; your recovery code brings it to another device.",
    forget: "Forget this device…",
    forgetHeading: "Forget this device?",
    forgetWarning:
      "All messages on this device are deleted. Without another device or your recovery code you lose your account.",
    forgetWord: "forget",
    forgetLabel: (word: string): string => `Type “${word}” to confirm`,
    forgetYes: "Delete everything here",
    wakes: {
      heading: "Calls while Collegium is closed",
      text: "When one of your groups is called, your browser can show a notification on this device, also while Collegium is locked or closed. It says that there is a call, and nothing else: not who calls, not in which group, not why.",
      reveals:
        "For this the server asks the company behind your browser (Google, Mozilla, Apple or Microsoft) to wake this device. That company learns that this device uses this server, and at what times it is called. What is said and written stays encrypted and does not pass through it. Whoever looks at your screen sees that there is a call.",
      turnOn: "Notify me of calls",
      turnOff: "Stop notifying me",
      asking: "Your browser asks whether you allow it…",
      states: {
        asking: "Switched on. The server hears of it as soon as it can be reached.",
        on: "Switched on for this device.",
        refused:
          "Your browser is woken by a company that this server does not call. Notifications are not possible with this browser here.",
      },
      stopped: "Switched off for this device.",
      problems: {
        blocked:
          "Your browser does not allow Collegium to notify you. Allow notifications for this address in the browser’s settings, then try again here.",
        unable:
          "This browser can’t be woken for Collegium. On an iPhone or iPad, first add Collegium to the Home Screen and open it from there. In a private window it is not possible.",
        unreachable:
          "The company behind your browser could not be reached, so nothing was switched on. Try again when you have a better connection.",
      },
    },
    devicesHeading: "Your devices",
    devicesText: "Each of them can read your groups. Remove one that you have lost or no longer use.",
    devicesBusy: "Asking the server…",
    thisDevice: "This device",
    otherDevice: "Another device",
    deviceSince: (when: string): string => `since ${when}`,
    deviceRemove: "Remove…",
    deviceRemoveLabel: (when: string): string => `Remove the device that is here since ${when}`,
    deviceRemoveHeading: "Remove this device?",
    deviceRemoveText:
      "It is signed out at once, and the other members’ devices take it out of your groups. What it has stored stays on it, encrypted, until it is opened and forgotten there.",
    deviceRemoveYes: "Remove the device",
    deviceRemoved: "The device was removed.",
    confirming: "Your device asks you to confirm that it is you…",
    aboutHeading: "What Collegium promises, and what not",
    about: [
      "Only the members of a group can read what is written in it; the server keeps it in encrypted form and orders it.",
      "Whoever is removed or leaves can’t read what is written afterwards, but keeps what was readable before.",
      "The server does see which accounts share a group, when something is sent and roughly how long it is.",
      "Nothing protects against a member who copies or photographs, against a device that is open in other hands, or against malicious software on it.",
      "A server that sends your browser altered program code could read along; use one run by people you trust.",
    ] as const,
    unaudited: "Collegium has not been audited by independent experts yet.",
    version: (version: string): string => `Version ${version}`,
  },

  /** A notification, shown by a page that is open and unlocked. */
  woken: { title: "A call in one of your groups", body: "Open Collegium to answer." },
  /** The same, when this person has answered every call that the page knows of. */
  wokenAnswered: { title: "Collegium", body: "You have answered already." },

  dates: { today: "Today", yesterday: "Yesterday" },
} as const;

export type Words = typeof en;
