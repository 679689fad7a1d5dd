import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApiDocument } from '@payflow/gateway/openapi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openApiCommands } from './openapi.js';

const before = process.cwd();
const { info, paths, ...rest } = openApiDocument() as {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, object>>;
};
const path = `docs/released/openapi-${info.version}.json`;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'payflow-openapi-'));
  process.chdir(folder);
  mkdirSync('docs/released', { recursive: true });
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const release = () => openApiCommands().parseAsync(['release'], { from: 'user' });
const released = (paths: object) => writeFileSync(path, JSON.stringify({ info, paths, ...rest }));
const GONE = { '/things': { get: { operationId: 'listThings', responses: {} } } };

describe('payflow openapi release', () => {
  it('keeps the document of this code, also where its version was released with less', async () => {
    await release();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(openApiDocument());
    const [, ...fewer] = Object.entries(paths);
    released(Object.fromEntries(fewer));
    await release();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(openApiDocument());
  });

  it('takes back nothing that clients of the version were promised', async () => {
    released({ ...paths, ...GONE });
    await expect(release()).rejects.toThrow('GET /things: is gone');
    expect(readFileSync(path, 'utf8')).toContain('/things');
  });
});
