import type { ClientAuthConfiguration } from '../api/client-auth.ts';
import { allowFaults } from '../clientauth/allow.ts';
import { isAmbiguousPath } from '../clientauth/public-paths.ts';
import type { AllowEntry, ClientAuth } from '../policy/policy.ts';
import type { FaultList } from './fault.ts';
import type { ResolvedTrust } from './references.ts';
import { revocationOf } from './revocation.ts';
import type { ProfileFiles } from './revocation-files.ts';

const at = 'spec.clientAuthConfiguration';

/** What the policy asks of a client certificate; undefined where something is wrong, which is told. */
export function clientAuth(
  configuration: ClientAuthConfiguration,
  trust: ResolvedTrust,
  files: ProfileFiles,
  faults: FaultList,
): ClientAuth | undefined {
  const before = faults.all.length;
  const { verifyClientAuthMode: mode, refusal, enforcement } = configuration;
  const revocation = revocationOf(configuration, files, faults);
  const allow = configuration.allow.map(foldedEntry);
  if (trust.trust !== undefined || mode === 'Off' || mode === 'Passthrough') {
    for (const fault of allowFaults(allow, trust.trust ?? { anchors: [] })) {
      const colon = fault.indexOf(': ');
      faults.error(`${at}.${fault.slice(0, colon)}`, fault.slice(colon + 2));
    }
  }
  checkPublicPaths(configuration, faults);
  if (mode === 'Off' || mode === 'Passthrough') {
    return faults.all.slice(before).some(({ severity }) => severity === 'error') ? undefined : { mode };
  }
  if (revocation === undefined || faults.all.slice(before).some(({ severity }) => severity === 'error'))
    return undefined;
  return {
    mode,
    trustedCas: [...trust.bundles],
    verifyIssuerDn: configuration.verifyClientCertIssuerDN,
    revocation,
    allow,
    publicPaths: configuration.publicPaths,
    advertiseTrustedCas: configuration.advertiseTrustedCas === 'Enabled',
    refusal,
    enforcement,
  };
}

/** Hashes in one spelling, so that the same entry is the same policy. */
function foldedEntry(entry: ClientAuthConfiguration['allow'][number]): AllowEntry {
  const folded: AllowEntry = {};
  for (const field of ['subjectDn', 'dnsName', 'uri', 'email'] as const) {
    const value = entry[field];
    if (value !== undefined) folded[field] = value;
  }
  for (const field of ['sha256Fingerprint', 'spkiSha256', 'issuerSpkiSha256'] as const) {
    const value = entry[field];
    if (value !== undefined) folded[field] = value.replaceAll(':', '').toLowerCase();
  }
  return folded;
}

function checkPublicPaths({ publicPaths }: ClientAuthConfiguration, faults: FaultList): void {
  for (const [index, { type, value }] of publicPaths.entries()) {
    const field = `${at}.publicPaths[${index}].value`;
    if (isAmbiguousPath(value)) {
      faults.error(
        field,
        `${JSON.stringify(value)} can never match: write a path that begins with /, without //, ., .., ;, \\, ?, # and without encoding what needs none`,
      );
    } else if (type === 'Prefix' && value === '/') {
      faults.error(field, '/ makes every path public; use verifyClientAuthMode Optional if that is meant');
    }
  }
}
