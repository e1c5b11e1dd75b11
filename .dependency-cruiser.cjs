// Which folder of src/ may import which: scripts/layers.json, and the finer rules of src/app.
// Type-only imports count. The edges that are no imports (workers, globs) are checked by
// test/unit/layers.test.ts, which also re-reads these.
const layers = require('./scripts/layers.json');

/** What src/app may see beyond its row: one file of workers, and the types of what runs there. */
const APP_FILES = ['workers/client\\.ts$'];
const APP_TYPES = ['agent', 'tools', 'lab'];

const folderRules = Object.entries(layers).map(([folder, allowed]) => {
  const extra = folder === 'app' ? [...APP_FILES, ...APP_TYPES.map((name) => `${name}/`)] : [];
  const open = [folder, ...allowed].map((name) => `${name}/`).concat(extra);
  return {
    name: `layer-${folder}`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { path: '^src/', pathNot: `^src/(${open.join('|')})` },
  };
});

module.exports = {
  forbidden: [
    ...folderRules,
    {
      name: 'app-sees-types-only',
      severity: 'error',
      from: { path: '^src/app/' },
      to: { path: `^src/(${APP_TYPES.join('|')})/`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-unknown-folder',
      comment: 'a file of src/ outside of the folders of the table',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: `^src/(${Object.keys(layers).join('|')})/` },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench|public)/' },
    },
    {
      name: 'node-only-in-cli',
      comment: 'everything else also runs in a page',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { dependencyTypes: ['core'] },
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '\\?(raw|url|worker)' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'browser', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};
