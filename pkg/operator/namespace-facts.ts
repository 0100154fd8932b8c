import { ApiError } from '../cluster/api-error.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { PodNamespace } from '../inject/settings.ts';
import type { WorldWatch } from './world-watch.ts';

/**
 * Looks a namespace up: in the watch, else at the API server, since a pod may be made right after its namespace. With
 * namespaced rights neither is allowed, and its name must do. Rejects where it cannot be told now: @throws ApiError.
 */
export function createNamespaceFacts(
  watch: Pick<WorldWatch, 'namespace'>,
  cluster: Pick<Cluster, 'get'>,
): (name: string) => Promise<PodNamespace> {
  return async (name) => {
    const seen = watch.namespace(name);
    if (seen !== undefined) return { name, labels: seen.labels, annotations: seen.annotations };
    try {
      const { metadata } = await cluster.get(`/api/v1/namespaces/${name}`, { deadlineMs });
      return { name, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} };
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 403) return { name };
      throw cause;
    }
  };
}

/** The API server waits five seconds for the webhook. */
const deadlineMs = 2000;
