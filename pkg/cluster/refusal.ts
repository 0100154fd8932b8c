import { STATUS_CODES } from 'node:http';
import { ApiError } from './api-error.ts';
import { isRecord } from './object.ts';

/** A request as it is named in messages. */
export interface AskedOf {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** The verb to grant, where the method does not say it. */
  readonly verb?: string;
}

/** The error for an answer that is no success. `body` is the Status object, if it is one. */
export function refusalOf(asked: AskedOf, status: number, body: unknown, retryAfter: string | undefined): ApiError {
  const told = isRecord(body) ? body : {};
  const reason = typeof told['reason'] === 'string' && told['reason'] !== '' ? told['reason'] : usualReason(status);
  const said = typeof told['message'] === 'string' ? `: ${told['message'].slice(0, maxMessageChars)}` : '';
  const step = nextStep(asked, status);
  const message = `${asked.method} ${asked.path}: ${status} ${reason}${said}${step === '' ? '' : `; ${step}`}`;
  return new ApiError(status, reason, message, retryAfterMsOf(retryAfter));
}

/** The error for no answer at all. */
export function failureOf(asked: AskedOf, reason: FailureReason, why: string): ApiError {
  return new ApiError(0, reason, `${asked.method} ${asked.path}: ${why}`);
}

/** Why there is no answer. */
export type FailureReason = 'Closed' | 'Malformed' | 'Timeout' | 'TooLarge' | 'Unconfigured' | 'Unreachable';

/** Of an answer that is no Status object, as of a group that is not served: `Not Found` is NotFound. */
function usualReason(status: number): string {
  return STATUS_CODES[status]?.replaceAll(' ', '') ?? 'Unknown';
}

function nextStep(asked: AskedOf, status: number): string {
  switch (status) {
    case 401:
      return 'the API server does not accept our token: check that the service account exists and its token is mounted';
    case 403:
      return `grant ${asked.verb ?? verbs[asked.method] ?? asked.method} on ${resourceOf(asked.path)}`;
    case 404:
      // A collection that is not found is a kind that is not installed; an object may just not be there.
      return asked.verb === undefined ? '' : `install the custom resource definition of ${resourceOf(asked.path)}`;
    case 429:
      return 'the API server is overloaded and is asked again later';
    default:
      return status >= 500 ? "look at the API server's own log" : '';
  }
}

/** `sslprofiles/status.lychgate.dev in namespace shop`, of any path of the API. */
function resourceOf(path: string): string {
  const match = pathPattern.exec(path);
  if (match === null) return path;
  const [, group, namespace, plural = '', part] = match;
  const resource = `${plural}${part === undefined ? '' : `/${part}`}${group === undefined ? '' : `.${group}`}`;
  return namespace === undefined ? resource : `${resource} in namespace ${namespace}`;
}

/** Seconds; the API server sends no dates. */
function retryAfterMsOf(retryAfter: string | undefined): number | undefined {
  return retryAfter !== undefined && /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
}

const verbs: Readonly<Record<string, string>> = { GET: 'get', PATCH: 'patch', POST: 'create', PUT: 'update' };
const pathPattern =
  /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+)(?=\/[^/]+))?\/([^/]+)(?:\/[^/]+(?:\/([^/]+))?)?$/;
const maxMessageChars = 512;
