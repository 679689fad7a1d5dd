import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, matchesGlob, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

import { checkoutDir } from './local/index.mjs';

const from = (path) => join(checkoutDir, path);
const textOf = (path) => readFileSync(from(path), 'utf8');
const jsonOf = (path) => JSON.parse(textOf(path));
const nameOf = (project) => jsonOf(`${project}/package.json`).name;

/** What `tsc -b tools/payflow` compiles, which is all that the image compiles. */
function compiledProjects(project = 'tools/payflow', found = new Set()) {
  if (found.has(project)) return found;
  found.add(project);
  for (const { path } of jsonOf(`${project}/tsconfig.json`).references ?? [])
    compiledProjects(normalize(join(project, path)), found);
  return found;
}

const projects = [...compiledProjects()];

/** The sources of a project that are compiled. */
function sourcesOf(project) {
  const { include, exclude } = jsonOf(`${project}/tsconfig.json`);
  return globSync(include, { cwd: from(project) })
    .filter((file) => !exclude.some((pattern) => matchesGlob(file, pattern)))
    .map((file) => join(project, file));
}

/** What is loaded with a module: not its types, and nothing that it asks for later. */
function* packagesLoadedBy(file) {
  for (const [, name] of textOf(file).matchAll(
    /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'((?:@[\w-]+\/)?[\w-][\w.-]*)/gm,
  ))
    yield name;
}

function filesLoadedBy(file) {
  const text = textOf(file);
  const loaded = /^(?:import|export)\b[^'";]*['"](\.{1,2}\/[^'"]+)['"]/gm;
  return [...text.matchAll(loaded), ...text.matchAll(/\bimport\("(\.{1,2}\/[^"]+\.mjs)"\)/g)].map(([, path]) =>
    normalize(join(dirname(file), path)),
  );
}

/** Packages that a program asks for from its folder, and that nothing but development brings. */
function packagesAskedForBy(file) {
  const { dependencies } = jsonOf('package.json');
  return [...textOf(file).matchAll(/^import [^'";]*from "((?:@[\w-]+\/)?[a-z][\w.:-]*)/gm)]
    .map(([, name]) => name)
    .filter((name) => !(name in dependencies) && !isBuiltin(name))
    .map((name) => `${file} asks for ${name}`);
}

/** The files that the Dockerfile copies out of a compiled checkout, by its own `find`. */
function filesOfImage() {
  const rule = /&& (find dist [\s\S]*?)-exec/.exec(textOf('deploy/Dockerfile'))?.[1];
  const found = execFileSync('sh', ['-c', rule.replaceAll('\\\n', ' ')], { cwd: checkoutDir, maxBuffer: 1e8 });
  return new Set(String(found).trim().split('\n'));
}

describe('the image', () => {
  it('compiles nothing that needs a library whose sources it does not have', () => {
    const known = new Set(projects.map(nameOf));
    const unknown = projects.flatMap(sourcesOf).flatMap((file) =>
      [...textOf(file).matchAll(/'(@payflow\/[\w-]+)[\w/-]*'/g)]
        .map(([, name]) => name)
        .filter((name) => !known.has(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(unknown).toEqual([]);
    expect(projects.length).toBeGreaterThan(10);
  });

  it('loads no package that is only there for development', () => {
    const { devDependencies, optionalDependencies } = jsonOf('package.json');
    const absent = { ...devDependencies, ...optionalDependencies };
    const loaded = projects
      .flatMap(sourcesOf)
      .flatMap((file) => [...packagesLoadedBy(file)].map((name) => ({ file, name })));
    expect(loaded.map(({ name }) => name)).toContain('fastify');
    expect(loaded.filter(({ name }) => name in absent)).toEqual([]);
  });

  it.skipIf(!existsSync(from('dist/payflow.mjs')))('has every file that another of its files loads', () => {
    const files = filesOfImage();
    // Of the launcher's folder it has more than it runs.
    const reached = new Set([...files].filter((file) => /\.m?js$/.test(file) && !file.startsWith('tools/launcher/')));
    const missing = [];
    for (const file of reached)
      for (const path of filesLoadedBy(file)) {
        if (!files.has(path)) missing.push(`${file} loads ${path}`);
        else if (/\.m?js$/.test(path)) reached.add(path);
      }
    expect(missing).toEqual([]);
    expect([...reached].filter((file) => file.startsWith('dist/')).flatMap(packagesAskedForBy)).toEqual([]);
    expect(reached).toContain('tools/launcher/traces/waterfall.mjs');
    expect(reached).toContain('dist/gateway.mjs');
  });
});
