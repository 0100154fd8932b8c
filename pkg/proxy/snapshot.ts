import { BlockList, isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { compileJudge, type Judge } from '../clientauth/judge.ts';
import { compileTrust } from '../clientauth/trust.ts';
import type { RevocationChecker } from '../crl/revocation.ts';
import { policyDigest } from '../policy/digest.ts';
import type { Listener, PodPolicy, ProfilePolicy, TlsSettings } from '../policy/policy.ts';
import { profileId } from '../policy/profiles.ts';
import { compileRewrite } from '../rewrite/compile.ts';
import { isGuarded } from '../rewrite/guard.ts';
import { certificatesFromPem } from '../x509/pem.ts';
import type { BackTarget } from './back-target.ts';
import { certificateChoice } from './context.ts';
import { createFieldTable, type FieldTable } from './fields.ts';
import { foldHost } from './host.ts';
import { createMeters, type Meters } from './meters.ts';
import type { ProxyMetrics } from './metrics.ts';
import { SharedBounds } from './shared-bounds.ts';

/** A policy made ready to serve: contexts, trust, rules and tables are built once, here. Swapped whole. */
export interface Snapshot {
  /** SHA-256 of the policy, in hexadecimal. */
  readonly version: string;
  readonly policy: PodPolicy;
  readonly listeners: ReadonlyMap<number, CompiledListener>;
  readonly fields: FieldTable;
}

export interface CompiledListener {
  readonly port: number;
  readonly tls: TlsSettings;
  /** For clients without a server name, and for names that nobody claims. */
  readonly fallback: CompiledProfile | undefined;
  readonly profiles: readonly CompiledProfile[];
  /** By folded host name: exact, then the longest wildcard, then the profile without hostnames. Empty for no name. */
  profileFor(host: string): CompiledProfile | undefined;
}

export interface CompiledProfile {
  /** `namespace/name`. */
  readonly id: string;
  readonly policy: ProfilePolicy;
  /** By the signature algorithms that the client takes, as `TLSSocket.getSharedSigalgs` names them. */
  contextFor(sharedSigalgs: readonly string[]): SecureContext;
  /** Undefined where no certificate is judged. */
  readonly judge: Judge | undefined;
  /** Changes with what an open connection's handshake has already decided: mode, CA set, host names. */
  readonly identity: string;
  /** See Rewrite. */
  readonly guarded: ReadonlySet<string>;
  readonly bounds: SharedBounds;
  readonly target: BackTarget;
  readonly meters: Meters;
  /** When the first of its server certificates expires, Unix milliseconds. */
  readonly certificateNotAfterMs: number;
  trustsProxy(address: string): boolean;
}

/** A policy that cannot serve. Nothing of it is in force. */
export class PolicyUnusable extends Error {
  readonly code = 'POLICY_UNUSABLE';
}

/** Builds everything or nothing. @throws PolicyUnusable naming the profile and the fault. */
export function compileSnapshot(policy: PodPolicy, metrics: ProxyMetrics, ocsp: RevocationChecker): Snapshot {
  const compiled = policy.listeners.map((listener) => compileListener(listener, metrics, ocsp));
  const profiles = compiled.flatMap((listener) => listener.profiles);
  const guarded = profiles.map((profile) => profile.guarded);
  return {
    version: policyDigest(policy),
    policy,
    listeners: new Map(compiled.map((listener) => [listener.port, listener])),
    // Of the whole pod: a proof that one profile sets must not come in through another that shares the application.
    fields: createFieldTable((folded) => isGuarded(folded) || guarded.some((names) => names.has(folded))),
  };
}

function compileListener(listener: Listener, metrics: ProxyMetrics, ocsp: RevocationChecker): CompiledListener {
  const exact = new Map<string, CompiledProfile>();
  const wildcard = new Map<string, CompiledProfile>();
  const profiles: CompiledProfile[] = [];
  let fallback: CompiledProfile | undefined;
  for (const policy of listener.profiles) {
    const profile = compileProfile(policy, listener, metrics, ocsp);
    profiles.push(profile);
    if (policy.hostnames.length === 0) {
      if (fallback !== undefined)
        throw new PolicyUnusable(`port ${listener.port}: ${fallback.id} and ${profile.id} both have no hostnames`);
      fallback = profile;
    }
    for (const name of policy.hostnames) {
      const claims = name.startsWith('*.') ? wildcard : exact;
      const key = name.startsWith('*.') ? name.slice(2) : name;
      const other = claims.get(key);
      if (other !== undefined)
        throw new PolicyUnusable(`port ${listener.port}: ${other.id} and ${profile.id} both claim ${name}`);
      claims.set(key, profile);
    }
  }
  return {
    port: listener.port,
    tls: listener.tls,
    fallback,
    profiles,
    profileFor(host) {
      const named = exact.get(host);
      if (named !== undefined) return named;
      // A wildcard stands for one label.
      const dot = host.indexOf('.');
      return (dot > 0 ? wildcard.get(host.slice(dot + 1)) : undefined) ?? fallback;
    },
  };
}

function compileProfile(
  policy: ProfilePolicy,
  listener: Listener,
  metrics: ProxyMetrics,
  ocsp: RevocationChecker,
): CompiledProfile {
  const id = profileId(policy);
  const auth = policy.clientAuth;
  const verifies = auth.mode === 'Strict' || auth.mode === 'Optional';
  try {
    const trust = verifies ? compileTrust(auth.trustedCas) : undefined;
    const rewrite = compileRewrite(policy.rewriteSets, policy.forwardedCertificate);
    const proxies = blockList(policy.backend.trustedProxies);
    return {
      id,
      policy,
      contextFor: certificateChoice(listener.tls, policy),
      judge: verifies && trust !== undefined ? compileJudge(auth, trust, ocsp) : undefined,
      identity: JSON.stringify([auth.mode, trust?.digest ?? '', policy.hostnames]),
      guarded: rewrite.guarded,
      bounds: new SharedBounds(rewrite),
      target: targetOf(policy),
      meters: createMeters(metrics, id),
      certificateNotAfterMs: Math.min(
        ...policy.certificates.map((certificate) => certificatesFromPem(certificate.chainPem)[0]?.notAfterMs ?? 0),
      ),
      trustsProxy: (address) =>
        proxies !== undefined && isIP(address) > 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
    };
  } catch (cause) {
    throw new PolicyUnusable(`${id}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function targetOf(policy: ProfilePolicy): BackTarget {
  const { backend } = policy;
  const { target } = backend;
  return {
    protocol: backend.protocol,
    addresses:
      'socket' in target
        ? [{ path: target.socket }]
        : [
            { host: '127.0.0.1', port: target.port },
            { host: '::1', port: target.port },
          ],
    connectMs: backend.timeouts.connectMs,
    responseMs: backend.timeouts.responseMs,
    limits: { headBytes: backend.limits.headBytes, headerCount: backend.limits.headerCount },
  };
}

function blockList(cidrs: readonly string[]): BlockList | undefined {
  if (cidrs.length === 0) return undefined;
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', length = ''] = cidr.split('/');
    // An empty length would read as 0, and trust everybody.
    if (!/^[0-9]{1,3}$/.test(length)) throw new Error(`trusted proxy ${cidr} is no CIDR; write ${cidr}/32 or the like`);
    list.addSubnet(address, Number(length), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** The name that a client sent, folded; empty where it sent none. */
export function serverNameOf(name: string | false | null | undefined): string {
  return typeof name === 'string' ? foldHost(name) : '';
}
