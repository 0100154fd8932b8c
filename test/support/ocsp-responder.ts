import type { KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { parseOcspRequest } from '../../pkg/ocsp/read-request.ts';
import { certId } from '../../pkg/ocsp/request.ts';
import { type AnswerRequest, type AnswerSingle, buildOcspError, buildOcspResponse } from '../../pkg/ocsp/respond.ts';
import type { Certificate } from '../../pkg/x509/certificate.ts';

/** What a responder does instead of answering properly. */
export type ResponderFault =
  | 'answersNothing'
  | 'contentEncodingGzip'
  | 'contentTypeHtml'
  | 'drips'
  | 'endlessBody'
  | 'garbage'
  | 'getNotAllowed'
  | 'hangsAfterHead'
  | 'internalError'
  | 'malformedRequest'
  | 'oversize'
  | 'redirectsToMetadata'
  | 'resets'
  | 'sigRequired'
  | 'status204'
  | 'status404'
  | 'status500'
  | 'truncates'
  | 'tryLater'
  | 'unauthorized'
  | 'undefinedStatus';

/** Verdict by upper-case hexadecimal serial (Certificate.serialHex); a serial that is not in it is unknown. */
export type VerdictTable = Map<string, AnswerSingle['status']>;

export interface TestResponder {
  readonly url: string;
  readonly port: number;
  /** Change them at run time. */
  readonly verdicts: VerdictTable;
  fault: ResponderFault | undefined;
  /** Only SHA-1 CertIDs are understood; others get `unauthorized`. */
  sha1Only: boolean;
  /** Changes an answer just before it is signed. */
  alter: ((answer: AnswerRequest) => AnswerRequest) | undefined;
  /** Answers with these bytes whatever is asked: a replay. */
  replay: Buffer | undefined;
  /** Waits for it before each answer. */
  delay: (() => Promise<void>) | undefined;
  /** Questions received so far, and the newest answer. */
  readonly requests: { method: string; path: string; body: Buffer }[];
  lastAnswer: Buffer | undefined;
  close(): Promise<void>;
}

export interface ResponderOptions {
  readonly issuer: Certificate;
  readonly signer: { readonly certificate: Certificate; readonly key: KeyObject };
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number;
  /** An hour unless given; undefined leaves nextUpdate out. */
  readonly nextUpdateInMs?: number | undefined;
  readonly port?: number;
  /** By https with this certificate and key. */
  readonly tls?: ServerOptions;
}

/** Starts an OCSP responder on 127.0.0.1 that knows one CA, by GET and POST, and can be told to misbehave. */
export async function startOcspResponder(options: ResponderOptions): Promise<TestResponder> {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void collect(request).then((body) => serve(request, response, body));
  };
  const server = options.tls === undefined ? createServer(onRequest) : createSecureServer(options.tls, onRequest);

  async function serve(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const path = request.url ?? '/';
    responder.requests.push({ method: request.method ?? '', path, body });
    await responder.delay?.();
    const asked =
      request.method === 'GET' ? Buffer.from(decodeURIComponent(path.split('/').at(-1) ?? ''), 'base64') : body;
    misbehave(responder.fault, request, response, () => {
      responder.lastAnswer = answer(asked);
      return responder.lastAnswer;
    });
  }

  function answer(asked: Buffer): Buffer {
    if (responder.replay !== undefined) return responder.replay;
    const question = parseOcspRequest(asked);
    const nowMs = options.now();
    const lifeMs = 'nextUpdateInMs' in options ? options.nextUpdateInMs : 3_600_000;
    const foreign = question.ids.some(({ der: id, serial, hashOid }) => {
      const hash = hashOid === '1.3.14.3.2.26' ? 'sha1' : 'sha256';
      if (responder.sha1Only && hash !== 'sha1') return true;
      return !id.equals(certId({ issuerName: options.issuer.subject.der, serial }, options.issuer, hash));
    });
    if (foreign) return buildOcspError('unauthorized');
    const singles = question.ids.map(
      ({ der: id, serial }): AnswerSingle => ({
        target: { issuerName: options.issuer.subject.der, serial },
        issuer: options.issuer,
        certId: id,
        status: responder.verdicts.get(hexOf(serial)) ?? { kind: 'unknown' },
        thisUpdateMs: nowMs,
        nextUpdateMs: lifeMs === undefined ? undefined : nowMs + lifeMs,
      }),
    );
    const isDelegate = !options.signer.certificate.der.equals(options.issuer.der);
    const plain: AnswerRequest = {
      singles,
      signer: options.signer,
      producedAtMs: nowMs,
      nonce: question.nonce,
      certificates: isDelegate ? [options.signer.certificate] : [],
    };
    return buildOcspResponse(responder.alter?.(plain) ?? plain);
  }

  await new Promise<void>((listening) => server.listen(options.port ?? 0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const responder: TestResponder = {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`,
    port,
    verdicts: new Map(),
    fault: undefined,
    sha1Only: false,
    alter: undefined,
    replay: undefined,
    delay: undefined,
    requests: [],
    lastAnswer: undefined,
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
  return responder;
}

function misbehave(
  fault: ResponderFault | undefined,
  { method }: IncomingMessage,
  response: ServerResponse,
  answer: () => Buffer,
): void {
  const type = { 'content-type': 'application/ocsp-response' };
  const send = (status: number, headers: Record<string, string>, body: Buffer) => {
    response.writeHead(status, { 'content-length': String(body.length), ...headers }).end(body);
  };
  switch (fault) {
    case undefined:
      return send(200, type, answer());
    case 'answersNothing':
      return;
    case 'contentEncodingGzip':
      return send(200, { ...type, 'content-encoding': 'gzip' }, gzipSync(answer()));
    case 'contentTypeHtml':
      return send(200, { 'content-type': 'text/html' }, answer());
    case 'drips': {
      response.writeHead(200, type);
      const timer = setInterval(() => response.write(Buffer.of(0x30)), 5);
      response.on('close', () => clearInterval(timer));
      return;
    }
    case 'endlessBody': {
      response.writeHead(200, type);
      const chunk = Buffer.alloc(16_384);
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', pour);
      };
      return pour();
    }
    case 'garbage':
      return send(200, type, Buffer.from('<html>welcome to the hotel</html>'));
    case 'getNotAllowed':
      return method === 'GET' ? send(405, { allow: 'POST' }, Buffer.alloc(0)) : send(200, type, answer());
    case 'hangsAfterHead':
      response.writeHead(200, { ...type, 'content-length': '1000' }).flushHeaders();
      return;
    case 'oversize':
      return send(200, type, Buffer.alloc(70_000));
    case 'redirectsToMetadata':
      return send(302, { location: 'http://169.254.169.254/latest/meta-data/' }, Buffer.alloc(0));
    case 'resets':
      response.socket?.resetAndDestroy();
      return;
    case 'status204':
      response.writeHead(204).end();
      return;
    case 'status404':
      return send(404, {}, answer());
    case 'status500':
      return send(500, {}, answer());
    case 'truncates':
      response.writeHead(200, { ...type, 'content-length': '1000' });
      response.write(answer().subarray(0, 100), () => response.destroy());
      return;
    case 'undefinedStatus':
      return send(200, type, buildOcspError(4));
    case 'internalError':
    case 'malformedRequest':
    case 'sigRequired':
    case 'tryLater':
    case 'unauthorized':
      return send(200, type, buildOcspError(fault));
  }
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function hexOf(serial: Buffer): string {
  return (serial.length > 1 && serial[0] === 0 ? serial.subarray(1) : serial).toString('hex').toUpperCase();
}
