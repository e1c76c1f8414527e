/** The command line breaks a rule of the CLI; nothing was done. Needs no SDK, so that `--help` stays quick. */
export class UsageError extends Error {
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}
