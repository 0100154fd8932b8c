import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };

/** The version of this program, from package.json. */
export const version: string = packageJson.version;

/** `lychgate version`: what this is and what it runs on. */
export function versionCommand(): Command {
  return new Command('version').description('print the version, of the runtime and of OpenSSL too').action(() => {
    const { node, openssl } = process.versions;
    process.stdout.write(
      `lychgate ${version} (node ${node}, openssl ${openssl}, ${process.platform} ${process.arch})\n`,
    );
  });
}
