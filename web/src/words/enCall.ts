/** What is said before, in and after a call. */

const people = (n: number): string => (n === 1 ? "1 person is" : `${n} people are`);

export const call = {
  open: "Open the group’s call",
  joinOf: (count: number): string => `Join the call: ${people(count)} in it`,
  toGroup: "Back to the group",

  before: {
    heading: (title: string): string => `Call with “${title}”`,
    nobody: "Nobody is in the call yet. The others see that you are there as soon as you join.",
    inIt: (names: string): string => `In the call now: ${names}`,
    join: "Join the call",
    start: "Start the call",
    joining: "Coming into the call…",
    private:
      "Picture and sound are encrypted on this device. Only the members who are in the call can open them.",
    preview: "You, as the others will see you",
    cameraOff: "Your camera is off",
    microphone: "Microphone",
    camera: "Camera",
    turnOn: { microphone: "Turn the microphone on", camera: "Turn the camera on" },
    turnOff: { microphone: "Turn the microphone off", camera: "Turn the camera off" },
    asking: "Your browser asks whether Collegium may use them. Please allow it.",
    neither: "You can come in without both: you see and hear the others, and can write to them.",
    devices: "Devices",
    usual: "The usual one",
    unnamed: (n: number): string => `Device ${n}`,
    speaker: "Loudspeaker or headphones",
    speakerUsual: "Your browser plays sound where your device plays everything.",
    testSound: "Play a sound",
    testing: "Playing…",
    soundFailed:
      "No sound could be played here. Choose another loudspeaker, or look at your device’s own settings.",
    speak: "Say something: the bar moves when the microphone hears you.",
    heard: "The microphone hears you.",
    blur: "Blur what is behind me",
    leaves: (title: string): string =>
      `You are in a call with “${title}”. You leave it when you join this one.`,
    otherDevice: "You are in this call on another device. It leaves the call when you join here.",
    notReady: "The call of this group can’t be joined at the moment.",
    offline: "You are offline. You can join as soon as the connection is back.",
  },

  problems: {
    microphone: {
      denied:
        "Your browser does not let Collegium use the microphone. Press the symbol beside the address at the top, allow the microphone, and try again.",
      missing: "No microphone was found. If you have one, plug it in and choose it under “Devices”.",
      busy: "The microphone can’t be opened. Another program may be using it: close that program and try again.",
      cancelled: "The microphone was not opened.",
    },
    camera: {
      denied:
        "Your browser does not let Collegium use the camera. Press the symbol beside the address at the top, allow the camera, and try again.",
      missing: "No camera was found. If you have one, plug it in and choose it under “Devices”.",
      busy: "The camera can’t be opened. Another program may be using it: close that program and try again.",
      cancelled: "The camera was not opened.",
    },
    screen: {
      denied: "Your browser or your device does not let Collegium share the screen.",
      missing: "There was nothing to share.",
      busy: "The screen can’t be shared at the moment. Try a single window instead.",
      cancelled: "Nothing is shared: your browser’s question was closed.",
    },
  },

  unable: {
    heading: "This browser can’t take part in calls",
    text: "It has no way to encrypt picture and sound for your group, and without that nothing is sent. Reading and writing work as always.",
    todo: "For calls, open Collegium in a recent Chrome, Edge, Firefox or Safari.",
  },

  way: {
    heading: "Your connection",
    checking: "Trying the way to the server…",
    fast: "Your connection works.",
    slow: "Only a slower way works from here. Sound will be fine; pictures may be less sharp. Another network may be better.",
    none: "The server’s relay for calls can’t be reached from this network. A call may still come about directly; you see it as soon as you join.",
    untested: "Whether calls get through from this network is seen as soon as you join.",
    offline: "The server can’t be reached at the moment.",
    again: "Try again",
  },

  tiles: "People in the call",
  you: "You",
  alone: "You are the only one here. The others see it in the group, and can join at any time.",
  states: {
    entering: "Coming into the call…",
    connecting: "Connecting picture and sound…",
    reconnecting: "Reconnecting… Stay here, it goes on by itself.",
    held: "Somebody is leaving the group, so nothing of yours is sent for a moment. It goes on by itself with new keys.",
    noKeys: "Nothing of yours is sent yet: the keys of the call are being made.",
    stuck:
      "Calls can’t get through from this network: something on the way blocks them. Try another network, for example your phone’s, or ask whoever looks after this one to let calls through.",
    silenced: "Your browser waits for a press before it plays anything.",
    hear: "Hear the others",
    sharing: "You are sharing your screen.",
  },
  tile: {
    joining: "is coming in…",
    silent: "Nothing arrives from here at the moment",
    muted: "microphone off",
    hand: (n: number): string => `hand raised, number ${n}`,
    verified: "compared with the group’s code",
    quality: { good: "good connection", fair: "fair connection", poor: "poor connection" },
    screenComes: "The screen is on its way…",
    screenOf: (name: string): string => `${name}’s screen`,
    refused: {
      unencrypted: (name: string): string =>
        `Something came as ${name}’s that was not encrypted. It is not shown.`,
      forged: (name: string): string => `What comes as ${name}’s was altered on its way. It is not shown.`,
      swapped: (name: string): string => `Something else came under ${name}’s name. It is not shown.`,
      no_key: (name: string): string => `What ${name} sends can’t be opened on this device yet.`,
    },
  },

  controls: {
    label: "Your part in the call",
    mute: "Turn your microphone off",
    unmute: "Turn your microphone on",
    muteShort: "Mute",
    unmuteShort: "Unmute",
    micShort: "Microphone",
    cameraOn: "Turn your camera on",
    cameraOff: "Turn your camera off",
    cameraShort: "Camera",
    share: "Share your screen",
    stopShare: "Stop sharing your screen",
    shareShort: "Share",
    stopShort: "Stop",
    hand: "Raise your hand",
    handDown: "Lower your hand",
    handShort: "Hand",
    react: "React with an emoji",
    reactShort: "React",
    thread: "Messages of the group",
    threadUnread: (n: number): string =>
      n === 1 ? "Messages of the group, 1 new" : `Messages of the group, ${n} new`,
    threadShort: "Messages",
    more: "More",
    leave: "Leave the call",
    leaveShort: "Leave",
    devices: "Devices…",
    code: "Compare the group’s code…",
    keys: "Keyboard…",
    talking: "You are heard while you hold the space bar.",
    hands: "Hands raised, in order:",
  },
  reactions: {
    "👍": "Agree",
    "❤️": "With you",
    "👏": "Applause",
    "😄": "Laughing",
    "🤔": "Wondering",
    "🙏": "Thank you",
  },

  news: {
    came: (name: string): string => `${name} came into the call.`,
    went: (name: string): string => `${name} left the call.`,
    hand: (name: string): string => `${name} raised a hand.`,
    handDown: (name: string): string => `${name} lowered the hand.`,
    shares: (name: string): string => `${name} shares a screen.`,
    stops: (name: string): string => `${name} stopped sharing.`,
    in: "You are in the call.",
    back: "The connection is back.",
    own: {
      microphone: { on: "Your microphone is on.", off: "Your microphone is off." },
      camera: { on: "Your camera is on.", off: "Your camera is off." },
      hand: { on: "Your hand is raised.", off: "Your hand is lowered." },
    },
  },

  thread: { heading: "Messages", close: "Close the messages" },

  keys: {
    heading: "Keyboard",
    rows: [
      ["Space, held", "be heard while your microphone is off"],
      ["M", "microphone on or off"],
      ["V", "camera on or off"],
      ["H", "raise or lower your hand"],
      ["C", "messages of the group"],
      ["?", "this list"],
    ] as const,
    single: "Single letters do this while you are in a call",
    note: "They do nothing while you write. To leave, use the button.",
  },

  code: {
    heading: "Compare the group’s code",
    text: "Every member’s device makes the same code from everybody’s keys. If all of you see the same one, nobody stands between you unnoticed.",
    todo: "One of you reads it aloud, five digits at a time. Everybody follows on their own screen. Do it by voice, not in writing, and with people whose voice you know.",
    busy: "Working the code out…",
    label: "The group’s code",
    digits: (group: string): string => group.split("").join(" "),
    same: "Everyone read the same",
    different: "Ours differ",
    differs:
      "Then somebody’s device has other keys, or somebody else stands between you. Say nothing confidential in this call. Leave it, come in again and compare once more. If the codes still differ, tell whoever looks after this server.",
    done: "Compared. Everybody who is in the group now has a mark beside their name on this device.",
  },

  bar: {
    label: "The call that you are in",
    back: "Back to the call",
    goingBriefly: "In a call",
    elsewhereBriefly: "In another tab",
    going: (title: string): string => `You are in a call with “${title}”`,
    muted: "Your microphone is off",
    elsewhere: (title: string): string => `The call with “${title}” is in another tab`,
    bring: "Bring it here",
  },
  otherTab: {
    heading: "You are in this call in another tab",
    text: "It can be in one tab at a time. If you bring it here, the other tab leaves it.",
    bring: "Bring the call here",
  },

  ended: {
    left: { heading: "You left the call", text: "The others can still be in it." },
    replaced: {
      heading: "The call goes on somewhere else",
      text: "You came into it in another tab or on another device. You are in a call in one place at a time.",
    },
    removed: {
      heading: "You are not in this call any more",
      text: "You were removed from the group, or this device was. What is said from now on is encrypted without you.",
    },
    full: {
      heading: "The call is full",
      text: "As many people are in it as it can hold. Try again when somebody has left.",
    },
    lost: {
      heading: "The connection to the call was lost",
      text: "It could not be brought back. Nothing of yours is sent any more. Look at your network, then come in again.",
    },
    media_unavailable: {
      heading: "Calls are not possible on this server at the moment",
      text: "The part of it that passes picture and sound on does not run. Writing works as always. Try again in a minute, or tell whoever looks after this server.",
    },
    locked: {
      heading: "You left the call when Collegium was locked",
      text: "Nothing of yours was sent from then on.",
    },
    restart: {
      heading: "The server was started anew",
      text: "The call ended with it. Come in again; the others can as well.",
    },
    other: {
      heading: "The call ended",
      text: "Nothing of yours is sent any more. You can come in again.",
    },
    again: "Come in again",
  },
} as const;
