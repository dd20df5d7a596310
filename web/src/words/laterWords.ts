import { call } from "./enCall";
import { meetings } from "./enMeetings";
import { ring } from "./enRing";

/** Words that come with the pages that need them, so that the first page is there sooner. Languages as in words.ts. */
export const callWords = call;
export const ringWords = ring;
export const meetingWords = meetings;
