/**
 * Words that come with the pages that need them, so that the first page is there sooner. Each place has a module of its
 * own, and nothing but passed on here: a page then loads the words that it names. Languages as in words.ts.
 */
export { call as callWords } from "./enCall";
export { join as joinWords, welcome as welcomeWords } from "./enEntry";
export {
  connection as connectionWords,
  groups as groupsWords,
  notices as noticeWords,
  waiting as waitingWords,
} from "./enHome";
export { meetings as meetingWords } from "./enMeetings";
export { people as peopleWords } from "./enPeople";
export { composer as composerWords, post as postWords } from "./enPost";
export {
  protect as protectWords,
  recover as recoverWords,
  recoveryCode as recoveryCodeWords,
} from "./enProtect";
export { ring as ringWords } from "./enRing";
export { room as roomWords, system as systemWords } from "./enRoom";
export { settings as settingsWords } from "./enSettings";
