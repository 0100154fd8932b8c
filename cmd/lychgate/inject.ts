import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultSidecarResources, defaultSidecarUser, type InjectSettings } from '../../pkg/inject/settings.ts';
import { injectManifests } from './inject-manifests.ts';
import { UsageFault } from './usage-fault.ts';
import { version } from './version.ts';

/**
 * `lychgate inject`: manifests in, the same with sidecars out, for those who want no webhook. Exit code 0 done, 1 a pod
 * cannot have a sidecar, 2 could not tell; but for 0 nothing is printed, so that nothing is applied without a gate.
 */
export function injectCommand(): Command {
  return new Command('inject')
    .description(
      'add the sidecar to the pods of manifests, without a webhook; exit code 0 done, 1 a pod cannot have one, 2 could not tell',
    )
    .requiredOption('-f, --filename <file...>', 'manifests, of one or more documents; - reads standard input')
    .option('--image <reference>', "the sidecar's image", `ghcr.io/lychgate/lychgate:${version}`)
    .option(
      '--operator <host:port>',
      'where sidecars find the operator: its Service, port push',
      readAddress,
      'lychgate.lychgate-system.svc:9443',
    )
    .option('--ca-config-map <name>', "the ConfigMap with the operator's CA in the pods' namespace", 'lychgate-ca')
    .option(
      '--user <id>',
      'user and group of the sidecar, or namespace where the platform gives every namespace its own (OpenShift)',
      readUser,
      defaultSidecarUser,
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', examples)
    .action(run);
}

interface Options {
  readonly filename: readonly string[];
  readonly image: string;
  readonly operator: string;
  readonly caConfigMap: string;
  readonly user: number | 'namespace';
  readonly output: 'json' | 'yaml';
}

function run(options: Options): void {
  try {
    const files = options.filename.map((name) => ({ name: name === '-' ? 'standard input' : name, text: read(name) }));
    const { text, faults, warnings, denied } = injectManifests(files, settingsOf(options), options.output);
    for (const warning of warnings) process.stderr.write(`lychgate inject: warning: ${warning}\n`);
    for (const fault of [...faults, ...denied]) process.stderr.write(`lychgate inject: ${fault}\n`);
    if (faults.length > 0) process.exitCode = 2;
    else if (denied.length > 0) process.exitCode = 1;
    else process.stdout.write(text);
  } catch (error) {
    if (!(error instanceof UsageFault)) throw error;
    process.stderr.write(`lychgate inject: ${error.message}\n`);
    process.exitCode = 2;
  }
}

function settingsOf({ image, operator, caConfigMap, user }: Options): InjectSettings {
  return {
    image,
    imagePullPolicy: undefined,
    imagePullSecrets: [],
    imageAnnotation: 'Allow',
    operatorAddress: operator,
    caConfigMap,
    resources: defaultSidecarResources,
    logLevel: 'info',
    audit: 'refusals',
    workers: 'auto',
    version,
    user,
    newSecret: () => randomBytes(24).toString('base64url'),
  };
}

function read(name: string): string {
  try {
    return readFileSync(name === '-' ? 0 : name, 'utf8');
  } catch (error) {
    const what = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const words: Readonly<Record<string, string>> = {
      EISDIR: 'it is a folder; give its files one by one',
      ENOENT: 'there is no such file',
    };
    throw new UsageFault(`${name} cannot be read: ${words[what] ?? what}`);
  }
}

function readAddress(text: string): string {
  const match = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535) {
    throw new InvalidArgumentError('expected host:port, such as lychgate.lychgate-system.svc:9443');
  }
  return text;
}

function readUser(text: string): number | 'namespace' {
  if (text === 'namespace') return text;
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError('expected a user id above 0, or namespace');
  return Number(text);
}

const examples = `
Pods with the label lychgate.dev/inject: "false" and those that have a sidecar stay as they are. What is no pod and makes
none is printed as it was. Annotations: docs/injection.md.

Examples:
  lychgate inject -f deployment.yaml | kubectl apply -f -
  kubectl kustomize overlays/prod | lychgate inject -f - --operator lychgate.security.svc:9443 | kubectl apply -f -
  lychgate inject -f web.yaml -f worker.yaml --image registry.example.com/lychgate@sha256:... > injected.yaml`;
