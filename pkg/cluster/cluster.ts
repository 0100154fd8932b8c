import type { KubernetesObject } from './object.ts';
import type { Watched, WatchTarget } from './watched.ts';

/** The API server: single requests, and collections that are kept current. */
export interface Cluster {
  /** All requests: @throws ApiError, at the latest after the request's deadline. Nothing is retried. */
  get(path: string, options?: RequestOptions): Promise<KubernetesObject>;
  create(path: string, body: object, options?: RequestOptions): Promise<KubernetesObject>;
  /** A body with a resourceVersion replaces only that version: otherwise ApiError 409. */
  replace(path: string, body: object, options?: RequestOptions): Promise<KubernetesObject>;
  /** Server-side apply; the path may end in `/status`. */
  apply(path: string, body: object, options: ApplyOptions): Promise<KubernetesObject>;
  /** A JSON merge patch (RFC 7396, an object) or a JSON patch (RFC 6902, an array). */
  patch(path: string, body: object, kind: 'json' | 'merge', options?: RequestOptions): Promise<KubernetesObject>;
  /**
   * Begins to list and watch, and goes on whatever happens until it is closed. `onChange` is called after values,
   * `listed` or `fault` have changed, once for all events that arrived together.
   */
  watch<T>(target: WatchTarget<T>, onChange: () => void): Watched<T>;
  /** Closes every watch and ends every request with ApiError reason Closed. */
  close(): void;
}

export interface RequestOptions {
  /** For the whole exchange; 10 s by default. */
  readonly deadlineMs?: number;
}

export interface ApplyOptions extends RequestOptions {
  /** Who owns the fields: one fixed name for each thing that writes. */
  readonly fieldManager: string;
  /** Takes fields from other owners instead of failing with 409. */
  readonly force: boolean;
}
