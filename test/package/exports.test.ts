import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildFolder, projectFolder } from '../support/places.ts';
import { withTemporaryFolder } from '../support/temporary-folder.ts';

interface PackageFile {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const folder = withTemporaryFolder();
const packageFile = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as PackageFile;
const entries = Object.keys(packageFile.exports).map((key) => `smolvm${key.slice(1)}`);
const modules = entries.filter((name) => !name.endsWith('.json'));

// A program's folder in which the package is installed, with nothing but its dependencies.
beforeEach(() => {
  const installed = join(folder(), 'node_modules/smolvm');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, 'package.json'), JSON.stringify(packageFile));
  symlinkSync(buildFolder, join(installed, 'dist'));
  for (const name of Object.keys({ ...packageFile.dependencies, ...packageFile.optionalDependencies })) {
    mkdirSync(join(folder(), 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(projectFolder, 'node_modules', name), join(folder(), 'node_modules', name));
  }
});

/** Runs a program in that folder; gives the JSON that it prints. */
function run(kind: 'module' | 'commonjs', program: string): unknown {
  const args = [`--input-type=${kind}`, '-e', program];
  return JSON.parse(
    execFileSync(process.execPath, args, { cwd: folder(), encoding: 'utf8', stdio: 'pipe' }),
  ) as unknown;
}

describe('the package', () => {
  it.each(modules)('gives %s to import', (name) => {
    const names = run('module', `console.log(JSON.stringify(Object.keys(await import('${name}'))))`);
    expect((names as string[]).length).toBeGreaterThan(0);
    expect(names).not.toContain('default');
  });

  it.each(modules)('gives %s to require', (name) => {
    const names = run('commonjs', `console.log(JSON.stringify(Object.keys(require('${name}'))))`);
    expect((names as string[]).length).toBeGreaterThan(0);
  });

  it('gives its package.json', () => {
    const program = `console.log(JSON.stringify(require('smolvm/package.json').version))`;
    expect(run('commonjs', program)).toBe(packageFile.version);
  });

  it('has types for every entry', () => {
    for (const entry of Object.values(packageFile.exports)) {
      if (typeof entry === 'string') continue;
      expect(entry.types).toBe(entry.default.replace(/\.js$/, '.d.ts'));
    }
    expect(readdirSync(buildFolder)).toContain('index.d.ts');
  });

  it('hides what is not exported', () => {
    const program = `console.log(JSON.stringify(await import('smolvm/dist/errors.js').catch((error) => error.code)))`;
    expect(run('module', program)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('knows its errors across import and require', () => {
    const program = `
      const { SmolVM, isSmolVMError } = await import('smolvm');
      const { createRequire } = await import('node:module');
      const copy = createRequire(process.cwd() + '/x.js')('smolvm');
      const error = await SmolVM.fromId('NOT AN ID').catch((failure) => failure);
      console.log(JSON.stringify([isSmolVMError(error), copy.isSmolVMError(error, error.code)]));`;
    process.env['SMOLVM_HOME'] = join(folder(), 'home');
    try {
      expect(run('module', program)).toEqual([true, true]);
    } finally {
      Reflect.deleteProperty(process.env, 'SMOLVM_HOME');
    }
  });

  it('does nothing when it is imported', () => {
    run('module', `await import('smolvm'); console.log('1')`);
    expect(readdirSync(folder())).toEqual(['node_modules']);
  });
});
