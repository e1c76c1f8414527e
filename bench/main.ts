// `npm run bench [ROUNDS]` measures boots and commands, `npm run bench images [ROUNDS]` how images are made.
import { benchBoots } from './boot.ts';
import { benchImages } from './images.ts';

const words = process.argv.slice(2);
const isImages = words[0] === 'images';
if (isImages) words.shift();
const rounds = Number(words[0] ?? (isImages ? 5 : 11));
if (words.length > 1 || !Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('usage: npm run bench [images] [ROUNDS]\n');
  process.exitCode = 2;
} else await (isImages ? benchImages(rounds) : benchBoots(rounds));
