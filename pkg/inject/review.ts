import { isRecord } from '../api/raw.ts';
import { injectPod } from './inject.ts';
import { difference, patchDocument } from './patch.ts';
import type { InjectSettings, PodNamespace } from './settings.ts';

/** The answer to an AdmissionReview. */
export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly warnings?: readonly string[];
    readonly patchType?: 'JSONPatch';
    /** Base64 of a JSON Patch. */
    readonly patch?: string;
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  };
}

/**
 * Answers an AdmissionReview (v1) of a pod that is about to be created. `entry` is the webhook entry that was called: of
 * a pod whose namespace asks, or of one that asks itself. Everything but the creation of a pod is let through unchanged,
 * what cannot be read is denied. Never throws.
 */
export function reviewPod(
  review: unknown,
  settings: InjectSettings,
  entry: 'namespace' | 'pod',
  namespace: PodNamespace,
): AdmissionAnswer {
  const request = requestOf(review);
  if (request === undefined) {
    return denial(
      '',
      'the request is no AdmissionReview of admission.k8s.io/v1 with a uid; is something else calling?',
      [],
    );
  }
  const { uid, raw } = request;
  if (raw['operation'] !== 'CREATE' || !isPod(raw)) return allowance(uid, []);
  // Where the pod's entry was called, the namespace does not ask, even if its labels cannot be seen.
  const seen = entry === 'pod' && namespace.labels === undefined ? { ...namespace, labels: {} } : namespace;
  const injection = injectPod(raw['object'], settings, seen);
  switch (injection.kind) {
    case 'Denied':
      return denial(uid, injection.message, injection.warnings);
    case 'Skipped':
      return allowance(uid, []);
    case 'Injected': {
      const patch = JSON.stringify(patchDocument(difference(raw['object'], injection.pod)));
      const answer = allowance(uid, injection.warnings);
      return {
        ...answer,
        response: { ...answer.response, patchType: 'JSONPatch', patch: Buffer.from(patch).toString('base64') },
      };
    }
  }
}

/** The namespace that a review is about; undefined where there is none. Never throws. */
export function reviewedNamespace(review: unknown): string | undefined {
  const namespace = requestOf(review)?.raw['namespace'];
  return typeof namespace === 'string' && namespace !== '' ? namespace : undefined;
}

function requestOf(
  review: unknown,
): { readonly uid: string; readonly raw: Readonly<Record<string, unknown>> } | undefined {
  if (!isRecord(review) || review['apiVersion'] !== apiVersion || review['kind'] !== 'AdmissionReview')
    return undefined;
  const { request } = review;
  if (!isRecord(request)) return undefined;
  const { uid } = request;
  return typeof uid === 'string' && uid !== '' ? { uid, raw: request } : undefined;
}

function isPod({ kind, subResource }: Readonly<Record<string, unknown>>): boolean {
  return (
    isRecord(kind) &&
    kind['group'] === '' &&
    kind['version'] === 'v1' &&
    kind['kind'] === 'Pod' &&
    (subResource === undefined || subResource === '')
  );
}

function allowance(uid: string, warnings: readonly string[]): AdmissionAnswer {
  return { apiVersion, kind: 'AdmissionReview', response: { uid, allowed: true, ...warningsOf(warnings) } };
}

function denial(uid: string, message: string, warnings: readonly string[]): AdmissionAnswer {
  return {
    apiVersion,
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: false,
      ...warningsOf(warnings),
      status: { code: 403, reason: 'Forbidden', message: cut(message, maxMessageLength) },
    },
  };
}

function warningsOf(warnings: readonly string[]): { readonly warnings?: readonly string[] } {
  return warnings.length === 0
    ? {}
    : { warnings: warnings.map((warning) => cut(`lychgate: ${warning}`, maxWarningLength)) };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

const apiVersion = 'admission.k8s.io/v1';
/** The API server cuts a warning here where there are many. */
const maxWarningLength = 256;
const maxMessageLength = 4096;
