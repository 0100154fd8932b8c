import * as z from 'zod';

/**
 * What one pod's sidecar must do: the whole of it, as plain data that can be written as canonical JSON.
 * Knows no Kubernetes and no sockets. Certificates are PEM, durations are milliseconds, sizes are bytes.
 * Every object is closed: an unknown field makes the whole snapshot unreadable.
 */

/** Durations in milliseconds, up to ten years; 0 means "no limit" only where a field says so. */
const milliseconds = z.int().min(0).max(315_576_000_000);
const bytes = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** One allow entry: every given field must match (AND); entries are alternatives (OR). */
export const AllowEntry = z.strictObject({
  subjectDn: z.string().optional(),
  dnsName: z.string().optional(),
  uri: z.string().optional(),
  email: z.string().optional(),
  sha256Fingerprint: z.string().optional(),
  spkiSha256: z.string().optional(),
  issuerSpkiSha256: z.string().optional(),
});
export type AllowEntry = z.infer<typeof AllowEntry>;

/** How a client certificate's revocation is asked by OCSP (RFC 6960). */
export const OcspSettings = z.strictObject({
  /** What AIA does not give, or what replaces it. */
  responder: z.strictObject({ url: z.string(), use: z.enum(['Fallback', 'Override']) }).optional(),
  /** The whole question, over every responder URL, DNS included. */
  timeoutMs: milliseconds,
  /** How old a verdict may get before it is asked again, even when nextUpdate is far. 0 asks on every request. */
  maxAgeMs: milliseconds,
  clockSkewMs: milliseconds,
  nonce: z.enum(['Off', 'Optional', 'Required']),
  certIdHash: z.enum(['SHA1', 'SHA256']),
  onMissingResponder: z.enum(['Allow', 'Deny']),
  onUnavailable: z.enum(['Allow', 'Deny']),
  /** Host names or `host:port`; empty permits any public address on ports 80 and 443. */
  responderAllowList: z.array(z.string()),
  /** CIDRs of non-public addresses that responders may have, on any port. */
  allowInternalAddresses: z.array(z.string()),
  /** How long an answer without nextUpdate counts after its thisUpdate; 0 refuses such answers. */
  maxAgeWithoutNextUpdateMs: milliseconds,
  /** Oldest thisUpdate that still counts; absent for no limit. */
  maxResponseAgeMs: milliseconds.optional(),
  sha1Signatures: z.enum(['Allow', 'Deny']),
  /** Leaf, or every certificate of the path but its root. */
  scope: z.enum(['Chain', 'Leaf']),
  /** Responder certificates (PEM, one each) that may answer for every CA of this profile. */
  trustedResponders: z.array(z.string()),
  /** PEM bundles of CAs that https responders' own certificates must lead to; empty: https is not asked. */
  responderCas: z.array(z.string()),
  /** Forward proxy for every request; `responderAllowList` must not be empty then. */
  proxy: z.strictObject({ url: z.string() }).optional(),
});
export type OcspSettings = z.infer<typeof OcspSettings>;

/** Which CRLs count (RFC 5280 5). How they are fetched, and clocks and signatures, are as in OcspSettings. */
export const CrlSettings = z.strictObject({
  /** PEM texts with one or more CRLs each; those of the certificate's issuer count before its distribution points. */
  lists: z.array(z.string()),
  /** Oldest thisUpdate that still counts, even when nextUpdate is far. */
  maxAgeMs: milliseconds,
  /** Of one CRL in DER. */
  maxBytes: bytes,
});
export type CrlSettings = z.infer<typeof CrlSettings>;

export const Revocation = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('ocsp'), ocsp: OcspSettings }),
  z.strictObject({ kind: z.literal('crl'), ocsp: OcspSettings, crl: CrlSettings }),
  z.strictObject({ kind: z.literal('ocspThenCrl'), ocsp: OcspSettings, crl: CrlSettings }),
]);
export type Revocation = z.infer<typeof Revocation>;
/** A revocation setting under which somebody is asked. */
export type AskedRevocation = Exclude<Revocation, { kind: 'none' }>;

export const PublicPath = z.strictObject({ type: z.enum(['Exact', 'Prefix']), value: z.string() });
export type PublicPath = z.infer<typeof PublicPath>;

export const Refusal = z.strictObject({
  status: z.union([z.literal(400), z.literal(401), z.literal(403)]),
  /** Whether the body names the reason. */
  detail: z.enum(['Generic', 'Reason']),
});
export type Refusal = z.infer<typeof Refusal>;

/** What is asked of the client; Strict unless said otherwise. */
export const ClientAuth = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('Off') }),
  z.strictObject({ mode: z.literal('Passthrough') }),
  z.strictObject({
    mode: z.enum(['Optional', 'Strict']),
    /** One PEM bundle per trustedClientCertificates entry: one or more roots with their intermediates. Empty: trust withdrawn, everybody is refused. */
    trustedCas: z.array(z.string()),
    verifyIssuerDn: z.boolean(),
    revocation: Revocation,
    allow: z.array(AllowEntry),
    publicPaths: z.array(PublicPath),
    advertiseTrustedCas: z.boolean(),
    refusal: Refusal,
    enforcement: z.enum(['Enforce', 'Report']),
  }),
]);
export type ClientAuth = z.infer<typeof ClientAuth>;
export type VerifyingClientAuth = Extract<ClientAuth, { mode: 'Optional' | 'Strict' }>;

/** The certificate header set without a rewrite set. In Passthrough the value is unverified and named so. */
export const ForwardedCertificate = z.strictObject({
  header: z.string(),
  format: z.enum(['Base64Der', 'Rfc9440', 'UrlEncodedPem', 'Xfcc']),
  unverified: z.enum(['Allow', 'Deny']),
});
export type ForwardedCertificate = z.infer<typeof ForwardedCertificate>;

export const RewriteCondition = z.strictObject({
  variable: z.string(),
  pattern: z.string(),
  ignoreCase: z.boolean(),
  negate: z.boolean(),
});
export type RewriteCondition = z.infer<typeof RewriteCondition>;

export const HeaderAction = z.strictObject({
  headerName: z.string(),
  /** Empty deletes the header. */
  headerValue: z.string(),
  headerValueMatcher: z.strictObject({ pattern: z.string(), ignoreCase: z.boolean(), negate: z.boolean() }).optional(),
});
export type HeaderAction = z.infer<typeof HeaderAction>;

export const RewriteRule = z.strictObject({
  name: z.string(),
  sequence: z.int(),
  conditions: z.array(RewriteCondition),
  requestHeaders: z.array(HeaderAction),
  responseHeaders: z.array(HeaderAction),
  /** An absent member leaves that part alone; an empty query string removes the query. */
  url: z.strictObject({ path: z.string().optional(), queryString: z.string().optional() }).optional(),
});
export type RewriteRule = z.infer<typeof RewriteRule>;

/** Rules are in ascending sequence; all matching ones run. */
export const RewriteSetPolicy = z.strictObject({ name: z.string(), rules: z.array(RewriteRule) });
export type RewriteSetPolicy = z.infer<typeof RewriteSetPolicy>;

/** The application container beside the sidecar. Every limit and time-out: 0 means none. */
export const Backend = z.strictObject({
  /** Loopback TCP (127.0.0.1, then ::1) or an absolute Unix socket path. */
  target: z.union([z.strictObject({ port: z.int().min(1).max(65535) }), z.strictObject({ socket: z.string() })]),
  protocol: z.enum(['H2C', 'HTTP']),
  whenExposed: z.enum(['Refuse', 'Warn']),
  timeouts: z.strictObject({
    /** To a connection with the application: 503 after it. */
    connectMs: milliseconds,
    /** From the last byte of the request to the head of the response: 504 after it. */
    responseMs: milliseconds,
    /** Between two requests of a kept connection, and without any byte in a body. */
    idleMs: milliseconds,
    /** From the first byte of a request head to its last: 408 after it. */
    headMs: milliseconds,
    /** From the first byte of a request to the last of its response. */
    requestMs: milliseconds,
    /** How old a client connection, or a tunnel in it, may get. */
    connectionAgeMs: milliseconds,
  }),
  limits: z.strictObject({
    /** 413 above it. */
    requestBodyBytes: bytes,
    /** Request line and fields; 431 above it. */
    headBytes: bytes,
    /** 431 above it. */
    headerCount: z.int().min(0).max(1000),
    /** Client connections to this profile at once; 503 above it. */
    connections: z.int().min(0).max(1_000_000),
  }),
  /** CIDRs of peers whose X-Forwarded-*, Forwarded and X-Real-IP are extended instead of replaced. */
  trustedProxies: z.array(z.string()),
});
export type Backend = z.infer<typeof Backend>;

export const ProfilePolicy = z.strictObject({
  namespace: z.string(),
  name: z.string(),
  /** Lower case, no trailing dot; exact or `*.` and one label. Empty: what no other profile on the port claims. */
  hostnames: z.array(z.string()),
  /** PEM chain (leaf first) and PKCS#8, PKCS#1 or SEC1 private key. */
  certificates: z.array(z.strictObject({ chainPem: z.string(), keyPem: z.string() })).min(1),
  clientAuth: ClientAuth,
  /** Absent where a rewrite set already uses a certificate variable, and in modes without a certificate. */
  forwardedCertificate: ForwardedCertificate.optional(),
  rewriteSets: z.array(RewriteSetPolicy),
  backend: Backend,
});
export type ProfilePolicy = z.infer<typeof ProfilePolicy>;

export const TlsSettings = z.strictObject({
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']),
  maxVersion: z.enum(['TLSv1.2', 'TLSv1.3']),
  /** OpenSSL names, most wanted first; the TLS 1.3 suites included. */
  ciphers: z.array(z.string()),
});
export type TlsSettings = z.infer<typeof TlsSettings>;

export const Listener = z.strictObject({
  port: z.int().min(1024).max(65535),
  tls: TlsSettings,
  profiles: z.array(ProfilePolicy).min(1),
});
export type Listener = z.infer<typeof Listener>;

/**
 * A profile that exists but cannot be used now (a fault): the sidecar keeps its own last good copy of it, with the
 * CA bundles that are still there. Null: which bundles are there cannot be told, the copy's own stay.
 */
export const Hold = z.strictObject({
  namespace: z.string(),
  name: z.string(),
  /** Perhaps: the profile's selector cannot be read; a sidecar without a copy of it is none of its pods. */
  selected: z.enum(['Perhaps', 'Yes']),
  trustedCas: z.array(z.string()).nullable(),
});
export type Hold = z.infer<typeof Hold>;

export const PodPolicy = z.strictObject({
  schema: z.literal(1),
  listeners: z.array(Listener),
  holds: z.array(Hold),
});
export type PodPolicy = z.infer<typeof PodPolicy>;
