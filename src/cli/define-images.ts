import type { Command } from 'commander';
import type { ImageSourceRequest } from './commands/image-make.ts';
import { optional } from './requests.ts';
import { parseBuildArgs, parseWholeNumber } from './parse-values.ts';
import { UsageError } from './usage-error.ts';
import { addJsonOption, type Wiring } from './wiring.ts';

export function addImage(program: Command, wiring: Wiring): Command {
  const image = program.command('image').description('the images of which VMs are made');
  const commands = [addPull, addBuild, addImport, addList, addInspect, addRm, addPrune, addSave, addLoad];
  for (const add of commands) addJsonOption(add(image, wiring), wiring);
  return image;
}

interface RawSize {
  readonly size?: string;
}

const SIZE = [
  '--size <mib>',
  'size of the file system (default: what is in it and room to work in)',
] as const;

function sizeOf({ size }: RawSize): number | undefined {
  return optional(size, (text) => parseWholeNumber('--size', text));
}

function addPull(image: Command, { choose }: Wiring): Command {
  return image
    .command('pull')
    .description('get an image from its registry, or what has changed of it')
    .argument('<image>', 'such as python:3.12 or ghcr.io/owner/name:tag')
    .option(...SIZE)
    .action((name: string, raw: RawSize) => {
      const request = { name, sizeMib: sizeOf(raw) };
      choose(async (context) => (await import('./commands/image-make.ts')).pull(context, request));
    });
}

interface RawBuild extends RawSize {
  readonly tag: string;
  readonly file?: string;
  readonly buildArg?: readonly string[];
  readonly engine?: string;
}

function addBuild(image: Command, { env, choose }: Wiring): Command {
  return image
    .command('build')
    .description('build a Dockerfile with docker, podman or buildah, and make an image of it')
    .argument('[path]', 'folder that is the build context (default: this one)', '.')
    .requiredOption('-t, --tag <name>', 'the name that the image gets')
    .option('-f, --file <file>', 'the Dockerfile (default: Dockerfile in the folder)')
    .option(
      '--build-arg <key=value>',
      'an argument of the build; KEY alone takes its value from here',
      collect,
    )
    .option('--engine <name>', 'docker, podman or buildah (default: the first that works)')
    .option(...SIZE)
    .action((folder: string, raw: RawBuild) => {
      const source = {
        folder,
        name: raw.tag,
        dockerfile: raw.file,
        buildArgs: parseBuildArgs(raw.buildArg ?? [], env),
        engine: raw.engine,
      };
      const request = { source, sizeMib: sizeOf(raw) };
      choose(async (context) => (await import('./commands/image-make.ts')).build(context, request));
    });
}

interface RawImport extends RawSize {
  readonly archive?: true;
  readonly engine?: string | true;
}

function addImport(image: Command, { choose }: Wiring): Command {
  return image
    .command('import')
    .description(
      'make an image of a tar archive of a root file system, of a folder, or of an image of Docker',
    )
    .argument('<path>', 'archive (plain, gzip, zstd) or folder; with --engine the name of an image')
    .argument('<tag>', 'the name that the image gets')
    .option('--archive', 'the file is what `docker save` writes, or an OCI layout')
    .option('--engine [name]', 'take it from docker, podman or buildah of this host')
    .option(...SIZE)
    .action((from: string, name: string, raw: RawImport) => {
      const request = { source: sourceOf(from, raw), name, sizeMib: sizeOf(raw) };
      choose(async (context) => (await import('./commands/image-make.ts')).importImage(context, request));
    });
}

function sourceOf(from: string, { archive, engine }: RawImport): ImageSourceRequest {
  if (archive === true && engine !== undefined) throw new UsageError('give --archive or --engine, not both');
  if (engine !== undefined) return { kind: 'engine', from, engineName: engine === true ? undefined : engine };
  return { kind: archive === true ? 'archive' : 'path', from };
}

function addList(image: Command, { choose }: Wiring): Command {
  return image
    .command('list')
    .description('list all images')
    .action(() => {
      choose(async (context) => (await import('./commands/image-list.ts')).listImages(context));
    });
}

function addInspect(image: Command, { choose }: Wiring): Command {
  return image
    .command('inspect')
    .description('show what is known of an image')
    .argument('<image>', 'its name or key')
    .action((name: string) => {
      choose(async () => (await import('./commands/image-list.ts')).inspectImage(name));
    });
}

function addRm(image: Command, { choose }: Wiring): Command {
  return image
    .command('rm')
    .description('remove names and, with the last name, the image')
    .argument('<images...>', 'names of images')
    .option('--force', 'also the last name of an image that VMs use; its files stay')
    .action((names: readonly string[], raw: { readonly force?: true }) => {
      const request = { names: [...new Set(names)], force: raw.force === true };
      choose(async (context) => (await import('./commands/image-remove.ts')).removeImages(context, request));
    });
}

function addPrune(image: Command, { choose }: Wiring): Command {
  return image
    .command('prune')
    .description('remove what no name and no VM leads to')
    .option('--dry-run', 'only print what')
    .action((raw: { readonly dryRun?: true }) => {
      const request = { dryRun: raw.dryRun === true };
      choose(async (context) => (await import('./commands/image-remove.ts')).pruneImages(context, request));
    });
}

function addSave(image: Command, { choose }: Wiring): Command {
  return image
    .command('save')
    .description('write an image into one file')
    .argument('<image>', 'its name')
    .argument('<file>', 'the archive to write')
    .option('--force', 'replace the file if it is there')
    .action((name: string, path: string, raw: { readonly force?: true }) => {
      const request = { name, path, overwrite: raw.force === true };
      choose(async (context) => (await import('./commands/image-archive.ts')).save(context, request));
    });
}

function addLoad(image: Command, { choose }: Wiring): Command {
  return image
    .command('load')
    .description('make an image of a file that `image save` wrote, if all of it is sound')
    .argument('<file>', 'the archive')
    .option('--name <image>', 'the name that it gets (default: the one that it had)')
    .option('--force', 'if the name is taken, let it stand for this image from now on')
    .action((path: string, raw: { readonly name?: string; readonly force?: true }) => {
      const request = { path, name: raw.name, overwrite: raw.force === true };
      choose(async (context) => (await import('./commands/image-archive.ts')).load(context, request));
    });
}

function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}
