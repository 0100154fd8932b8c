import { ClientAuthConfiguration } from '../../pkg/api/client-auth.ts';
import { parseSslProfile } from '../../pkg/api/parse.ts';
import { compileTrust } from '../../pkg/clientauth/trust.ts';
import { readDocuments } from '../../pkg/manifests/documents.ts';
import type { ClientAuth } from '../../pkg/policy/policy.ts';
import { clientAuth } from '../../pkg/translate/client-auth.ts';
import { FaultList } from '../../pkg/translate/fault.ts';
import type { ProfileFolder } from './check-folder.ts';
import { UsageFault } from './usage-fault.ts';

/** What `lychgate check` judges by. */
export interface CheckSettingsOptions {
  /** The text of the CA file: the only CAs trusted, whatever a profile refers to. */
  readonly caPem: string;
  /** The profile's file, where one is given; else the defaults hold, which are the strict ones. */
  readonly profile:
    | { readonly file: string; readonly text: string; readonly folder: Pick<ProfileFolder, 'files' | 'namespace'> }
    | undefined;
  /** CIDRs added to those that the profile allows responders to have. */
  readonly allowInternal: readonly string[];
  /** False leaves revocation out. */
  readonly askOcsp: boolean;
}

/** The settings as the gate would have them. @throws UsageFault with every fault; TrustMalformed for the CA file. */
export function checkSettings(options: CheckSettingsOptions): ClientAuth {
  const written = options.profile === undefined ? defaults() : configurationOf(options.profile);
  const configuration: ClientAuthConfiguration = {
    ...written,
    verifyClientRevocation: options.askOcsp ? written.verifyClientRevocation : 'None',
    ocsp: {
      ...written.ocsp,
      allowInternalAddresses: [...written.ocsp.allowInternalAddresses, ...options.allowInternal],
    },
  };
  const bundles = [options.caPem];
  const faults = new FaultList(options.profile?.file ?? 'settings');
  const trust = { bundles, trust: compileTrust(bundles), remaining: null };
  const files = options.profile?.folder ?? nothing;
  const settings = clientAuth(configuration, trust, files, faults);
  if (settings === undefined) {
    throw new UsageFault(
      faults.all.map(({ object, field, message }) => `${object}: ${field}: ${message}`).join('\n') || 'no settings',
    );
  }
  return settings;
}

/** The defaults refer to nothing. */
const nothing: Pick<ProfileFolder, 'files' | 'namespace'> = {
  namespace: '',
  files: { find: () => undefined, whyUnknown: () => undefined },
};

function defaults(): ClientAuthConfiguration {
  return ClientAuthConfiguration.parse({});
}

function configurationOf({ file, text }: { readonly file: string; readonly text: string }): ClientAuthConfiguration {
  const { objects, faults } = readDocuments(text);
  const [fault] = faults;
  if (fault !== undefined) throw new UsageFault(`${file}:${fault.line}: ${fault.message}`);
  const profiles = objects.map(({ value }) => value).filter(isProfile);
  const [profile] = profiles;
  if (profile === undefined || profiles.length > 1) {
    throw new UsageFault(`${file}: expected one SslProfile, found ${profiles.length}`);
  }
  const parsed = parseSslProfile(profile);
  if (parsed.value === undefined) {
    throw new UsageFault(parsed.faults.map(({ path, message }) => `${file}: ${path}: ${message}`).join('\n'));
  }
  return parsed.value.spec.clientAuthConfiguration;
}

function isProfile(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'kind' in document && document.kind === 'SslProfile';
}
