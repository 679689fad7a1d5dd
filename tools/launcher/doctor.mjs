import { examine } from './examination.mjs';
import { bold, dim, green, red, yellow } from './screen.mjs';

const marks = { ok: green('✓'), note: yellow('!'), bad: red('✗') };
const nameWidth = 12;

const findings = await examine();
console.log(`\n${bold('PayFlow doctor')}\n`);
for (const { level, name, found, mend } of findings) {
  console.log(`  ${marks[level]} ${name.padEnd(nameWidth)} ${found}`);
  if (mend !== undefined && level !== 'ok') console.log(`    ${' '.repeat(nameWidth)} ${dim(`to mend: ${mend}`)}`);
}
const bad = findings.filter(({ level }) => level === 'bad').length;
const notes = findings.filter(({ level }) => level === 'note').length;
console.log(
  `\n  ${bad === 0 ? green('npm start should work here.') : red(`${bad} thing${bad > 1 ? 's' : ''} in the way.`)} ${notes > 0 ? dim(`${notes} to know about.`) : ''}\n`,
);
process.exit(bad === 0 ? 0 : 1);
