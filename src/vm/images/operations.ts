// What `images` does, as one module that is loaded when it is first used: most programs only run VMs.
export { buildNamedImage, importNamedImage } from './import-image.ts';
export { inspectStoredImage, listStoredImages } from './list-images.ts';
export { pruneStoredImages } from './prune-images.ts';
export { pullNamedImage } from './pull-image.ts';
export { removeNamedImage } from './remove-image.ts';
export { resolveNamedImage } from './resolve-image.ts';
export { loadNamedImage, saveNamedImage } from './save-load.ts';
