import { createServer, type IncomingMessage } from 'node:http';
import { OcspMalformed } from '../ocsp/errors.ts';
import { type OcspQuestion, parseOcspRequest } from '../ocsp/read-request.ts';
import { certId, targetOf } from '../ocsp/request.ts';
import { type AnswerSingle, buildOcspError, buildOcspResponse } from '../ocsp/respond.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type Listening, listen } from './listen.ts';
import { type DemoPki, responderPaths } from './pki.ts';

/** Who signs: the CA itself, the responder that it authorised, or one that it did not. */
export type ResponderRole = keyof typeof responderPaths;

/** Makes the DER of an OCSPResponse. @throws nothing for a question that was parsed. */
export type Answers = (role: ResponderRole, question: OcspQuestion) => Buffer;

/** An OCSP responder over HTTP GET and POST on 127.0.0.1. RFC 6960 A.1. */
export interface Responder extends Listening {
  /** What it answers; until then it says tryLater. */
  serve(answers: Answers): void;
}

/** Starts listening before there is anything to answer: certificates have to name the port. @throws the listening error. */
export async function startResponder(port: number): Promise<Responder> {
  let answers: Answers | undefined;
  const server = createServer((incoming, response) => {
    void reply(incoming, answers).then((body) => {
      response.writeHead(200, { 'content-type': 'application/ocsp-response', 'content-length': body.length });
      response.end(body);
    });
  });
  const listening = await listen(server, port);
  return {
    ...listening,
    serve(next) {
      answers = next;
    },
  };
}

/** What the demo's responder knows: its CA's clients but one are good, one is revoked since yesterday. */
export function answersOf(
  pki: DemoPki,
  options: { readonly wallMs: () => number; readonly everythingIsGood: boolean },
): Answers {
  const revokedAtMs = options.wallMs() - dayMs;
  const issuer = pki.issuing.certificate;
  const known = new Map<string, AnswerSingle['status']>();
  for (const { name, identity } of pki.clients) {
    // A CA's books have what it issued; one certificate was left out of them.
    if (identity === undefined || name === 'unknown' || !identity.certificate.isIssuedBy(issuer)) continue;
    const status =
      name === 'revoked'
        ? ({ kind: 'revoked', atMs: revokedAtMs, reason: 'keyCompromise' } as const)
        : ({ kind: 'good' } as const);
    for (const id of certIdsOf(identity.certificate, issuer)) known.set(id, status);
  }
  return (role, question) => {
    const nowMs = options.wallMs();
    const signer = role === 'ca' ? pki.issuing : pki[role];
    return buildOcspResponse({
      signer,
      // The issuer is known to who asks; everybody else has to show a certificate.
      certificates: role === 'ca' ? [] : [signer.certificate],
      producedAtMs: nowMs,
      nonce: question.nonce,
      singles: question.ids.map((id) => ({
        certId: id.der,
        target: { issuerName: issuer.subject.der, serial: id.serial },
        issuer,
        status: options.everythingIsGood
          ? { kind: 'good' }
          : (known.get(id.der.toString('hex')) ?? { kind: 'unknown' }),
        thisUpdateMs: nowMs,
        nextUpdateMs: nowMs + hourMs,
      })),
    });
  };
}

async function reply(incoming: IncomingMessage, answers: Answers | undefined): Promise<Buffer> {
  if (answers === undefined) {
    incoming.resume();
    return buildOcspError('tryLater');
  }
  try {
    const target = incoming.url ?? '/';
    const role = roleOf(target);
    const path = responderPaths[role];
    const asked =
      incoming.method === 'POST'
        ? await bodyOf(incoming)
        : Buffer.from(decodeURIComponent(target.slice(path.length).replace(/^\//, '')), 'base64');
    return answers(role, parseOcspRequest(asked));
  } catch (error) {
    return buildOcspError(
      error instanceof OcspMalformed || error instanceof URIError ? 'malformedRequest' : 'internalError',
    );
  }
}

function roleOf(target: string): ResponderRole {
  if (target === responderPaths.delegate || target.startsWith(`${responderPaths.delegate}/`)) return 'delegate';
  if (target === responderPaths.impostor || target.startsWith(`${responderPaths.impostor}/`)) return 'impostor';
  return 'ca';
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of incoming) {
    const bytes = Buffer.from(part);
    length += bytes.length;
    if (length > maxRequestBytes) throw new OcspMalformed(`OCSP request of more than ${maxRequestBytes} bytes`);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/** As clients write them: over SHA-1 and SHA-256. */
function certIdsOf(certificate: Certificate, issuer: Certificate): string[] {
  return (['sha1', 'sha256'] as const).map((hash) => certId(targetOf(certificate), issuer, hash).toString('hex'));
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const maxRequestBytes = 10_000;
