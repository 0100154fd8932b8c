import { foldName } from '../http1/names.ts';
import type { ForwardedCertificate, RewriteSetPolicy } from '../policy/policy.ts';
import {
  type BoundRule,
  bindRule,
  editRequest,
  errorOf,
  isConstant,
  settleRules,
  type UrlEdits,
} from './bound-rule.ts';
import { base64Der, rfc9440, urlEncodedPem, xfccElement } from './certificate-values.ts';
import { finishHeaderValue, HeaderEdits, noHeaderEdits } from './edits.ts';
import { rewriteFaults } from './faults.ts';
import { isGuarded } from './guard.ts';
import { headerNameFault } from './header-name.ts';
import { proofNames } from './proof.ts';
import { noResponse, RequestRules } from './request-rules.ts';
import type { BoundRewrite, CertificateFacts, ConnectionFacts, RequestEdits, RequestView, Rewrite } from './rewrite.ts';
import { type CompiledRule, compileRule, ruleVariables } from './rule.ts';

/** A rewrite set that cannot be compiled; the message names set, field and fault, one a line. */
export class RewriteInvalid extends Error {
  readonly code = 'REWRITE_INVALID';
}

/**
 * Compiles the rewrite sets of one profile and its own certificate header. Sets run in the given order, the rules of a
 * set by ascending sequence; the certificate header comes before all of them. @throws RewriteInvalid.
 */
export function compileRewrite(
  sets: readonly RewriteSetPolicy[],
  forwarded: ForwardedCertificate | undefined,
): Rewrite {
  const faults = [
    ...sets.flatMap((set) =>
      rewriteFaults(set).map(({ path, message }) => `rewrite set ${set.name}: ${path}: ${message}`),
    ),
    ...forwardedFaults(forwarded),
  ];
  if (faults.length > 0) throw new RewriteInvalid(faults.join('\n'));
  const rules = sets.flatMap((set) =>
    set.rules.map((rule) => compileRule(set.name, rule, noReport)).sort((a, b) => a.sequence - b.sequence),
  );
  const guarded = new Set(proofNames(rules));
  if (forwarded !== undefined) guarded.add(foldName(forwarded.header));
  const isStripped = (name: string) => guarded.has(foldName(name)) || isGuarded(foldName(name));
  const variables = rules.flatMap(ruleVariables);
  const readsClientPort = variables.some((v) => v.depends === 'connection' && v.ofClientPort === true);
  const read = variables.flatMap((v) => (v.depends === 'request' && v.header !== undefined ? [v.header] : []));
  const strip = read.some(isStripped)
    ? (view: RequestView) => withoutFields(view, isStripped)
    : (view: RequestView) => view;
  // The host is the authority's, wherever it was sent.
  const readsFields = read.some((header) => header !== 'host');
  return {
    guarded,
    readsClientPort,
    bind: (connection) => ({ ...bindRules(rules, forwarded, connection, strip), readsFields }),
  };
}

function bindRules(
  rules: readonly CompiledRule[],
  forwarded: ForwardedCertificate | undefined,
  connection: ConnectionFacts,
  strip: (view: RequestView) => RequestView,
): Omit<BoundRewrite, 'readsFields'> {
  const bound = rules.flatMap((rule) => {
    try {
      return bindRule(rule, connection) ?? [];
    } catch (error) {
      throw errorOf(rule, error);
    }
  });
  const certificate = forwarded && forwardedHeader(forwarded, connection.certificate);
  const start = () => {
    const headers = new HeaderEdits();
    if (certificate !== undefined) headers.put(certificate.name, certificate.name.toLowerCase(), certificate.values);
    return headers;
  };
  const hasResponse = bound.some((rule) => rule.responseActions.length > 0);
  const constant = bound.every(isConstant) ? constantEdits(bound, connection, start()) : undefined;
  const settled = constant === undefined ? settleRules(bound, start()) : undefined;
  const left = new RequestRules(
    settled?.rules ?? bound.filter((rule) => rule.responseActions.length > 0).map(withoutRequest),
    connection,
    settled?.started,
    settled?.fixed.length ?? 0,
  );
  const always = constant === undefined ? undefined : { edits: constant, response: noResponse };
  const edited = bound.flatMap((rule) => rule.requestActions.map((action) => action.lowerName));
  return {
    constant,
    fixed: constant ?? settled?.fixed.finish() ?? noHeaderEdits,
    editedNames: new Set(certificate === undefined ? edited : [certificate.name.toLowerCase(), ...edited]),
    hasResponse,
    request(view) {
      if (always !== undefined && !hasResponse) return always;
      const outcome = left.run(strip(view));
      return constant === undefined ? outcome : { edits: constant, response: outcome.response };
    },
  };
}

/** The edits of rules that no request can change. @throws RewriteOverflow. */
function constantEdits(bound: readonly BoundRule[], connection: ConnectionFacts, headers: HeaderEdits): RequestEdits {
  for (const rule of bound) {
    // A rule under a request's conditions is constant only where it leaves requests alone.
    if (rule.requestActions.length === 0) continue;
    try {
      editRequest(rule, { connection, request: noRequest, captures: rule.captures }, headers, noUrl);
    } catch (error) {
      throw errorOf(rule, error);
    }
  }
  return { ...noUrl, ...headers.finish() };
}

/** The profile's own certificate header; no values where there is nothing that may be handed on. @throws RewriteOverflow. */
function forwardedHeader(
  { header, format, unverified }: ForwardedCertificate,
  facts: CertificateFacts,
): { readonly name: string; readonly values: readonly string[] } {
  const value = forwardedValue(format, unverified, facts);
  const made = value === undefined ? undefined : finishHeaderValue(header, value);
  return { name: header, values: made === undefined ? [] : [made] };
}

function forwardedValue(
  format: ForwardedCertificate['format'],
  unverified: ForwardedCertificate['unverified'],
  facts: CertificateFacts,
): string | undefined {
  const path = facts.kind === 'accepted' ? facts.path : undefined;
  const certificate =
    path?.[0] ?? (facts.kind === 'unverified' && unverified === 'Allow' ? facts.certificate : undefined);
  if (certificate === undefined) return undefined;
  switch (format) {
    case 'Base64Der':
      return base64Der(certificate);
    case 'Rfc9440':
      return rfc9440(certificate);
    case 'UrlEncodedPem':
      return urlEncodedPem(certificate);
    case 'Xfcc':
      return xfccElement(certificate, path);
  }
}

function forwardedFaults(forwarded: ForwardedCertificate | undefined): string[] {
  if (forwarded === undefined) return [];
  const { header } = forwarded;
  const fault =
    headerNameFault(header, 'request', false) ??
    (header.toLowerCase() === 'host' ? 'cannot carry a certificate' : undefined);
  return fault === undefined ? [] : [`forwardClientCertificate.header: ${header} ${fault}`];
}

function withoutFields(view: RequestView, isStripped: (name: string) => boolean): RequestView {
  const fields: string[] = [];
  for (let i = 0; i < view.fields.length; i += 2) {
    const name = view.fields[i] ?? '';
    if (!isStripped(name)) fields.push(name, view.fields[i + 1] ?? '');
  }
  return { ...view, fields };
}

/** What is said of requests has been said. */
function withoutRequest(rule: BoundRule): BoundRule {
  return { ...rule, requestActions: [] };
}

/** The set has no faults by now. */
function noReport(): void {}

/** A rule that changes it is not constant. */
const noUrl: Readonly<UrlEdits> = Object.freeze({ path: undefined, query: undefined });

/** Constant values read no request; this stands where one would be. */
const noRequest: RequestView = {
  method: '',
  path: '*',
  query: undefined,
  authority: '',
  httpVersion: 'HTTP/1.1',
  fields: [],
};
