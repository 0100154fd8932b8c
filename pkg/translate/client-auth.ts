import { isIP } from 'node:net';
import type { ClientAuthConfiguration, Ocsp } from '../api/client-auth.ts';
import { allowFaults } from '../clientauth/allow.ts';
import { isAmbiguousPath } from '../clientauth/public-paths.ts';
import type { AllowEntry, ClientAuth, OcspSettings, Revocation } from '../policy/policy.ts';
import { cidrOf } from './cidr.ts';
import type { FaultList } from './fault.ts';
import { boundedDuration } from './range.ts';
import type { ResolvedTrust } from './references.ts';

const at = 'spec.clientAuthConfiguration';

/** What the policy asks of a client certificate; undefined where something is wrong, which is told. */
export function clientAuth(
  configuration: ClientAuthConfiguration,
  trust: ResolvedTrust,
  faults: FaultList,
): ClientAuth | undefined {
  const before = faults.all.length;
  const { verifyClientAuthMode: mode, refusal, enforcement } = configuration;
  const revocation = revocationOf(configuration, faults);
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

function revocationOf(configuration: ClientAuthConfiguration, faults: FaultList): Revocation | undefined {
  const { verifyClientRevocation: kind, crl } = configuration;
  const ocsp = ocspSettings(configuration.ocsp, faults);
  if (crl !== undefined) notSupported(`${at}.crl`, faults);
  switch (kind) {
    case 'CRL':
    case 'OCSPThenCRL':
      notSupported(`${at}.verifyClientRevocation`, faults, `${kind}; use OCSP or None`);
      return undefined;
    case 'None':
      return { kind: 'none' };
    case 'OCSP':
      return ocsp === undefined ? undefined : { kind: 'ocsp', ocsp };
  }
}

function ocspSettings(ocsp: Ocsp, faults: FaultList): OcspSettings | undefined {
  const here = `${at}.ocsp`;
  const before = faults.all.length;
  for (const field of ['trustedResponderRefs', 'caRefs', 'proxy'] as const) {
    if (ocsp[field] !== undefined) notSupported(`${here}.${field}`, faults);
  }
  if (ocsp.responder !== undefined) checkResponderUrl(ocsp.responder.url, faults);
  for (const [index, entry] of ocsp.responderAllowList.entries()) {
    if (!isHost(entry)) {
      faults.error(
        `${here}.responderAllowList[${index}]`,
        `${JSON.stringify(entry)} is neither a host name nor host:port`,
      );
    }
  }
  const allowInternalAddresses = ocsp.allowInternalAddresses.flatMap((text, index) => {
    const cidr = cidrOf(text);
    if (cidr === undefined)
      faults.error(
        `${here}.allowInternalAddresses[${index}]`,
        `${JSON.stringify(text)} is not a CIDR; write it like 10.0.0.0/8 or fd00::/8`,
      );
    return cidr ?? [];
  });
  const duration = (field: DurationField, minimumMs: number, maximumMs: number) =>
    boundedDuration(`${here}.${field}`, ocsp[field] ?? '', minimumMs, maximumMs, faults);
  const timeoutMs = duration('timeout', 10, 60_000);
  const maxAgeMs = duration('maxAge', 0, 168 * hourMs);
  const clockSkewMs = duration('clockSkew', 0, 24 * hourMs);
  const maxAgeWithoutNextUpdateMs = duration('maxAgeWithoutNextUpdate', 0, 168 * hourMs);
  const maxResponseAgeMs =
    ocsp.maxResponseAge === undefined ? undefined : duration('maxResponseAge', 1000, 8784 * hourMs);
  if (faults.all.length > before) return undefined;
  const { nonce, certIdHash, onMissingResponder, onUnavailable, responderAllowList, sha1Signatures } = ocsp;
  return {
    ...(ocsp.responder === undefined ? {} : { responder: ocsp.responder }),
    timeoutMs,
    maxAgeMs,
    clockSkewMs,
    nonce,
    certIdHash,
    onMissingResponder,
    onUnavailable,
    responderAllowList: responderAllowList.map((entry) => entry.toLowerCase()),
    allowInternalAddresses,
    maxAgeWithoutNextUpdateMs,
    ...(maxResponseAgeMs === undefined ? {} : { maxResponseAgeMs }),
    sha1Signatures,
    scope: ocsp.scope,
    trustedResponders: [],
    responderCas: [],
  };
}

type DurationField = 'clockSkew' | 'maxAge' | 'maxAgeWithoutNextUpdate' | 'maxResponseAge' | 'timeout';

function checkResponderUrl(text: string, faults: FaultList): void {
  const field = `${at}.ocsp.responder.url`;
  const url = URL.parse(text);
  if (url?.protocol === 'https:') {
    notSupported(field, faults, 'https; OCSP answers are signed, use an http URL');
  } else if (url === null || url.protocol !== 'http:' || url.hostname === '') {
    faults.error(field, `${JSON.stringify(text)} is not an http URL`);
  } else if (url.username !== '' || url.password !== '' || url.hash !== '') {
    faults.error(field, 'a responder URL has no user, password or fragment');
  } else if (/[^\x21-\x7e]/.test(text)) {
    faults.error(field, `${JSON.stringify(text)} has white space, control or non-ASCII characters; encode them`);
  }
}

/** `host`, `host:port`, `[::1]:port`, `10.0.0.1`. */
function isHost(entry: string): boolean {
  const [, bracketed, name, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::([0-9]{1,5}))?$/.exec(entry) ?? [];
  if (isIP(entry) === 6) return true;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  return name !== undefined && name.length <= 253 && !name.startsWith('.') && !name.includes('..');
}

function notSupported(field: string, faults: FaultList, what?: string): void {
  faults.error(
    field,
    what === undefined ? 'not supported yet; remove it' : `not supported yet: ${what}`,
    'NotSupported',
  );
}

const hourMs = 3_600_000;
