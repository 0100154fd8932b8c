import { LRUCache } from 'lru-cache';
import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { certificatesFromPem } from '../x509/pem.ts';

/**
 * The responder certificates that a profile trusts by themselves. They may answer for every CA of that profile and for
 * no other: nothing else knows them. A text that cannot be read gives none, so that nobody is trusted by mistake.
 * RFC 6960 2.2: a responder whose key the requester trusts.
 */
export function pinnedResponders({
  trustedResponders,
}: Pick<OcspSettings, 'trustedResponders'>): readonly Certificate[] {
  return trustedResponders.flatMap((pem) => {
    const known = read.get(pem) ?? certificates(pem);
    read.set(pem, known);
    return known;
  });
}

function certificates(pem: string): readonly Certificate[] {
  try {
    return certificatesFromPem(pem);
  } catch {
    return [];
  }
}

/** By their text, which a policy never changes. */
const read = new LRUCache<string, readonly Certificate[]>({ max: 256 });
