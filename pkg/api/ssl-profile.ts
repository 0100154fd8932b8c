import * as z from 'zod';
import { CaRef, ClientAuthConfiguration } from './client-auth.ts';
import { defaults } from './defaults.ts';
import { durationField } from './duration.ts';
import { apiVersion, Metadata, objectName } from './metadata.ts';

/*
 * The wire form: what JSON Schema can say, and no more. What crosses fields or looks at values is checked by the
 * translation, so that the CRD made from this schema and the run-time parser never differ.
 */

const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** A Kubernetes label selector; matchLabels and matchExpressions are AND-ed. */
export const LabelSelector = z.strictObject({
  matchLabels: z
    .record(
      z.string().max(317).regex(labelKey, 'is not a label key; write it like app or example.com/app'),
      labelValue(),
    )
    .refine((labels) => Object.keys(labels).length <= 64, 'more than 64 labels; at most 64 are legal')
    .meta({ maxProperties: 64 })
    .optional()
    .describe('Labels that a pod must have, each with this value.'),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z
          .string()
          .max(317)
          .regex(labelKey, 'is not a label key; write it like app or example.com/app')
          .describe('Label key.'),
        operator: z.enum(['DoesNotExist', 'Exists', 'In', 'NotIn']).describe('How key and values relate.'),
        values: z
          .array(labelValue())
          .max(64)
          .optional()
          .describe('For In and NotIn: at least one; for Exists and DoesNotExist: none.'),
      }),
    )
    .max(16)
    .optional()
    .describe('Requirements that a pod must meet, all of them.'),
});
export type LabelSelector = z.infer<typeof LabelSelector>;

/** TLS versions and cipher suites, as in Azure. */
export const SslPolicy = z.strictObject({
  policyType: z
    .enum(['Custom', 'CustomV2', 'Predefined'])
    .default(defaults.sslPolicy.policyType)
    .describe('Predefined takes policyName; Custom ends at TLS 1.2; CustomV2 has TLS 1.3 too.'),
  policyName: z
    .enum([
      'AppGwSslPolicy20150501',
      'AppGwSslPolicy20170401',
      'AppGwSslPolicy20170401S',
      'AppGwSslPolicy20220101',
      'AppGwSslPolicy20220101S',
    ])
    .optional()
    .describe('For Predefined; default AppGwSslPolicy20220101S. 20150501 and 20170401 are refused: TLS 1.0 and 1.1.'),
  minProtocolVersion: z
    .enum(['TLSv1_0', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3'])
    .optional()
    .describe('For Custom and CustomV2, required there. TLSv1_0 and TLSv1_1 are refused.'),
  cipherSuites: z
    .array(z.string().min(1).max(64))
    .max(32)
    .optional()
    .describe('For Custom and CustomV2, required there: IANA names, most wanted first.'),
});
export type SslPolicy = z.infer<typeof SslPolicy>;

/** The certificate header that is set without a rewrite set. */
export const ForwardClientCertificate = z.strictObject({
  header: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[A-Za-z0-9-]+$/, 'is not a header name; letters, digits and hyphens are legal')
    .default(defaults.forwardClientCertificate.header)
    .describe('Name of the request header; removed from every request before it is set.'),
  format: z
    .enum(['Base64Der', 'Rfc9440', 'UrlEncodedPem', 'Xfcc'])
    .default(defaults.forwardClientCertificate.format)
    .describe('How the certificate is written.'),
  unverified: z
    .enum(['Allow', 'Deny'])
    .default(defaults.forwardClientCertificate.unverified)
    .describe('In Passthrough nothing has been verified: the header is set there only with Allow.'),
});
export type ForwardClientCertificate = z.infer<typeof ForwardClientCertificate>;

/** The application in the same pod. */
export const Backend = z.strictObject({
  port: z.int().min(1).max(65535).optional().describe('TCP port on 127.0.0.1, then ::1. Exactly one of port, socket.'),
  socket: z
    .string()
    .min(2)
    .max(107)
    .regex(/^\//, 'is not an absolute path; begin with /')
    .optional()
    .describe('Absolute path of a Unix socket. Exactly one of port, socket.'),
  protocol: z.enum(['H2C', 'HTTP']).default(defaults.backend.protocol).describe('HTTP/1.1, or HTTP/2 in clear text.'),
  whenExposed: z
    .enum(['Refuse', 'Warn'])
    .default(defaults.backend.whenExposed)
    .describe("What to do when the application also answers on the pod's own address: Refuse makes the pod not ready."),
  timeouts: z
    .strictObject({
      connect: durationField('To a connection with the application; 503 after it. 0 for none.').default(
        defaults.timeouts.connect,
      ),
      response: durationField(
        'From the end of the request to the head of the response; 504 after it. 0 for none.',
      ).default(defaults.timeouts.response),
      idle: durationField('Without a byte: between requests, or within a body. 0 for none.').default(
        defaults.timeouts.idle,
      ),
      head: durationField('From the first byte of a request head to its last; 408 after it. 0 for none.').default(
        defaults.timeouts.head,
      ),
      request: durationField('From the first byte of a request to the last of its response. 0 for none.').default(
        defaults.timeouts.request,
      ),
      connectionAge: durationField('How old a client connection, or a tunnel in it, may get. 0 for none.').default(
        defaults.timeouts.connectionAge,
      ),
    })
    .prefault({})
    .describe('Time limits.'),
  limits: z
    .strictObject({
      requestBodyBytes: z
        .int()
        .min(0)
        // 1 PiB: beyond any body, and a whole number to JavaScript.
        .max(1_125_899_906_842_624)
        .default(defaults.limits.requestBodyBytes)
        .describe('Longest request body; 413 above it. 0 for none.'),
      headBytes: z
        .int()
        .min(1024)
        .max(1_048_576)
        .default(defaults.limits.headBytes)
        .describe('Longest request line and header fields together; 431 above it.'),
      headerCount: z
        .int()
        .min(1)
        .max(1000)
        .default(defaults.limits.headerCount)
        .describe('Most header fields in a request; 431 above it.'),
      connections: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(defaults.limits.connections)
        .describe('Most client connections at once; 503 above it. 0 for none.'),
    })
    .prefault({})
    .describe('Size and number limits.'),
});
export type Backend = z.infer<typeof Backend>;

/** What is wanted. */
export const SslProfileSpec = z.strictObject({
  selector: LabelSelector.describe('The pods of this namespace that the profile is for; not empty.'),
  port: z
    .int()
    .min(1024)
    .max(65535)
    .optional()
    .describe("Port the sidecar listens on; default: the pod's declared one (8443)."),
  hostnames: z
    .array(
      z
        .string()
        .min(1)
        .max(254)
        .regex(
          /^(\*\.)?[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?)*\.?$/,
          'is not a host name; write it like shop.example.com or *.example.com (names in other scripts as xn--)',
        ),
    )
    .max(64)
    .default([])
    .describe('Exact names, or `*.` for one label. None: what no other profile on the port claims.'),
  certificateRefs: z
    .array(z.strictObject({ name: objectName('Name of the Secret.') }))
    .min(1)
    .max(4)
    .describe('Secrets of type kubernetes.io/tls with the server certificate; one a key algorithm.'),
  sslPolicy: SslPolicy.prefault({}).describe('TLS versions and cipher suites; profiles on one port must agree.'),
  trustedClientCertificates: z
    .array(CaRef)
    .max(16)
    .default([])
    .describe('CA bundles, each with at least one self-signed root. Required in Strict and Optional.'),
  clientAuthConfiguration: ClientAuthConfiguration.prefault({}).describe('What is asked of the client certificate.'),
  forwardClientCertificate: ForwardClientCertificate.optional().describe(
    'Header for the certificate; default X-Client-Cert, unless a rewrite set uses a certificate variable.',
  ),
  rewriteSets: z
    .array(z.strictObject({ name: objectName('Name of the RewriteSet.') }))
    .max(16)
    .default([])
    .describe('Rewrite sets of this namespace, run in this order.'),
  backend: Backend.describe('The application.'),
  trustedProxies: z
    .array(z.string().min(1).max(64))
    .max(64)
    .default([])
    .describe('CIDRs of peers whose X-Forwarded-*, Forwarded and X-Real-IP are extended instead of replaced.'),
});
export type SslProfileSpec = z.infer<typeof SslProfileSpec>;

/** What a gate asks of its clients, and for which pods. */
export const SslProfile = z.strictObject({
  apiVersion: z.literal(apiVersion).describe('Group and version.'),
  kind: z.literal('SslProfile').describe('Kind.'),
  metadata: Metadata,
  spec: SslProfileSpec.describe('What is wanted.'),
  status: z.looseObject({}).optional().describe('Written by the operator.'),
});
export type SslProfile = z.infer<typeof SslProfile>;

function labelValue() {
  return z
    .string()
    .max(63)
    .regex(
      /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/,
      'is not a label value; letters, digits, hyphens, dots and underscores are legal',
    );
}
