import * as z from 'zod';
import { defaults } from './defaults.ts';
import { durationField } from './duration.ts';
import { objectName } from './metadata.ts';

/** A PEM file in a ConfigMap or Secret of the same namespace. */
export const CaRef = z.strictObject({
  kind: z.enum(['ConfigMap', 'Secret']).describe('Kind of the object that has the file.'),
  name: objectName('Name of the object.'),
  key: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._A-Za-z0-9]+$/, 'is not a key; letters, digits, hyphens, dots and underscores are legal')
    .default(defaults.caKey)
    .describe('Key of the file in the object.'),
});
export type CaRef = z.infer<typeof CaRef>;

/** One allow entry; its fields are AND-ed. */
export const AllowEntry = z.strictObject({
  subjectDn: z.string().min(1).max(1024).optional().describe('RFC 2253 subject, compared RDN by RDN.'),
  dnsName: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('DNS name of the subjectAltName, exact; `*.` stands for one label.'),
  uri: z.string().min(1).max(2048).optional().describe('URI of the subjectAltName, exact, or a prefix ending in `/`.'),
  email: z.string().min(1).max(320).optional().describe('E-mail address of the subjectAltName.'),
  sha256Fingerprint: hash('SHA-256 of the certificate.'),
  spkiSha256: hash("SHA-256 of the certificate's SubjectPublicKeyInfo."),
  issuerSpkiSha256: hash(
    "SHA-256 of its issuer's SubjectPublicKeyInfo; needed beside names with several trusted roots.",
  ),
});
export type AllowEntry = z.infer<typeof AllowEntry>;

/** How revocation is asked by OCSP (RFC 6960). */
export const Ocsp = z.strictObject({
  scope: z.enum(['Chain', 'Leaf']).default(defaults.ocsp.scope).describe('Which certificates are asked about.'),
  responder: z
    .strictObject({
      url: z.string().min(1).max(2048).describe('http URL of the responder; https needs caRefs.'),
      use: z
        .enum(['Fallback', 'Override'])
        .default(defaults.ocsp.responderUse)
        .describe('Fallback: where the certificate names none. Override: always.'),
    })
    .optional()
    .describe("A responder besides the one in the certificate's AIA extension."),
  timeout: durationField('For the whole question, 10ms to 60s.').default(defaults.ocsp.timeout),
  maxAge: durationField('How old a verdict may get before it is asked again, up to 168h. 0 asks always.').default(
    defaults.ocsp.maxAge,
  ),
  clockSkew: durationField("How far the responder's clock may be off, up to 24h.").default(defaults.ocsp.clockSkew),
  nonce: z.enum(['Off', 'Optional', 'Required']).default(defaults.ocsp.nonce).describe('RFC 9654.'),
  certIdHash: z
    .enum(['SHA1', 'SHA256'])
    .default(defaults.ocsp.certIdHash)
    .describe('Hash that names the certificate in the question.'),
  onMissingResponder: z
    .enum(['Allow', 'Deny'])
    .default(defaults.ocsp.onMissingResponder)
    .describe('Certificates that name no responder, where none is configured.'),
  onUnavailable: z
    .enum(['Allow', 'Deny'])
    .default(defaults.ocsp.onUnavailable)
    .describe('Allow softens DNS, connect, time-out, 5xx, tryLater and internalError; never a bad answer.'),
  responderAllowList: z
    .array(z.string().min(1).max(259))
    .max(32)
    .default([])
    .describe('Host names, or host:port. None: any public address on ports 80 and 443.'),
  allowInternalAddresses: z
    .array(z.string().min(1).max(64))
    .max(32)
    .default([])
    .describe('CIDRs of non-public addresses that responders may have, on any port.'),
  trustedResponderRefs: z
    .array(CaRef)
    .max(8)
    .optional()
    .describe("Certificates of responders that may answer for every CA of this profile, without the CA's own word."),
  caRefs: z
    .array(CaRef)
    .max(8)
    .optional()
    .describe('CA bundles with a root: who vouches for https responders. None: https is not asked.'),
  proxy: z
    .strictObject({ url: z.string().min(1).max(2048).describe('http://host:port of the proxy.') })
    .optional()
    .describe('Forward proxy for OCSP and CRLs. Needs responderAllowList: addresses behind it cannot be checked.'),
  maxAgeWithoutNextUpdate: durationField(
    'How long an answer without nextUpdate counts, up to 168h. 0 refuses such answers.',
  ).default(defaults.ocsp.maxAgeWithoutNextUpdate),
  maxResponseAge: durationField('Oldest thisUpdate that counts, 1s to 8784h; default no limit.').optional(),
  sha1Signatures: z
    .enum(['Allow', 'Deny'])
    .default(defaults.ocsp.sha1Signatures)
    .describe('Answers that are signed with SHA-1.'),
});
export type Ocsp = z.infer<typeof Ocsp>;

/** What is asked of the client certificate. Azure's names where Azure has the field. */
export const ClientAuthConfiguration = z.strictObject({
  verifyClientAuthMode: z
    .enum(['Off', 'Optional', 'Passthrough', 'Strict'])
    .default(defaults.clientAuth.verifyClientAuthMode)
    .describe('Strict: required. Optional: none, or a valid one. Passthrough: not verified. Off: not looked at.'),
  verifyClientCertIssuerDN: z
    .boolean()
    .default(defaults.clientAuth.verifyClientCertIssuerDN)
    .describe("Whether the leaf's issuer must be the immediate issuer of the trusted chain."),
  verifyClientRevocation: z
    .enum(['CRL', 'None', 'OCSP', 'OCSPThenCRL'])
    .default(defaults.clientAuth.verifyClientRevocation)
    .describe('How revocation is checked.'),
  ocsp: Ocsp.prefault({}).describe('How OCSP is asked.'),
  crl: z
    .strictObject({
      refs: z.array(CaRef).max(8).optional().describe('PEM files with CRLs; they count before distribution points.'),
      maxAge: durationField('Oldest thisUpdate that counts, 1s to 8784h.').default(defaults.crl.maxAge),
      maxBytes: z
        .int()
        .min(1024)
        .max(104_857_600)
        .default(defaults.crl.maxBytes)
        .describe('Largest CRL that is read, in bytes of DER.'),
    })
    .optional()
    .describe('Which CRLs count, with CRL and OCSPThenCRL; how they are fetched is as in ocsp.'),
  allow: z
    .array(AllowEntry)
    .max(128)
    .default([])
    .describe('Who may pass: entries are OR-ed. None: every valid certificate.'),
  publicPaths: z
    .array(
      z.strictObject({
        type: z.enum(['Exact', 'Prefix']).describe('Exact path, or a prefix of whole segments.'),
        value: z.string().min(1).max(1024).describe('Path, matched by segment and case.'),
      }),
    )
    .max(64)
    .default([])
    .describe('Paths that need no certificate.'),
  weakerSibling: z
    .enum(['Allow', 'Refuse'])
    .default(defaults.clientAuth.weakerSibling)
    .describe('Whether this profile may ask less than another one of the pod in front of the same backend.'),
  advertiseTrustedCas: z
    .enum(['Disabled', 'Enabled'])
    .default(defaults.clientAuth.advertiseTrustedCas)
    .describe('Whether the certificate request names the trusted CAs.'),
  refusal: z
    .strictObject({
      status: z.literal([400, 401, 403]).default(defaults.refusal.status).describe('Status code.'),
      detail: z
        .enum(['Generic', 'Reason'])
        .default(defaults.refusal.detail)
        .describe('Whether the body names the reason.'),
    })
    .prefault({})
    .describe('What a refused client gets.'),
  enforcement: z
    .enum(['Enforce', 'Report'])
    .default(defaults.clientAuth.enforcement)
    .describe('Report judges, counts and logs, and refuses nobody.'),
});
export type ClientAuthConfiguration = z.infer<typeof ClientAuthConfiguration>;

function hash(description: string) {
  return z
    .string()
    .max(95)
    .regex(
      /^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/,
      'is not a SHA-256 hash; write 64 hexadecimal digits, with colons or without',
    )
    .optional()
    .describe(`${description} Hexadecimal, colons allowed.`);
}
