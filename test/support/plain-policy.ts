import type { PodPolicy } from '../../pkg/policy/policy.ts';

/** A policy of one profile that verifies nobody, with a private key. */
export function plainPolicy(
  port: number,
  { chainPem, keyPem }: { readonly chainPem: string; readonly keyPem: string },
  ciphers: string[] = [],
): PodPolicy {
  return {
    schema: 1,
    listeners: [
      {
        port,
        tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', ciphers },
        profiles: [
          {
            namespace: 'shop',
            name: 'partners',
            hostnames: [],
            certificates: [{ chainPem, keyPem }],
            clientAuth: { mode: 'Off' },
            rewriteSets: [],
            backend: {
              target: { port: 8080 },
              protocol: 'HTTP',
              whenExposed: 'Warn',
              timeouts: { connectMs: 1, responseMs: 1, idleMs: 1, headMs: 1, requestMs: 0, connectionAgeMs: 0 },
              limits: { requestBodyBytes: 0, headBytes: 1024, headerCount: 10, connections: 0 },
              trustedProxies: [],
            },
          },
        ],
      },
    ],
    holds: [],
  };
}
