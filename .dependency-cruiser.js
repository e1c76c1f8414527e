// The direction of imports. `npm run layers` checks it; CONTRIBUTING.md explains it.
//
//   cli → index → open-host → vm → hypervisor | guest | network | image | disk | snapshot | store → spec → base

const siblings = ['hypervisor', 'guest', 'network', 'image', 'disk', 'snapshot', 'store'];
const foundations = ['spec', 'base'];

/** What each folder of src/ may import besides itself and src/errors.ts. */
const mayImport = {
  cli: [],
  vm: [...siblings, ...foundations],
  ...Object.fromEntries(siblings.map((name) => [name, foundations])),
  spec: ['base'],
  base: [],
};

const isTest = '\\.test\\.ts$';
const error = { severity: 'error' };

function folderRule([folder, allowed]) {
  const folders = [folder, ...allowed].join('|');
  const files = folder === 'cli' ? 'errors|index' : 'errors';
  return {
    ...error,
    name: `layer-${folder}`,
    comment: `src/${folder}/ may import only: ${[...allowed, ...files.split('|').map((f) => `${f}.ts`)].join(', ')}`,
    from: { path: `^src/${folder}/`, pathNot: isTest },
    to: { path: '^src/', pathNot: `^src/((${folders})/|(${files})\\.ts$)` },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
const config = {
  forbidden: [
    ...Object.entries(mayImport).map(folderRule),
    {
      ...error,
      name: 'layer-errors',
      comment: 'src/errors.ts may be imported from anywhere, so it imports only base/',
      from: { path: '^src/errors\\.ts$' },
      to: { path: '^src/', pathNot: '^src/base/' },
    },
    {
      ...error,
      name: 'layer-root',
      comment: 'Files directly in src/ never import cli/ or testing/',
      from: { path: '^src/[^/]+\\.ts$', pathNot: isTest },
      to: { path: '^src/(cli|testing)/' },
    },
    {
      ...error,
      name: 'layer-testing',
      comment: 'src/testing/ may import anything except cli/',
      from: { path: '^src/testing/' },
      to: { path: '^src/cli/' },
    },
    {
      ...error,
      name: 'folder-without-layer',
      comment: 'A new folder in src/ needs a line in mayImport (.dependency-cruiser.js)',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(mayImport).join('|')}|testing)/` },
    },
    {
      ...error,
      name: 'backend-only-through-registry',
      comment: 'Only src/hypervisor/registry.ts looks into the folder of a backend',
      from: { path: '^src/', pathNot: '^src/(hypervisor/registry\\.ts$|hypervisor/[^/]+/|testing/)' },
      to: { path: '^src/hypervisor/[^/]+/' },
    },
    {
      ...error,
      name: 'backends-are-strangers',
      comment: 'One backend never imports another',
      from: { path: '^src/hypervisor/([^/]+)/' },
      to: { path: '^src/hypervisor/[^/]+/', pathNot: '^src/hypervisor/$1/' },
    },
    {
      ...error,
      name: 'src-stands-alone',
      comment: 'src/ never imports test/, scripts/, bench/ or examples/',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench|examples)/' },
    },
    {
      ...error,
      name: 'no-import-of-tests',
      comment: 'A *.test.ts file is imported by nobody',
      from: {},
      to: { path: isTest },
    },
    {
      ...error,
      name: 'no-dev-dependency',
      comment: 'What ships needs only dependencies and optionalDependencies',
      from: { path: '^src/', pathNot: isTest },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '^node_modules/@types/' },
    },
    { ...error, name: 'no-cycle', from: {}, to: { circular: true } },
    { ...error, name: 'resolvable', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: '(^|/)(node_modules|dist|\\.build)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
};

export default config;
