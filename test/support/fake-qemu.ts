import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fixture } from './places.ts';

/** What an agent can do wrong. */
export type Misbehaviour =
  | 'garbage'
  | 'wrongTag'
  | 'tooLong'
  | 'unknownType'
  | 'shortHello'
  | 'error'
  | 'flood'
  | 'close'
  | 'silent'
  | 'die'
  | 'strangerExit';

/** What a tool can do wrong with the transfer area. */
export type AreaLie =
  | 'absent'
  | 'answersUnasked'
  | 'answersOddly'
  | 'takesTwice'
  | 'longInline'
  | 'longPiece'
  | 'emptyPiece'
  | 'endsInRecord';

/** How the stand-in for QEMU behaves; left out: as it should. */
export interface FakeBehaviour {
  /** Ends before it has done anything. */
  readonly exitsAtOnce?: { readonly code: number; readonly stderr: string };
  readonly opensNoSockets?: boolean;
  readonly qmp?: 'mute' | 'garbage' | 'refuses';
  /** Text on the guest's console. */
  readonly console?: string;
  /** A file to which a test writes more of it. */
  readonly consoleFile?: string;
  /** The guest ends as soon as somebody listens for that. */
  readonly endsDuringBoot?: boolean;
  /** The guest's agent answers only once this file exists. */
  readonly bootsWhenExists?: string;
  readonly rootError?: string;
  /** What the agent does instead of its hello; `mute` does nothing. */
  readonly onHello?: Misbehaviour | 'mute';
  /** What the agent does instead of running a command. */
  readonly onExec?: Misbehaviour;
  /** What its tools do wrong with the transfer area; `absent`: they do not find it, which is no lie. */
  readonly areaLie?: AreaLie;
  /** Answers a request to halt the guest with an error. */
  readonly refusesPause?: boolean;
  /** Agrees to power off and does not. */
  readonly ignoresShutdown?: boolean;
}

/** How the program answers questions about itself. */
export interface FakeProgram {
  /** Machines that it has. Default: microvm. */
  readonly machines?: string;
  /** What a probe boot with KVM does. Default: the guest boots. */
  readonly kvm?: 'boots' | 'aborts' | 'hangs';
  /** Text of `--version`. */
  readonly version?: string;
}

/** An executable that passes for qemu-system-x86_64. */
export interface FakeQemu {
  readonly path: string;
  /** The folder whose files the tools of its guests see; there once a VM has started. */
  readonly guestRoot: string;
  /** Changes how VMs behave that start from now on. */
  behave(behaviour: FakeBehaviour): void;
  /** What it was called for so far: `version`, `help`, `probe`, `launch`, in order. */
  calls(): readonly string[];
}

const KVM = {
  boots: `echo 'Kernel panic: VFS: Unable to mount root fs'; exit 0`,
  aborts: `echo 'kvm run failed' >&2; kill -ABRT $$`,
  hangs: 'exec sleep 1000',
} as const;

/**
 * Makes the executable. Questions are answered by the shell, in a millisecond; a VM is test/fixtures/fake-qemu.mjs. Its
 * behaviour is in a file beside it, because the SDK starts programs with an empty environment.
 */
export function makeFakeQemu(path: string, program: FakeProgram = {}): FakeQemu {
  const { machines = 'microvm', kvm = 'boots', version = '9.9.9' } = program;
  const log = `${path}.log`;
  const behave = (behaviour: FakeBehaviour): void => {
    writeFileSync(`${path}.json`, JSON.stringify(behaviour));
  };
  const script = `#!/bin/sh
said() { echo "$1" >>'${log}'; }
case "$1" in
  --version) said version; echo 'QEMU emulator version ${version} (fake)'; exit 0 ;;
  -machine) said help; echo '${machines}              a machine'; exit 0 ;;
  -accel) said help; printf 'Accelerators supported in QEMU binary:\\ntcg\\nkvm\\n'; exit 0 ;;
  -device) said help
    for name in virtio-blk-device virtio-serial-device virtserialport virtio-rng-device
    do echo "name \\"$name\\", bus virtio-bus"; done
    exit 0 ;;
esac
case " $* " in *' -serial stdio '*) said probe; ${KVM[kvm]} ;; esac
said launch
exec '${process.execPath}' '${fixture('fake-qemu.mjs')}' '${path}.json' "$@"
`;
  behave({});
  writeFileSync(path, script, { mode: 0o755 });
  return {
    path,
    guestRoot: `${path}.json.root`,
    behave,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
  };
}
