import { alarms } from "./enAlarms";

/** What happened and what to do, for an alarm. A name is not always known. */
export function alarmWords(code: string, who: string | null): { text: string; todo: string } {
  const found = Object.hasOwn(alarms, code) ? alarms[code as keyof typeof alarms] : alarms.other;
  const name = who || "A colleague";
  const object = who || "that colleague";
  return { text: found.text(name), todo: found.todo(object) };
}
