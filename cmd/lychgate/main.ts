import { Command, CommanderError } from 'commander';
import { checkCommand } from './check.ts';
import { demoCommand } from './demo.ts';
import { injectCommand } from './inject.ts';
import { ocspCommand } from './ocsp.ts';
import { version, versionCommand } from './version.ts';

/*
 * Exit codes are the commands' own; 2 is always "could not tell": wrong usage, an unreadable file, a fault of ours.
 */
const program = new Command('lychgate')
  .description('A mutual-TLS gate: client certificates checked in real time. What can be done without a cluster.')
  .version(version, '-V, --version')
  .showHelpAfterError('(add --help for what there is)')
  // What stands behind a subcommand's name is the subcommand's, also where its parent has an option of that name.
  .enablePositionalOptions()
  .exitOverride();
for (const command of [
  demoCommand(),
  checkCommand(process.env['LYCHGATE_PASSWORD']),
  injectCommand(),
  ocspCommand(),
  versionCommand(),
]) {
  program.addCommand(inherit(command, program));
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version end by an error too, with exit code 0; the text has been written.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`lychgate: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

/** Commands that were made without a parent get its exit and help settings, and so do those below them. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) inherit(below, command);
  return command;
}
