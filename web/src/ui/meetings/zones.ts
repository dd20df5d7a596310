import { isZoneName, utcOffset, zoneIsKnown } from "../../room/localTimes";

/** Time zones as people look for them: by a city. Names are IANA's; the list is this browser's own. */

/** The last part of a zone's name: "America/Argentina/Buenos_Aires" → "Buenos Aires". */
export function city(zone: string): string {
  return zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
}

/** "America/New_York" → "New York, America"; those without a region as they are. */
export function cityAndRegion(zone: string): string {
  const [region] = zone.split("/");
  return region === zone ? zone : `${city(zone)}, ${region}`;
}

/** Those that a meeting may be planned in. UTC is no region's, and some want it. */
export function allZones(): readonly string[] {
  const known = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
  return [...new Set([...known.filter(isZoneName), "UTC"])];
}

/** The reader's own; UTC where the browser's is none that others would know by its name. */
export const usable = (zone: string): string => (isZoneName(zone) && zoneIsKnown(zone) ? zone : "UTC");

const plain = (text: string): string =>
  text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[_,/]+/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

/** Zones whose name has all the words of `text`; those come first whose city begins with it. */
export function findZones(text: string, zones: readonly string[]): readonly string[] {
  const wanted = plain(text);
  if (wanted === "") return [];
  const parts = wanted.split(" ");
  const rank = (zone: string): number =>
    plain(city(zone)) === wanted ? 0 : plain(city(zone)).startsWith(wanted) ? 1 : 2;
  return zones
    .filter((zone) => parts.every((part) => plain(zone).includes(part)))
    .sort((a, b) => rank(a) - rank(b) || (city(a) < city(b) ? -1 : 1));
}

/** "UTC+01:00", at an instant. */
export function offsetWords(zone: string, at: number): string {
  const minutes = utcOffset(at, zone) ?? 0;
  const two = (n: number): string => String(n).padStart(2, "0");
  const all = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(all / 60))}:${two(all % 60)}`;
}
