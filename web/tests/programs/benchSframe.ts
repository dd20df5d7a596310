/** Prints one JSON object of samples for bench/crypto_sframe.py. */

import { sframeFigures } from "./sframeFigures";

console.log(JSON.stringify(await sframeFigures()));
