import { isIP } from 'node:net';
import type { ClientAuthConfiguration, Ocsp } from '../api/client-auth.ts';
import { defaults } from '../api/defaults.ts';
import { AddressRefused, addressPolicy } from '../ocsp/address.ts';
import type { CrlSettings, OcspSettings, Revocation } from '../policy/policy.ts';
import { cidrOf } from './cidr.ts';
import type { FaultList } from './fault.ts';
import { boundedDuration } from './range.ts';
import { crlFiles, type ProfileFiles, responderCas, trustedResponders } from './revocation-files.ts';

const at = 'spec.clientAuthConfiguration';

/** How revocation is asked; undefined where something is wrong, which is told. */
export function revocationOf(
  configuration: ClientAuthConfiguration,
  files: ProfileFiles,
  faults: FaultList,
): Revocation | undefined {
  const { verifyClientRevocation: kind } = configuration;
  const ocsp = ocspSettings(configuration.ocsp, files, faults);
  const crl = crlSettings(configuration.crl, files, faults);
  if (configuration.crl !== undefined && (kind === 'OCSP' || kind === 'None')) {
    faults.error(`${at}.crl`, `has no effect with verifyClientRevocation ${kind}; use CRL or OCSPThenCRL`);
  }
  if (kind === 'None') return { kind: 'none' };
  if (ocsp === undefined || crl === undefined) return undefined;
  switch (kind) {
    case 'CRL':
      return { kind: 'crl', ocsp, crl };
    case 'OCSPThenCRL':
      return { kind: 'ocspThenCrl', ocsp, crl };
    case 'OCSP':
      return { kind: 'ocsp', ocsp };
  }
}

function crlSettings(
  crl: ClientAuthConfiguration['crl'],
  files: ProfileFiles,
  faults: FaultList,
): CrlSettings | undefined {
  const before = faults.all.length;
  const { refs = [], maxAge, maxBytes } = crl ?? { ...defaults.crl, refs: [] };
  const maxAgeMs = boundedDuration(`${at}.crl.maxAge`, maxAge, 1000, 8784 * hourMs, faults);
  const lists = crlFiles(`${at}.crl.refs`, refs, maxBytes, files, faults);
  return faults.all.length > before ? undefined : { lists, maxAgeMs, maxBytes };
}

function ocspSettings(ocsp: Ocsp, files: ProfileFiles, faults: FaultList): OcspSettings | undefined {
  const here = `${at}.ocsp`;
  const before = faults.all.length;
  const trusted = trustedResponders(`${here}.trustedResponderRefs`, ocsp.trustedResponderRefs ?? [], files, faults);
  const cas = responderCas(`${here}.caRefs`, ocsp.caRefs ?? [], files, faults);
  if (ocsp.responder !== undefined) checkResponderUrl(ocsp.responder.url, (ocsp.caRefs ?? []).length > 0, faults);
  if (ocsp.proxy !== undefined) checkProxy(ocsp.proxy.url, ocsp, faults);
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
    trustedResponders: trusted,
    responderCas: cas,
    ...(ocsp.proxy === undefined ? {} : { proxy: ocsp.proxy }),
  };
}

type DurationField = 'clockSkew' | 'maxAge' | 'maxAgeWithoutNextUpdate' | 'maxResponseAge' | 'timeout';

function checkResponderUrl(text: string, hasCas: boolean, faults: FaultList): void {
  const field = `${at}.ocsp.responder.url`;
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && !hasCas) {
    faults.error(field, 'an https responder needs caRefs: the public roots are not trusted');
  } else if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    faults.error(field, `${JSON.stringify(text)} is not an http or https URL`);
  } else if (url.username !== '' || url.password !== '' || url.hash !== '') {
    faults.error(field, 'a responder URL has no user, password or fragment');
  } else if (/[^\x21-\x7e]/.test(text)) {
    faults.error(field, `${JSON.stringify(text)} has white space, control or non-ASCII characters; encode them`);
  }
}

function checkProxy(text: string, { responderAllowList }: Ocsp, faults: FaultList): void {
  try {
    addressPolicy({ proxy: { url: text }, responderAllowList: ['listed.test'], allowInternalAddresses: [] });
  } catch (error) {
    if (!(error instanceof AddressRefused)) throw error;
    faults.error(`${at}.ocsp.proxy.url`, error.message);
  }
  if (responderAllowList.length === 0) {
    faults.error(
      `${at}.ocsp.proxy`,
      'needs a responderAllowList: the addresses behind a proxy cannot be looked at, so name the hosts that may be asked',
    );
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

const hourMs = 3_600_000;
