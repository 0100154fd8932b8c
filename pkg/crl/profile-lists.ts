import { LRUCache } from 'lru-cache';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { Fault } from '../ocsp/verify.ts';
import { sameName } from '../x509/name.ts';
import type { Crl } from './crl.ts';
import { malformed } from './errors.ts';
import { crlsFromPem } from './pem.ts';
import { isFault, type Question, type Scales } from './weigh.ts';

/** What the CRLs that the profile brings say: the newest usable one of the issuer, else why none is; undefined without any. */
export type ProfileLists = (question: Question) => RevocationStatus | Fault | undefined;

/** Makes the reader of a profile's lists; each text is read once. */
export function createProfileLists(scales: Scales): ProfileLists {
  // By the text itself: the policy's own string is found again without looking at its megabyte.
  const texts = new LRUCache<string, { readonly maxBytes: number; readonly lists: readonly Crl[] | Fault }>({
    max: 64,
  });

  function read(text: string, maxBytes: number): readonly Crl[] | Fault {
    const known = texts.get(text);
    if (known?.maxBytes === maxBytes) return known.lists;
    const lists = parse(text, maxBytes);
    texts.set(text, { maxBytes, lists });
    return lists;
  }

  return (question) => {
    const { issuer, settings, options } = question;
    let best: RevocationStatus | undefined;
    let bestMs = 0;
    let fault: Fault | undefined;
    for (const text of settings.crl.lists) {
      const lists = read(text, settings.crl.maxBytes);
      if (isFault(lists)) {
        fault ??= lists;
        continue;
      }
      for (const crl of lists) {
        if (!sameName(crl.issuer, issuer.subject)) continue;
        const outcome = scales.prove(crl, issuer, options) ?? scales.weigh(question, crl, 'crl.refs');
        if (isFault(outcome)) {
          fault ??= outcome;
        } else if (best === undefined || crl.thisUpdateMs > bestMs) {
          best = outcome;
          bestMs = crl.thisUpdateMs;
        }
      }
    }
    return best ?? fault;
  };
}

function parse(text: string, maxBytes: number): readonly Crl[] | Fault {
  try {
    return crlsFromPem(text, maxBytes);
  } catch (error) {
    return malformed(error);
  }
}
