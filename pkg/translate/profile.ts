import { CaRef } from '../api/client-auth.ts';
import { defaults } from '../api/defaults.ts';
import { parseList, parseWith } from '../api/parse.ts';
import { fieldOf } from '../api/raw.ts';
import { LabelSelector, type SslProfile, type SslProfileSpec } from '../api/ssl-profile.ts';
import type { ForwardedCertificate, ProfilePolicy, RewriteSetPolicy, TlsSettings } from '../policy/policy.ts';
import { usesCertificateVariable } from '../rewrite/faults.ts';
import { headerNameFault } from '../rewrite/header-name.ts';
import { backendOf } from './backend.ts';
import { clientAuth } from './client-auth.ts';
import { FaultList } from './fault.ts';
import { type Files, type RecordedFiles, recordFiles, resolveServerCertificates, resolveTrust } from './references.ts';
import type { TranslatedRewriteSet } from './rewrite-set.ts';
import { checkSelector, hostnamesOf } from './select.ts';
import { tlsSettings } from './tls.ts';
import { type FileRef, type Resource, resourceKey } from './world.ts';

/** A profile by itself, before pods and siblings are looked at. */
export interface TranslatedProfile {
  readonly resource: Resource<SslProfile>;
  readonly faults: FaultList;
  /** Undefined where not even the selector can be read. */
  readonly selector: LabelSelector | undefined;
  /** What it claims; undefined where the profile cannot be read. */
  readonly claim: Claim | undefined;
  /** Undefined: the profile cannot be used, and is held. */
  readonly usable: { readonly policy: ProfilePolicy; readonly tls: TlsSettings } | undefined;
  /** For a hold. */
  readonly remainingCas: readonly string[] | null;
  /** When the first of its server certificates expires, Unix milliseconds. */
  readonly certificateNotAfterMs: number | undefined;
  readonly rewriteSetNames: readonly string[];
  /** Every Secret and ConfigMap that it looked for, by fileKey. */
  readonly references: ReadonlyMap<string, FileRef>;
}

/** What siblings are compared by. */
export interface Claim {
  readonly port: number | undefined;
  readonly hostnames: readonly string[];
  readonly tls: TlsSettings | undefined;
  /** Equal for profiles in front of the same application. */
  readonly backend: string;
  readonly mode: SslProfileSpec['clientAuthConfiguration']['verifyClientAuthMode'];
  readonly publicPaths: readonly string[];
  readonly weakerSibling: 'Allow' | 'Refuse';
}

/** Translates one profile by itself. */
export function translateProfile(
  resource: Resource<SslProfile>,
  allFiles: Files,
  rewriteSetOf: (namespace: string, name: string) => TranslatedRewriteSet | undefined,
): TranslatedProfile {
  const files = recordFiles(allFiles);
  const faults = new FaultList(resourceKey(resource));
  const { value } = resource.parsed;
  if (value === undefined) return unreadable(resource, files, faults);
  const { spec } = value;
  const { namespace, name } = resource;
  checkSelector(spec.selector, faults);
  const hostnames = hostnamesOf(spec.hostnames, faults);
  const tls = tlsSettings(spec.sslPolicy, faults);
  const certificates = resolveServerCertificates(spec.certificateRefs, namespace, files, faults);
  const { verifyClientAuthMode: mode } = spec.clientAuthConfiguration;
  const trust = resolveTrust(spec.trustedClientCertificates, namespace, files, faults);
  checkTrust(spec, faults);
  const auth = clientAuth(spec.clientAuthConfiguration, trust, { namespace, files }, faults);
  const rewriteSets = resolveRewriteSets(spec, namespace, rewriteSetOf, faults);
  const forwarded = forwardedCertificate(spec, rewriteSets, faults);
  const backend = backendOf(spec, faults);
  if (spec.port !== undefined && spec.port === spec.backend.port) {
    faults.error('spec.backend.port', `${spec.port} is the port of the gate itself; name the application's`);
  }
  const usable =
    tls === undefined || auth === undefined || backend === undefined || faults.hasErrors
      ? undefined
      : {
          tls,
          policy: {
            namespace,
            name,
            hostnames: [...hostnames],
            certificates: certificates.map(({ keyPair }) => ({
              chainPem: keyPair.chainPem,
              keyPem: keyPair.revealKeyPem(),
            })),
            clientAuth: auth,
            ...(forwarded === undefined ? {} : { forwardedCertificate: forwarded }),
            rewriteSets: [...rewriteSets],
            backend,
          },
        };
  const { publicPaths, weakerSibling } = spec.clientAuthConfiguration;
  return {
    resource,
    faults,
    selector: spec.selector,
    claim: {
      port: spec.port,
      hostnames,
      tls,
      backend: spec.backend.socket ?? String(spec.backend.port),
      mode,
      publicPaths: mode === 'Strict' ? publicPaths.map(({ type, value }) => `${type} ${value}`) : [],
      weakerSibling,
    },
    usable,
    remainingCas: trust.remaining,
    certificateNotAfterMs:
      certificates.length === 0 ? undefined : Math.min(...certificates.map(({ notAfterMs }) => notAfterMs)),
    rewriteSetNames: spec.rewriteSets.map((ref) => ref.name),
    references: files.asked,
  };
}

/** Of a profile that cannot be read, what a hold needs: whom it is for, and which of its CAs are still there. */
function unreadable(resource: Resource<SslProfile>, files: RecordedFiles, faults: FaultList): TranslatedProfile {
  for (const { path, message } of resource.parsed.faults) faults.error(path, message);
  const spec = fieldOf(resource.raw, 'spec');
  const selector = parseWith(LabelSelector, fieldOf(spec, 'selector')).value;
  const refs = parseList(CaRef, fieldOf(spec, 'trustedClientCertificates'));
  // Its references are looked up, but what is wrong with them is told once the profile can be read.
  const silent = new FaultList(faults.object);
  return {
    resource,
    faults,
    selector,
    claim: undefined,
    usable: undefined,
    remainingCas: refs === undefined ? null : resolveTrust(refs, resource.namespace, files, silent).remaining,
    certificateNotAfterMs: undefined,
    rewriteSetNames: [],
    references: files.asked,
  };
}

function checkTrust(spec: SslProfileSpec, faults: FaultList): void {
  const field = 'spec.trustedClientCertificates';
  const { verifyClientAuthMode: mode } = spec.clientAuthConfiguration;
  const verifies = mode === 'Strict' || mode === 'Optional';
  if (verifies && spec.trustedClientCertificates.length === 0) {
    faults.error(field, `required in ${mode}: without a trusted CA nobody could pass`);
  }
  if (!verifies && spec.trustedClientCertificates.length > 0) {
    faults.warn(field, `has no effect in ${mode}, where no certificate is verified`);
  }
}

function resolveRewriteSets(
  spec: SslProfileSpec,
  namespace: string,
  rewriteSetOf: (namespace: string, name: string) => TranslatedRewriteSet | undefined,
  faults: FaultList,
): readonly RewriteSetPolicy[] {
  const seen = new Set<string>();
  return spec.rewriteSets.flatMap(({ name }, index) => {
    const field = `spec.rewriteSets[${index}]`;
    if (seen.has(name)) faults.error(field, `RewriteSet ${namespace}/${name} is there twice; remove one`);
    seen.add(name);
    const set = rewriteSetOf(namespace, name);
    if (set === undefined) {
      faults.error(
        field,
        `RewriteSet ${namespace}/${name} does not exist; create it or correct the name`,
        'RefNotFound',
      );
    } else if (set.policy === undefined) {
      faults.error(field, `RewriteSet ${namespace}/${name} cannot be used; see its own condition`, 'InvalidRewriteSet');
    }
    return set?.policy ?? [];
  });
}

function forwardedCertificate(
  spec: SslProfileSpec,
  rewriteSets: readonly RewriteSetPolicy[],
  faults: FaultList,
): ForwardedCertificate | undefined {
  const field = 'spec.forwardClientCertificate';
  const { verifyClientAuthMode: mode } = spec.clientAuthConfiguration;
  const given = spec.forwardClientCertificate;
  if (given === undefined) {
    const verifies = mode === 'Strict' || mode === 'Optional';
    return verifies && !usesCertificateVariable(rewriteSets) ? defaults.forwardClientCertificate : undefined;
  }
  const fault = headerNameFault(given.header, 'request', false);
  if (fault !== undefined) faults.error(`${field}.header`, `${given.header} ${fault}`);
  else if (ownHeaders.test(given.header)) {
    faults.error(
      `${field}.header`,
      `${given.header} has a meaning of its own; choose another name, such as X-Client-Cert`,
    );
  }
  if (mode === 'Off') faults.error(field, 'there is no certificate to forward in Off; remove it');
  if (mode === 'Passthrough' && given.unverified !== 'Allow') {
    faults.error(
      field,
      'in Passthrough nothing is verified, so that anybody could fill the header; set unverified: Allow if the application verifies the certificate itself',
    );
  }
  return given;
}

/** Headers that the sidecar or every application already gives a meaning. */
const ownHeaders =
  /^(accept.*|authorization|content-.*|cookie|date|forwarded|host|origin|referer|user-agent|x-forwarded-(for|host|port|proto|prefix|server)|x-original-.*|x-real-ip|x-request-id)$/i;
