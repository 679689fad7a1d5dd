import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const FILES = globSync(['*.md', '{docs,apps,libs,tools,deploy}/**/*.{md,ts,mts,mjs,sql}'], {
  cwd: ROOT,
  exclude: (name) => /(^|\/)(node_modules|dist)$/.test(name),
});
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** The anchors that a page's headings have where it is shown. */
function anchorsOf(file: string): Set<string> {
  const headings = textOf(file).matchAll(/^#{1,6} (.+)$/gm);
  const anchor = (heading: string) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
  return new Set([...headings].map(([, heading]) => anchor(heading as string)));
}

describe('every page', () => {
  const pages = FILES.filter((file) => file.endsWith('.md'));

  it.each(pages)('%s leads to what is there', (page) => {
    const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const lost = links.filter(([, path = '', anchor]) => {
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor);
    });
    expect(lost.map(([link]) => link)).toEqual([]);
  });
});

it('names no page in the code that is not there', () => {
  const code = FILES.filter((file) => !file.endsWith('.md'));
  const named = code.flatMap((file) =>
    [...textOf(file).matchAll(/docs\/[\w/-]+\.md/g)].map(([page]) => `${file}: ${page}`),
  );
  expect(named.filter((one) => !existsSync(join(ROOT, one.split(': ')[1] as string)))).toEqual([]);
});
