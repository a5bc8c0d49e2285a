import { Command, CommanderError } from 'commander';
import { loadConfig, type Project } from '../define/load.ts';
import { HandoverError, messageOf } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { reasonOf } from './ask.ts';
import { EXIT, type Exit, exitHelp, exitOf } from './exitCodes.ts';
import { wrap } from './format.ts';
import { columnsOf, type Io } from './io.ts';
import type { LoneVerb, Reply, Session, Verb } from './verb.ts';
import { VERBS } from './verbs/index.ts';
import { version } from './version.ts';

/**
 * Runs one command line, and resolves with its exit code. Results go to `io.out`, all else to `io.err`; with `--json`,
 * `io.out` gets exactly one JSON document, whatever happens.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const json = argv.includes('--json');
  let exit: Exit = 'done';
  const program = programOf(io, async (verb, args, options) => {
    const reply = await perform(verb, args, options, io, json);
    exit = reply.exit ?? 'done';
    io.out.write(json ? `${JSON.stringify(reply.data, undefined, 2)}\n` : `${reply.text}\n`);
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.done.code;
    const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
    io[json ? 'out' : 'err'].write(json ? errorJson(error) : errorText(error, columnsOf(io.err) || 100));
    exit = exitOf(error);
  }
  return EXIT[exit].code;
}

type Act = (
  verb: Verb | LoneVerb,
  args: readonly (string | undefined)[],
  options: Record<string, unknown>,
) => Promise<void>;

/** The whole command line; `act` is what becomes of a verb with its arguments and options. */
export function programOf(io: Io, act: Act): Command {
  const program = everywhere(new Command('handover'))
    .description('Moves live records to a new home, online: one state machine per record.')
    .version(version(), '-v, --version')
    .showHelpAfterError(false)
    .addHelpText('after', `\n${exitHelp()}`)
    .helpCommand(true);
  program.exitOverride().configureOutput({
    writeOut: (text) => io.out.write(text),
    writeErr: () => {}, // errors are shown by `run`, in one form with all others
    getOutHelpWidth: () => columnsOf(io.out) || 100,
  });
  for (const verb of VERBS) {
    const command = program.command(verb.usage).description(verb.summary).copyInheritedSettings(program);
    verb.configure?.(command);
    everywhere(command).action(async () =>
      act(verb, command.processedArgs.flat(), { ...program.opts(), ...command.opts() }),
    );
  }
  return program;
}

/** Options that may stand before the verb or after it. */
const everywhere = (command: Command): Command =>
  command
    .option('--config <file>', 'the configuration file (default: handover.config.ts, .js or .mjs here)')
    .option('--json', 'print one JSON document');

async function perform(
  verb: Verb | LoneVerb,
  args: readonly (string | undefined)[],
  options: Record<string, unknown>,
  io: Io,
  json: boolean,
): Promise<Reply> {
  if ('alone' in verb) return verb.alone(io, options);
  const abort = new AbortController();
  const off = io.onInterrupt(() => abort.abort());
  try {
    const project = await loadConfig(options['config'] as string | undefined, io.cwd);
    const store = await openStore(project);
    const by = (options['by'] as string | undefined) ?? io.user;
    const { migrations } = project;
    const from = { way: 'cli' as const, address: io.host };
    const session: Session = { io, project, store, migrations, clock: io.clock, by, from, json, signal: abort.signal };
    try {
      return await verb.run(session, args, await withReason(session, verb, options));
    } finally {
      await store.close();
    }
  } finally {
    off();
  }
}

/** Before anything is done, and after it is known that there is a project to do it to. */
async function withReason(session: Session, verb: Verb, options: Record<string, unknown>) {
  if (!takesReason(verb) || verb.wantsReason?.(options) === false) return options;
  const reason = await reasonOf(session, options['reason']);
  return reason === undefined ? options : { ...options, reason };
}

function takesReason({ configure }: Verb): boolean {
  const command = new Command();
  configure?.(command);
  return command.options.some(({ long }) => long === '--reason');
}

async function openStore({ config, file }: Project): Promise<Store> {
  let store: Store | undefined;
  try {
    store = await config.store();
  } catch (cause) {
    if (cause instanceof HandoverError) throw cause;
    throw new HandoverError(
      'config.invalid',
      `${file}: the store could not be opened: ${messageOf(cause)}.`,
      {},
      { cause },
    );
  }
  if (typeof store?.commit === 'function') return store;
  throw new HandoverError('config.invalid', `${file}: \`store\` returned no store.`);
}

function usageError({ code, message }: CommanderError): HandoverError {
  const said = code === 'commander.help' ? 'No command was given' : message.replace(/^error: /, '');
  const [first, ...hints] = said.split('\n');
  return new HandoverError('usage.invalid', [`${capital(first!)}.`, ...hints, 'See `handover help`.'].join(' '));
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function errorJson(error: unknown): string {
  const { code, detail, wayOut, facts } =
    error instanceof HandoverError
      ? error
      : { code: 'unexpected', detail: messageOf(error), wayOut: UNEXPECTED, facts: {} };
  return `${JSON.stringify({ error: { code, detail, wayOut, facts } }, undefined, 2)}\n`;
}

const UNEXPECTED = 'This is a defect of handover, of the store, or of the configuration.';

function errorText(error: unknown, width: number): string {
  if (error instanceof HandoverError) {
    return `${error.code}\n${wrap(error.detail, width, '  ')}\n${wrap(error.wayOut, width, '  ')}\n`;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `unexpected\n${wrap(UNEXPECTED, width, '  ')}\n${trace.replace(/^/gm, '  ')}\n`;
}
