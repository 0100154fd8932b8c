import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { systemTimers, type Timers } from '../process/timers.ts';
import { ask } from './ask.ts';
import type { Cluster, RequestOptions } from './cluster.ts';
import { type ApiRequest, openConnection } from './connection.ts';
import { startListWatch } from './list-watch.ts';
import { isRecord, type KubernetesObject } from './object.ts';
import { failureOf } from './refusal.ts';
import type { ClusterEvent, Watched } from './watched.ts';

export interface ConnectOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly userAgent: string;
  /** A kubeconfig document; found by the usual rules (KUBECONFIG, ~/.kube/config, the pod's service account) when absent. */
  readonly kubeconfig?: string;
  readonly timers?: Timers;
  /** Told of every list and watch, for metrics. */
  readonly onEvent?: (event: ClusterEvent) => void;
}

/**
 * Connects to the cluster that the process runs in, or that KUBECONFIG names. Nothing is sent before it is asked for.
 * @throws ApiError Unconfigured if no cluster is configured.
 */
export function connectCluster(options: ConnectOptions): Cluster {
  const { log, clock, random, userAgent, timers = systemTimers, onEvent = () => undefined } = options;
  const found = options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig };
  const connection = openConnection({ userAgent, timers, ...found });
  const watches = new Set<Watched<unknown>>();

  async function request(head: ApiRequest, limits: RequestOptions | undefined): Promise<KubernetesObject> {
    const { deadlineMs = requestDeadlineMs } = limits ?? {};
    const value = await ask(connection, head, { deadlineMs, maxBytes: maxObjectBytes });
    if (!isRecord(value)) throw failureOf(head, 'Malformed', 'the answer is no object');
    // A TokenReview and its like have no name, and need not have metadata.
    return { metadata: { name: '' }, ...value };
  }

  return {
    get: (path, limits) => request({ method: 'GET', path }, limits),
    create: (path, body, limits) => request({ method: 'POST', path, body: JSON.stringify(body) }, limits),
    replace: (path, body, limits) => request({ method: 'PUT', path, body: JSON.stringify(body) }, limits),
    apply: (path, body, { fieldManager, force, ...limits }) => {
      const query = { fieldManager, force: String(force) };
      // JSON is YAML.
      const contentType = 'application/apply-patch+yaml';
      return request({ method: 'PATCH', path, query, contentType, body: JSON.stringify(body) }, limits);
    },
    patch: (path, body, kind, limits) => {
      const contentType = `application/${kind}-patch+json`;
      return request({ method: 'PATCH', path, contentType, body: JSON.stringify(body) }, limits);
    },
    watch: (target, onChange) => {
      const watched = startListWatch(target, onChange, { connection, log, clock, random, timers, onEvent });
      watches.add(watched);
      return {
        get listed() {
          return watched.listed;
        },
        get fault() {
          return watched.fault;
        },
        values: () => watched.values(),
        get: (key) => watched.get(key),
        close: () => {
          watches.delete(watched);
          watched.close();
        },
      };
    },
    close: () => {
      for (const watched of watches) watched.close();
      watches.clear();
      connection.close();
    },
  };
}

const requestDeadlineMs = 10_000;
/** Several times what etcd takes. */
const maxObjectBytes = 8 * 1024 * 1024;
