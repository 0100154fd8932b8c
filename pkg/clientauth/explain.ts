import { type Finding, fail, pass } from './checks.ts';
import type { LocalFinding, PreVerdict } from './pre-verdict.ts';
import type { RevocationFinding } from './revocation.ts';
import type { CheckName, CheckResult, Verdict } from './verdict.ts';

/**
 * Every named check in the order of the chain and how it went. Local checks of a trusted path are all shown, also
 * behind one that failed; what was not come to, or not asked for, is `skip`.
 */
export function checkResults(
  before: PreVerdict,
  verdict: Verdict,
  local: readonly LocalFinding[],
  revocation: RevocationFinding | undefined,
): readonly CheckResult[] {
  const findings = new Map<CheckName, Finding>(local);
  if (before.kind === 'absent') {
    findings.set('presented', fail('NoCertificate', 'none was presented'));
  } else {
    findings.set('presented', pass(before.leaf?.subject.text ?? 'unreadable'));
    findings.set('wellFormed', pass('version 3, not a CA, acceptable key'));
  }
  if (before.kind === 'refused') findings.set(before.check, before.failure);
  if (findings.get('pathTrusted')?.kind === 'pass' && before.kind === 'trusted') {
    findings.set('pathTrusted', pass(before.path.map(({ subject }) => subject.text).join(' < ')));
  }
  if (verdict.kind === 'refuse' && verdict.reason === 'TrustWithdrawn') {
    findings.set('pathTrusted', fail('TrustWithdrawn', verdict.detail));
  }
  if (revocation !== undefined) {
    findings.set('notRevoked', revocation.kind === 'fail' ? revocation : pass(revocation.detail));
  }
  const accepted = verdict.kind === 'accept';
  return checkNames.map((check) => {
    const finding = findings.get(check) ?? { kind: 'skip', detail: accepted ? 'not asked for' : 'not reached' };
    return { check, outcome: finding.kind, detail: finding.detail };
  });
}

const checkNames: readonly CheckName[] = [
  'presented',
  'wellFormed',
  'pathTrusted',
  'withinValidity',
  'purposeIsClientAuth',
  'issuerMatches',
  'allowed',
  'notRevoked',
];
