import { defaults } from '../api/defaults.ts';
import { nearest } from '../api/distance.ts';
import type { SslPolicy } from '../api/ssl-profile.ts';
import type { TlsSettings } from '../policy/policy.ts';
import {
  cipherSuiteNames,
  customSslPolicy,
  isTls13Suite,
  opensslCipher,
  predefinedSslPolicy,
  refusedCipher,
} from '../policy/ssl-policy.ts';
import type { FaultList } from './fault.ts';

/** TLS versions and suites of a policy; undefined where something is wrong, which is told. */
export function tlsSettings(policy: SslPolicy, faults: FaultList): TlsSettings | undefined {
  return policy.policyType === 'Predefined'
    ? predefined(policy, faults)
    : custom({ ...policy, policyType: policy.policyType }, faults);
}

function predefined(policy: SslPolicy, faults: FaultList): TlsSettings | undefined {
  for (const field of ['minProtocolVersion', 'cipherSuites'] as const) {
    if (policy[field] !== undefined) {
      faults.error(
        `spec.sslPolicy.${field}`,
        'has no effect in a Predefined policy; remove it or use policyType CustomV2',
      );
    }
  }
  const name = policy.policyName ?? defaults.sslPolicy.policyName;
  const known = predefinedSslPolicy(name);
  if (known?.kind === 'settings') return known.tls;
  faults.error('spec.sslPolicy.policyName', `${name} is refused: ${known?.reason ?? 'it is not known'}`);
  return undefined;
}

function custom(policy: SslPolicy & { policyType: 'Custom' | 'CustomV2' }, faults: FaultList): TlsSettings | undefined {
  const { policyType: type, minProtocolVersion: minimum, cipherSuites: suites } = policy;
  let good = true;
  const error = (field: string, message: string) => {
    good = false;
    faults.error(`spec.sslPolicy${field}`, message);
  };
  if (policy.policyName !== undefined) error('.policyName', `has no effect in a ${type} policy; remove it`);
  if (minimum === undefined) error('.minProtocolVersion', `required in a ${type} policy: TLSv1_2 or TLSv1_3`);
  if (minimum === 'TLSv1_0' || minimum === 'TLSv1_1') {
    error('.minProtocolVersion', `${minimum} is refused: Azure retired TLS 1.0 and 1.1 on 2025-08-31; use TLSv1_2`);
  }
  if (type === 'Custom' && minimum === 'TLSv1_3') {
    error('.minProtocolVersion', 'a Custom policy ends at TLS 1.2; use policyType CustomV2');
  }
  const minVersion = minimum === 'TLSv1_3' ? 'TLSv1.3' : 'TLSv1.2';
  const seen = new Set<string>();
  for (const [index, suite] of (suites ?? []).entries()) {
    const field = `.cipherSuites[${index}]`;
    if (seen.has(suite)) error(field, `${suite} is there twice; remove one`);
    seen.add(suite);
    if (opensslCipher(suite) === undefined) {
      const refused = refusedCipher(suite);
      const near = nearest(suite, cipherSuiteNames());
      error(
        field,
        refused === undefined
          ? `${suite} is not a supported IANA cipher suite name${near === undefined ? '' : `; did you mean ${near}?`}`
          : `${suite} is refused: ${refused}`,
      );
    } else if (type === 'Custom' && isTls13Suite(suite)) {
      error(field, `${suite} is of TLS 1.3, where a Custom policy ends at 1.2; use policyType CustomV2`);
    } else if (minVersion === 'TLSv1.3' && !isTls13Suite(suite)) {
      faults.warn(
        `spec.sslPolicy${field}`,
        `${suite} is of TLS 1.2, below minProtocolVersion TLSv1_3: it is never used`,
      );
    }
  }
  const has12 = (suites ?? []).some((suite) => opensslCipher(suite) !== undefined && !isTls13Suite(suite));
  if (suites === undefined || suites.length === 0) error('.cipherSuites', `required in a ${type} policy`);
  else if (good && minVersion === 'TLSv1.2' && !has12) {
    error('.cipherSuites', 'no suite of TLS 1.2 is named, yet minProtocolVersion is TLSv1_2; add one or use TLSv1_3');
  }
  return good ? customSslPolicy(type, minVersion, suites ?? []) : undefined;
}
