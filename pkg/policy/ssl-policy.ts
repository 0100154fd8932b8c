import type { TlsSettings } from './policy.ts';

/*
 * Azure's SSL policies in OpenSSL's words. Azure's suite names are IANA's; OpenSSL's names for TLS 1.3 are the same,
 * for TLS 1.2 they are not, and Node ignores a name it does not know as long as another one is known.
 */

/** What a policy name means, or why it is refused. */
export type NamedSslPolicy =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'settings'; readonly tls: TlsSettings };

/** Azure's predefined policy of that name; undefined for a name Azure never had. Never throws. */
export function predefinedSslPolicy(name: string): NamedSslPolicy | undefined {
  return predefined.get(name);
}

/** Every predefined name, the refused ones included. */
export function predefinedSslPolicyNames(): readonly string[] {
  return [...predefined.keys()];
}

/** The OpenSSL name of an IANA cipher suite name; undefined where OpenSSL 3.5 in Node does not offer it or it is refused here. */
export function opensslCipher(ianaName: string): string | undefined {
  return suites12.get(ianaName) ?? (suites13.includes(ianaName) ? ianaName : undefined);
}

/** Whether a suite belongs to TLS 1.3. */
export function isTls13Suite(ianaName: string): boolean {
  return suites13.includes(ianaName);
}

/** Why a suite that exists is refused; undefined for suites that are supported or unknown. */
export function refusedCipher(ianaName: string): string | undefined {
  if (/^TLS_RSA_WITH_/.test(ianaName)) return 'RSA key exchange has no forward secrecy; use a TLS_ECDHE_ suite';
  if (/_3DES_|_RC4_|_NULL_|_anon_|_EXPORT_|_DES_|_MD5$/.test(ianaName)) return 'its cipher is broken';
  if (/_CCM_8/.test(ianaName)) return 'its tag of 64 bits is below what OpenSSL accepts; use a GCM suite';
  if (/^TLS_DHE_DSS_/.test(ianaName)) return 'OpenSSL 3 has no DSS suites; use a TLS_ECDHE_ suite';
  return undefined;
}

/** Every supported IANA name, the strongest first. */
export function cipherSuiteNames(): readonly string[] {
  return [...suites13, ...suites12.keys()];
}

/**
 * Settings of a custom policy. `Custom` ends at TLS 1.2 as in Azure; `CustomV2` goes to 1.3, whose AES-GCM suites are
 * always there. `suites` must be supported names.
 */
export function customSslPolicy(
  type: 'Custom' | 'CustomV2',
  minVersion: 'TLSv1.2' | 'TLSv1.3',
  suites: readonly string[],
): TlsSettings {
  const asked = suites.flatMap((suite) => opensslCipher(suite) ?? []);
  const ciphers12 = asked.filter((name) => !suites13.includes(name));
  if (type === 'Custom') return { minVersion, maxVersion: 'TLSv1.2', ciphers: ciphers12 };
  const ciphers13 = [...new Set([...asked.filter((name) => suites13.includes(name)), ...mandatory13])];
  return {
    minVersion,
    maxVersion: 'TLSv1.3',
    ciphers: minVersion === 'TLSv1.3' ? ciphers13 : [...ciphers13, ...ciphers12],
  };
}

const suites13: readonly string[] = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_CCM_SHA256',
];

/** Implicit in every Azure policy with TLS 1.3. */
const mandatory13: readonly string[] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'];

/** IANA to OpenSSL: every forward-secret suite of TLS 1.2 that both OpenSSL 3.5 and Azure or RFC 7525 know. */
const suites12: ReadonlyMap<string, string> = new Map([
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_DHE_RSA_WITH_AES_256_GCM_SHA384', 'DHE-RSA-AES256-GCM-SHA384'],
  ['TLS_DHE_RSA_WITH_AES_128_GCM_SHA256', 'DHE-RSA-AES128-GCM-SHA256'],
  ['TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'DHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384', 'ECDHE-ECDSA-AES256-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384', 'ECDHE-RSA-AES256-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_DHE_RSA_WITH_AES_256_CBC_SHA256', 'DHE-RSA-AES256-SHA256'],
  ['TLS_DHE_RSA_WITH_AES_128_CBC_SHA256', 'DHE-RSA-AES128-SHA256'],
  ['TLS_DHE_RSA_WITH_AES_256_CBC_SHA', 'DHE-RSA-AES256-SHA'],
  ['TLS_DHE_RSA_WITH_AES_128_CBC_SHA', 'DHE-RSA-AES128-SHA'],
]);

const gcm: readonly string[] = [
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
];

const tls10: NamedSslPolicy = {
  kind: 'refused',
  reason: 'it permits TLS 1.0 and 1.1, which Azure retired on 2025-08-31; use AppGwSslPolicy20220101S',
};

const predefined: ReadonlyMap<string, NamedSslPolicy> = new Map<string, NamedSslPolicy>([
  ['AppGwSslPolicy20150501', tls10],
  [
    'AppGwSslPolicy20170401',
    { kind: 'refused', reason: 'it permits TLS 1.1, which Azure retired on 2025-08-31; use AppGwSslPolicy20220101S' },
  ],
  [
    'AppGwSslPolicy20170401S',
    {
      kind: 'settings',
      tls: customSslPolicy('Custom', 'TLSv1.2', [
        'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
        'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
        'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
        'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
        'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
        'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
      ]),
    },
  ],
  [
    'AppGwSslPolicy20220101',
    {
      kind: 'settings',
      tls: customSslPolicy('CustomV2', 'TLSv1.2', [
        'TLS_AES_128_GCM_SHA256',
        'TLS_AES_256_GCM_SHA384',
        'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
        'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
        'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384',
        'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
        'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
        'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
        'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384',
        'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
      ]),
    },
  ],
  [
    'AppGwSslPolicy20220101S',
    {
      kind: 'settings',
      tls: customSslPolicy('CustomV2', 'TLSv1.2', ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', ...gcm]),
    },
  ],
]);
