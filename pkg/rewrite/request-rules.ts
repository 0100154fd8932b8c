import {
  type BoundRule,
  type Captures,
  editRequest,
  editResponse,
  errorOf,
  matchRequest,
  matchResponse,
  type UrlEdits,
} from './bound-rule.ts';
import { checkUrlLength, HeaderEdits, noHeaderEdits } from './edits.ts';
import { differingFacts } from './request-facts.ts';
import type { ConnectionFacts, RequestEdits, RequestView, ResponseEdits, ResponseView } from './rewrite.ts';

/** What the rules make of one request, and what they will make of its answer. */
export interface RequestOutcome {
  readonly edits: RequestEdits;
  readonly response: (view: ResponseView) => ResponseEdits;
}

/** What one rule made of the last request; undefined where it did not run. */
interface RuleOutcome {
  readonly captures: Captures;
  readonly headers: HeaderEdits;
  readonly url: UrlEdits;
}

/**
 * Runs the rules of a connection over its requests, one after the other. A request that is like the one before in all
 * that a rule reads has that rule's last outcome, and where no outcome differs all edits are the same objects: who asks
 * for a path after the other need not have conditions on his headers decided, nor his edits put together, again.
 */
export class RequestRules {
  readonly #rules: readonly BoundRule[];
  readonly #connection: ConnectionFacts;
  readonly #start: HeaderEdits | undefined;
  readonly #beside: number;
  readonly #outcomes: (RuleOutcome | undefined)[];
  /** The last request, which all outcomes are of. */
  #last: RequestView | undefined;
  #together: RequestOutcome | undefined;

  /** `start`: what is said before any rule; `beside` as for HeaderEdits.finish. */
  constructor(
    rules: readonly BoundRule[],
    connection: ConnectionFacts,
    start: HeaderEdits | undefined,
    beside: number,
  ) {
    this.#rules = rules;
    this.#connection = connection;
    this.#start = start;
    this.#beside = beside;
    this.#outcomes = rules.map(() => undefined);
  }

  /** @throws RewriteOverflow. */
  run(request: RequestView): RequestOutcome {
    const last = this.#last;
    const differing = last === undefined ? 0 : differingFacts(last, request);
    // A rule that throws leaves those in front of it with outcomes of this request, those behind with the last one's.
    this.#last = undefined;
    for (const [index, rule] of this.#rules.entries()) {
      if (last !== undefined && (rule.reads & differing) === 0) continue;
      const before = this.#outcomes[index];
      const outcome = this.#runRule(rule, request, before);
      if (outcome === before) continue;
      this.#outcomes[index] = outcome;
      this.#together = undefined;
    }
    this.#together ??= this.#putTogether(request);
    const { path, query } = this.#together.edits;
    if (path !== undefined || query !== undefined) checkUrlLength(path ?? request.path, query ?? request.query ?? '');
    this.#last = request;
    return this.#together;
  }

  #runRule(rule: BoundRule, request: RequestView, before: RuleOutcome | undefined): RuleOutcome | undefined {
    const connection = this.#connection;
    const headers = new HeaderEdits();
    const url: UrlEdits = { path: undefined, query: undefined };
    let captures: Captures | undefined;
    try {
      captures = matchRequest(rule, connection, request);
      if (captures === undefined) return undefined;
      editRequest(rule, { connection, request, captures }, headers, url);
    } catch (error) {
      throw errorOf(rule, error);
    }
    const isAsBefore =
      before !== undefined &&
      // Its answer's edits may read what differs.
      rule.responseActions.length === 0 &&
      before.url.path === url.path &&
      before.url.query === url.query &&
      before.headers.equals(headers);
    return isAsBefore ? before : { captures, headers, url };
  }

  #putTogether(request: RequestView): RequestOutcome {
    const connection = this.#connection;
    const headers = new HeaderEdits(this.#start);
    const url: UrlEdits = { path: undefined, query: undefined };
    const pending: { readonly rule: BoundRule; readonly captures: Captures }[] = [];
    for (const [index, rule] of this.#rules.entries()) {
      const outcome = this.#outcomes[index];
      if (outcome === undefined) continue;
      headers.putAll(outcome.headers);
      url.path = outcome.url.path ?? url.path;
      url.query = outcome.url.query ?? url.query;
      if (rule.responseActions.length > 0) pending.push({ rule, captures: outcome.captures });
    }
    return {
      edits: { ...url, ...headers.finish(this.#beside) },
      response: pending.length === 0 ? noResponse : (response) => respond(pending, connection, request, response),
    };
  }
}

function respond(
  pending: readonly { readonly rule: BoundRule; readonly captures: Captures }[],
  connection: ConnectionFacts,
  request: RequestView,
  response: ResponseView,
): ResponseEdits {
  const headers = new HeaderEdits();
  for (const { rule, captures: before } of pending) {
    try {
      const captures = matchResponse(rule, before, response);
      if (captures !== undefined) editResponse(rule, { connection, request, response, captures }, headers);
    } catch (error) {
      throw errorOf(rule, error);
    }
  }
  return headers.finish();
}

/** Of rules that look at no answer. */
export function noResponse(): ResponseEdits {
  return noHeaderEdits;
}
