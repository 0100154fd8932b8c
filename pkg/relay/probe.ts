import * as z from 'zod';

/**
 * A probe or lifecycle hook of an application, as the pod declared it before its sidecar came: the kubelet asks the
 * relay by `id`, and the relay asks the application on loopback. Names of ports are numbers already.
 */
export type RelayProbe = {
  /** `<container>/<readiness|liveness|startup|postStart|preStop>`; the relay's path is `/probe/<id>`. */
  readonly id: string;
  /** The kubelet's own time limit, milliseconds; the relay answers a little before it. */
  readonly timeoutMs: number;
  /**
   * Only who sends it in `lychgate-probe-secret` gets an answer. For hooks: a GET that stops an application must not be
   * at everybody's disposal who reaches the pod's address.
   */
  readonly secret?: string;
} & (
  | {
      readonly kind: 'httpGet';
      readonly port: number;
      readonly scheme: 'HTTP' | 'HTTPS';
      /** With its query, as it stands in the pod. */
      readonly path: string;
      /** Said in the `Host` field only: nothing but loopback is dialled. */
      readonly host?: string;
      readonly headers: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly kind: 'tcpSocket'; readonly port: number; readonly host?: string }
  | {
      readonly kind: 'grpc';
      readonly port: number;
      /** Of grpc.health.v1; empty asks for the whole server. */
      readonly service: string;
    }
);

/** What the kubelet asks the relay for. */
export function relayPath(id: string): string {
  return `/probe/${id}`;
}

/** The field with a probe's secret, in lower case as Node names it. */
export const secretHeader = 'lychgate-probe-secret';

/** The list of probes does not follow its schema; the message names every fault, a line each. */
export class ProbesUnreadable extends Error {
  readonly code = 'PROBES_UNREADABLE';
  override readonly name = 'ProbesUnreadable';
}

/** Reads the JSON list that the injected pod carries in its environment. @throws ProbesUnreadable. */
export function parseProbes(text: string): readonly RelayProbe[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProbesUnreadable(
      `the list of probes is not JSON: ${cause instanceof Error ? cause.message : 'unknown'}`,
      {
        cause,
      },
    );
  }
  const parsed = probesSchema.safeParse(value);
  if (parsed.success) return parsed.data.map(withoutUndefined);
  throw new ProbesUnreadable(
    parsed.error.issues
      .map(({ path, message }) => `the list of probes: ${path.length === 0 ? 'the whole' : path.join('.')}: ${message}`)
      .join('\n'),
  );
}

/** What is absent is no property, never an undefined one. */
function withoutUndefined({ secret, ...probe }: z.infer<typeof probeSchema>): RelayProbe {
  const base = secret === undefined ? {} : { secret };
  if (probe.kind === 'grpc') return { ...base, ...probe };
  const { host, ...rest } = probe;
  return host === undefined ? { ...base, ...rest } : { ...base, ...rest, host };
}

const base = {
  id: z
    .string()
    .max(128)
    .regex(
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?\/(readiness|liveness|startup|postStart|preStop)$/,
      'is not of the form <container>/<readiness|liveness|startup|postStart|preStop>',
    ),
  timeoutMs: z.int().min(1).max(86_400_000),
  port: z.int().min(1).max(65_535),
  secret: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,128}$/, 'is not 16 to 128 characters of A-Z, a-z, 0-9, - and _')
    .optional(),
};

/** A DNS name or an address, in brackets or not: what may stand in a `Host` field. */
const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9._:[\]%-]+$/, 'is not a host name or an address')
  .optional();

const header = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'is not the name of an HTTP header'),
  value: z
    .string()
    .max(8192)
    .regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/, 'has a character that no HTTP header may have'),
});

const probeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...base,
    kind: z.literal('httpGet'),
    scheme: z.enum(['HTTP', 'HTTPS']),
    path: z
      .string()
      .max(8192)
      .regex(/^\/[\u0021-\u007e]*$/, 'is not a path: it begins with / and has no spaces'),
    host,
    headers: z.array(header).max(100),
  }),
  z.strictObject({ ...base, kind: z.literal('tcpSocket'), host }),
  z.strictObject({ ...base, kind: z.literal('grpc'), service: z.string().max(1024) }),
]);

const probesSchema = z
  .array(probeSchema)
  .max(1000)
  .refine((probes) => new Set(probes.map(({ id }) => id)).size === probes.length, 'two probes have the same id');
