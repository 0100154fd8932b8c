import { createHash } from 'node:crypto';
import type { Clock } from '../process/clock.ts';
import { ApiError } from './api-error.ts';
import { parse } from './ask.ts';
import type { Cluster } from './cluster.ts';
import { isRecord } from './object.ts';

/** The token proves nothing: forged, expired, for somebody else, not of a pod. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated';
}

/** Whether the token proves anything cannot be told now. The caller may ask again. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Whose token it is: a service account in one certain pod. */
export interface TokenIdentity {
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  readonly username: string;
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  /** Unix milliseconds, of the token itself. Only for ending what was begun with it: the API server judged it. */
  readonly expiresAtMs: number;
}

/** @throws Unauthenticated or Unavailable. */
export type TokenReviewer = (token: string) => Promise<TokenIdentity>;

export interface TokenReviewerOptions {
  readonly cluster: Pick<Cluster, 'create'>;
  /** The one audience that is accepted; none of the API server's own. */
  readonly audience: string;
  readonly clock: Clock;
}

interface Review {
  readonly identity: Promise<TokenIdentity>;
  /** Monotonic; set when the answer is there. */
  untilMs: number;
}

/**
 * Asks the API server (TokenReview) whose tokens are. A deleted pod's token ends there only, so an acceptance is
 * remembered for 60 s at most, a rejection for 10 s, under the token's SHA-256; equal questions are asked once.
 */
export function createTokenReviewer({ cluster, audience, clock }: TokenReviewerOptions): TokenReviewer {
  const reviews = new Map<string, Review>();

  function begin(key: string, token: string): Promise<TokenIdentity> {
    const review: Review = { identity: askFor(cluster, audience, token), untilMs: Number.POSITIVE_INFINITY };
    const askedAtMs = clock.monotonicMs();
    reviews.set(key, review);
    review.identity.then(
      ({ expiresAtMs }) => {
        review.untilMs = askedAtMs + Math.min(acceptedMs, expiresAtMs - clock.wallMs());
      },
      (cause: unknown) => {
        if (cause instanceof Unauthenticated) review.untilMs = askedAtMs + rejectedMs;
        else reviews.delete(key);
      },
    );
    return review.identity;
  }

  return async (token) => {
    // Not worth a question: no service account token is like this.
    if (token.length > maxTokenChars || !jwtPattern.test(token)) {
      throw new Unauthenticated('the token is no service account token: it is no JWT');
    }
    const key = createHash('sha256').update(token).digest('base64');
    const known = reviews.get(key);
    if (known !== undefined && clock.monotonicMs() < known.untilMs) return known.identity;
    reviews.delete(key);
    makeRoom(reviews, clock.monotonicMs());
    return begin(key, token);
  };
}

async function askFor(cluster: Pick<Cluster, 'create'>, audience: string, token: string): Promise<TokenIdentity> {
  let status: unknown;
  try {
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    };
    status = (await cluster.create('/apis/authentication.k8s.io/v1/tokenreviews', body))['status'];
  } catch (cause) {
    const why = cause instanceof ApiError ? cause.message : String(cause);
    throw new Unavailable(`the token cannot be reviewed now: ${why}`);
  }
  if (!isRecord(status)) throw new Unavailable('the token cannot be reviewed now: the TokenReview has no status');
  return judge(status, audience, token);
}

function judge(status: Readonly<Record<string, unknown>>, audience: string, token: string): TokenIdentity {
  const { authenticated, error, audiences, user } = status;
  if (authenticated !== true || (error !== undefined && error !== '')) {
    const why = typeof error === 'string' && error !== '' ? ` (${error.slice(0, maxReasonChars)})` : '';
    throw new Unauthenticated(`the API server does not accept the token${why}; mount one with audience ${audience}`);
  }
  // An authenticator that knows no audiences leaves the list empty: such a token may be for the API server itself.
  if (!Array.isArray(audiences) || !audiences.includes(audience)) {
    throw new Unauthenticated(`the token is not for audience ${audience}; mount a projected token with that audience`);
  }
  const { username, groups, extra } = isRecord(user) ? user : {};
  const parts = typeof username === 'string' ? username.split(':') : [];
  const [system, account, namespace = '', name = ''] = parts;
  const isAccount = parts.length === 4 && system === 'system' && account === 'serviceaccount';
  const isInGroup = Array.isArray(groups) && groups.includes('system:serviceaccounts');
  if (typeof username !== 'string' || !isAccount || namespace === '' || name === '' || !isInGroup) {
    throw new Unauthenticated(`the token is not a service account's: user ${JSON.stringify(username ?? null)}`);
  }
  const podName = onlyOne(extra, 'authentication.kubernetes.io/pod-name');
  const podUid = onlyOne(extra, 'authentication.kubernetes.io/pod-uid');
  if (podName === undefined || podUid === undefined) {
    throw new Unauthenticated(`the token of ${username} is bound to no pod; mount it as a projected volume`);
  }
  const expiresAtMs = expiryOf(token);
  if (expiresAtMs === undefined) throw new Unauthenticated(`the token of ${username} has no expiry`);
  return { username, namespace, podName, podUid, expiresAtMs };
}

function onlyOne(extra: unknown, name: string): string | undefined {
  const values = isRecord(extra) ? extra[name] : undefined;
  const [first, ...more] = Array.isArray(values) ? (values as readonly unknown[]) : [];
  return typeof first === 'string' && first !== '' && more.length === 0 ? first : undefined;
}

/** From the payload, unverified: the API server has accepted the token. */
function expiryOf(token: string): number | undefined {
  const payload = parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const seconds = isRecord(payload) ? payload['exp'] : undefined;
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** First what is over, then what was asked first: it is asked again, never trusted longer. */
function makeRoom(reviews: Map<string, Review>, nowMs: number): void {
  if (reviews.size < maxReviews) return;
  for (const [key, { untilMs }] of reviews) if (nowMs >= untilMs) reviews.delete(key);
  for (const key of reviews.keys()) {
    if (reviews.size < maxReviews) return;
    reviews.delete(key);
  }
}

const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const maxTokenChars = 16 * 1024;
const maxReasonChars = 200;
const maxReviews = 4096;
const acceptedMs = 60_000;
const rejectedMs = 10_000;
