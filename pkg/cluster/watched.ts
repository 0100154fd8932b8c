import type { KubernetesObject } from './object.ts';

/** What is watched, and what is kept of it. */
export interface WatchTarget<T> {
  /** The collection: `/api/v1/pods`, `/apis/lychgate.dev/v1alpha1/namespaces/shop/sslprofiles`. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * Keeps of an object what is needed and nothing else; undefined if it is not of interest. Must be pure: an object of
   * an unchanged resourceVersion is not read again. Where it throws, what was known of that object stays, the fault is
   * logged and counted, and the object is read again at the next list.
   */
  read(raw: KubernetesObject): T | undefined;
}

/** A collection as far as it is known. */
export interface Watched<T> {
  /** A whole list has succeeded once. Until then nothing is known: an empty collection means nothing. */
  readonly listed: boolean;
  /** Why the list or the watch fails now, with the next step; what was known before stays. */
  readonly fault: string | undefined;
  values(): IterableIterator<T>;
  /** By `namespace/name`, or `name` of what has no namespace. */
  get(key: string): T | undefined;
  /** Ends the watching; onChange is not called again. */
  close(): void;
}

/** What happened to a watched collection, for metrics. */
export type ClusterEvent =
  | { readonly kind: 'List'; readonly path: string; readonly result: 'failed' | 'ok' }
  | { readonly kind: 'Watch'; readonly path: string; readonly result: 'failed' | 'ok' }
  /** An open watch ended: by the server, because nothing was heard, or by a reset. */
  | { readonly kind: 'WatchEnd'; readonly path: string; readonly why: 'closed' | 'reset' | 'silent' }
  /** A list after the first one is about to be made. */
  | { readonly kind: 'Relist'; readonly path: string; readonly reason: RelistReason }
  /** `read` threw: the object is passed over. */
  | { readonly kind: 'Skipped'; readonly path: string; readonly key: string };

/**
 * Why everything is listed anew: the version is no longer served (410), the watch told of another error, a line of it was
 * not what it must be, its collection is gone (404), or the time for making sure has come.
 */
export type RelistReason = 'error' | 'expired' | 'malformed' | 'notFound' | 'periodic';
