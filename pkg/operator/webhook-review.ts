import { isRecord } from '../api/raw.ts';
import type { PodNamespace } from '../inject/settings.ts';

/** Which of the webhook's two entries matched: the namespace asks for sidecars, or only the pod does. */
export type WebhookEntry = 'namespace' | 'pod';

/** What answering needs, handed in. */
export interface ReviewDeps {
  /** The answer to a parsed AdmissionReview, as an AdmissionReview. Never throws. */
  review(request: unknown, entry: WebhookEntry, namespace: PodNamespace): object;
  /** Rejects where nothing can be known now: the pod is denied. */
  namespaceFacts(name: string): Promise<PodNamespace>;
  /** Settles when sidecars of that namespace can verify the operator; rejects: the pod is denied. Not asked on a dry run. */
  ensureCa(namespace: string): Promise<void>;
}

/** An AdmissionReview of admission.k8s.io/v1 as far as it is read here; the rest is the review's to judge. */
export interface AdmissionRequest {
  /** As received. */
  readonly body: unknown;
  readonly uid: string;
  readonly namespace: string;
  readonly dryRun: boolean;
}

/** An answer, and what it was for the metric. */
export interface Reviewed {
  readonly body: object;
  /** Failed: denied because the operator could not do its part; the next try may succeed. */
  readonly result: 'Denied' | 'Failed' | 'Injected' | 'Skipped';
}

/** Reads a request's body, or says what is wrong with it. */
export function readAdmissionRequest(text: string): AdmissionRequest | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'the body is not JSON';
  }
  if (!isRecord(body) || body['kind'] !== 'AdmissionReview' || body['apiVersion'] !== 'admission.k8s.io/v1') {
    return 'the body is not an AdmissionReview of admission.k8s.io/v1';
  }
  const request = isRecord(body['request']) ? body['request'] : {};
  const { uid, namespace, dryRun } = request;
  if (typeof uid !== 'string' || uid === '') return 'request.uid is missing';
  if (typeof namespace !== 'string' || namespace === '') return 'request.namespace is missing: only pods are reviewed';
  return { body, uid, namespace, dryRun: dryRun === true };
}

/**
 * Reviews one pod. A pod that gets a sidecar is let in only when its namespace has the operator's CA: without it the
 * sidecar would never get a policy. Never rejects.
 */
export async function answerReview(
  request: AdmissionRequest,
  entry: WebhookEntry,
  deps: ReviewDeps,
): Promise<Reviewed> {
  const { uid, namespace } = request;
  let facts: PodNamespace;
  try {
    facts = await deps.namespaceFacts(namespace);
  } catch (error) {
    return denyForNow(uid, `namespace ${namespace} cannot be read now: ${messageOf(error)}`);
  }
  const body = deps.review(request.body, entry, facts);
  const response = 'response' in body && isRecord(body.response) ? body.response : {};
  if (response['allowed'] !== true) return { body, result: 'Denied' };
  if (response['patch'] === undefined) return { body, result: 'Skipped' };
  if (!request.dryRun) {
    try {
      await deps.ensureCa(namespace);
    } catch (error) {
      return denyForNow(uid, `the operator's CA is not in namespace ${namespace}: ${messageOf(error)}`);
    }
  }
  return { body, result: 'Injected' };
}

/** A refusal that is no fault of the pod. */
export function denyForNow(uid: string, why: string): Reviewed {
  return {
    result: 'Failed',
    body: {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid,
        allowed: false,
        status: {
          status: 'Failure',
          code: 503,
          reason: 'ServiceUnavailable',
          message: `lychgate: ${why}; the pod asked for a sidecar and does not start without one: try again`,
        },
      },
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
