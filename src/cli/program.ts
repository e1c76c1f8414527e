import { createRequire } from 'node:module';
import { Command } from 'commander';
import { addExec, addRun } from './define-run-exec.ts';
import { addDelete } from './define-delete.ts';
import { addCreate, addPause, addResume, addStart, addStop } from './define-lifecycle.ts';
import { addComplete, addCompletion } from './define-completion.ts';
import { addEnv } from './define-env.ts';
import { addCp } from './define-files.ts';
import { addImage } from './define-images.ts';
import { addPort } from './define-ports.ts';
import { addAttach, addPs, addShell, addSsh } from './define-processes.ts';
import { addDoctor, addInfo, addList, addLogs } from './define-queries.ts';
import { addJsonOption, type Wiring } from './wiring.ts';

const COMMANDS = [
  addRun,
  addCreate,
  addStart,
  addExec,
  addShell,
  addSsh,
  addAttach,
  addPs,
  addStop,
  addPause,
  addResume,
  addDelete,
  addList,
  addInfo,
  addLogs,
  addCp,
  addEnv,
  addPort,
  addImage,
  addDoctor,
  addCompletion,
  addComplete,
];

const AFTER_HELP = `
Exit codes: that of the guest's command for run, exec, shell, attach and ssh; 1 failure, 2 usage error,
124 command timed out, 125 smolvm failed in one of these, 126 not executable, 127 not found.
Run 'smolvm help COMMAND' for the options of a command.`;

/** All commands and options. Loads nothing of the SDK. */
export function buildProgram(wiring: Wiring): Command {
  const program = new Command('smolvm')
    .description('Boot microVMs and run commands in them.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .addHelpText('after', AFTER_HELP);
  program.exitOverride();
  addJsonOption(program, wiring);
  for (const add of COMMANDS) addJsonOption(add(program, wiring), wiring);
  return program;
}

/** The package finds itself by its own name, wherever it was compiled to. */
function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('smolvm/package.json') as { readonly version: string };
  return version;
}
