/** Where each picture of a call stands, in a window of any shape. Pure: pixels in, pixels out. */

export type Box = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};
export type Plan = { readonly tiles: readonly Box[]; readonly screen: Box | null };

export const GAP = 8;
/** How flat and how tall a tile may be: a face is in its middle, and the sides of a picture may be cut off. */
const FLATTEST = 16 / 9;
const TALLEST = 3 / 4;
/** What a camera gives: of this shape as much as possible is to be seen. */
const PICTURE = 4 / 3;
/** The tallest screen that is expected: a box below its width would be empty above and below what is shown. */
const TALLEST_SCREEN = 4 / 3;
/** Of the window, for the people beside or below a shared screen: as much, or what the screen leaves. */
const BESIDE = { share: 0.2, least: 120, most: 300 };
const BELOW = { share: 0.26, least: 96, most: 240 };

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** Tiles for so many people and, where one is shared, the screen, which has the most of it. */
export function plan(count: number, width: number, height: number, sharing: boolean): Plan {
  const whole = { x: 0, y: 0, width: Math.max(0, width), height: Math.max(0, height) };
  if (!sharing) return { tiles: grid(count, whole), screen: null };
  if (count === 0) return { tiles: [], screen: whole };
  return visible(beside(whole).screen) >= visible(below(whole).screen)
    ? filled(count, beside(whole))
    : filled(count, below(whole));
}

type Split = { readonly screen: Box; readonly people: Box };

function filled(count: number, { screen, people }: Split): Plan {
  return { tiles: grid(count, people), screen };
}

function beside(whole: Box): Split {
  const side = Math.min(clamp(whole.width * BESIDE.share, BESIDE.least, BESIDE.most), whole.width / 2);
  const rest = Math.max(0, whole.width - side - GAP);
  return {
    screen: { ...whole, width: rest },
    people: { ...whole, x: rest + GAP, width: side },
  };
}

function below(whole: Box): Split {
  const band = Math.min(clamp(whole.height * BELOW.share, BELOW.least, BELOW.most), whole.height / 2);
  const rest = Math.max(0, Math.min(whole.height - band - GAP, whole.width / TALLEST_SCREEN));
  return {
    screen: { ...whole, height: rest },
    people: { ...whole, y: rest + GAP, height: Math.max(0, whole.height - rest - GAP) },
  };
}

/** How much of a screen of the usual shape is seen in a box: nothing of it is cut off. */
const visible = ({ width, height }: Box): number => Math.min(width, height * FLATTEST);

/** As many columns as show the most of everybody; what is left in the last row stands in its middle. */
function grid(count: number, within: Box): readonly Box[] {
  let best: Tile = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const tile = tileOf(columns, Math.ceil(count / columns), within);
    if (seen(tile) > seen(best)) best = tile;
  }
  const { columns, width, height } = best;
  const rows = Math.ceil(count / columns);
  const top = within.y + (within.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index): Box => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = within.x + (within.width - inRow * width - (inRow - 1) * GAP) / 2;
    return { x: left + (index % columns) * (width + GAP), y: top + row * (height + GAP), width, height };
  });
}

type Tile = { readonly columns: number; readonly width: number; readonly height: number };

function tileOf(columns: number, rows: number, within: Box): Tile {
  const width = Math.max(0, (within.width - (columns - 1) * GAP) / columns);
  const height = Math.max(0, (within.height - (rows - 1) * GAP) / rows);
  return {
    columns,
    width: Math.min(width, height * FLATTEST),
    height: Math.min(height, width / TALLEST),
  };
}

/** The height of a whole picture in a tile. */
const seen = ({ width, height }: Tile): number => Math.min(width / PICTURE, height);
