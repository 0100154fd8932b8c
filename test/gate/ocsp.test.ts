import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import { parseOcspRequest } from '../../pkg/ocsp/read-request.ts';
import type { ManualClock } from '../support/gate.ts';
import { startOcspResponder, type TestResponder } from '../support/ocsp-responder.ts';
import { type Identity, makeAuthority, testKey } from '../support/pki.ts';
import {
  configMapText,
  type ManifestsGate,
  type ManifestsOptions,
  type SpecText,
  testFields,
} from '../support/profile.ts';
import { get, pki } from '../support/talk.ts';

/* What each OCSP setting of an SslProfile does, seen by clients and by a responder, through the real checker. */

const nowMs = Date.now();
const hourMs = 3_600_000;
const issuer = pki.intermediate;
const other = makeAuthority('rsa-ca', 'CN=RSA CA,O=Lychgate', nowMs, undefined, { key: testKey('rsa-ca', 2048) });

/** Set anew by every question: the clock that answers are made by is that of the gate which asks. */
let now = () => nowMs;
const [responder, second, ofRsa] = await Promise.all([
  startOcspResponder({ issuer: issuer.certificate, signer: issuer, now: () => now() }),
  startOcspResponder({ issuer: issuer.certificate, signer: issuer, now: () => now(), nextUpdateInMs: 48 * hourMs }),
  startOcspResponder({ issuer: other.certificate, signer: other, now: () => now() }),
]);
after(() => Promise.all([responder, second, ofRsa].map((one) => one.close())));

/** A client of the issuer, with the responder in its AIA unless told otherwise. */
function clientOf(serial: number, url: string | undefined = responder.url): Identity {
  return issuer.issue({
    subject: 'CN=asked',
    serial: Buffer.of(0x51, serial),
    ...(url === '' ? {} : { ocspUrls: [url] }),
  });
}

const asked = clientOf(1);
const withoutAia = clientOf(2, '');
const ofSecond = clientOf(3, second.url);
const ofRsaCa = other.issue({ subject: 'CN=asked', serial: Buffer.of(0x51, 4), ocspUrls: [ofRsa.url] });

const options: ManifestsOptions = {
  names: { responder: responder.url },
  revocation: (clock: ManualClock) => {
    now = () => clock.wallMs();
    const checker = createOcspChecker({
      now,
      monotonicNow: () => clock.monotonicMs(),
      lookup: () => Promise.reject(new Error('no name may be looked up')),
      random: (bytes) => randomBytes(bytes),
    });
    return { check: (certificate, its, asked) => checker.check(certificate, its, asked.ocsp) };
  },
};

function ocsp(text = ''): SpecText {
  const more = text === '' ? '' : `, ${text}`;
  return { clientAuthConfiguration: `{ocsp: {allowInternalAddresses: [127.0.0.1/32]${more}}}` };
}

/** Asks with every responder as it should be, but for what `prepare` does to them; both forget what they were asked. */
function whileResponder(
  prepare: (first: TestResponder) => void,
  question: (gate: ManifestsGate) => Promise<string>,
): (gate: ManifestsGate) => Promise<string> {
  return async (gate) => {
    for (const one of [responder, second, ofRsa]) {
      Object.assign(one, { fault: undefined, alter: undefined, delay: undefined });
      one.requests.length = 0;
      for (const { certificate } of [asked, withoutAia, ofSecond, ofRsaCa]) {
        one.verdicts.set(certificate.serialHex, { kind: 'good' });
      }
    }
    prepare(responder);
    return question(gate);
  };
}

const plain = () => {};
const outcomeOfAsked = ({ outcome }: ManifestsGate) => outcome({ identity: asked });

testFields([
  {
    name: 'verifyClientRevocation: None lets a revoked certificate pass and asks nobody',
    options,
    specs: ['OCSP', 'None'].map((kind) => ({
      clientAuthConfiguration: `{verifyClientRevocation: ${kind}, ocsp: {allowInternalAddresses: [127.0.0.1/32]}}`,
    })),
    question: whileResponder(
      ({ verdicts }) => verdicts.set(asked.certificate.serialHex, { kind: 'revoked', atMs: nowMs - hourMs }),
      async (gate) => `${await outcomeOfAsked(gate)}, asked ${responder.requests.length}`,
    ),
    want: ['400 Revoked, asked 1', '200, asked 0'],
  },
  {
    name: 'ocsp.responder.url is asked about a certificate that names no responder',
    options,
    specs: [ocsp(), ocsp('responder: {url: "$responder"}')],
    question: whileResponder(plain, async ({ outcome }) => {
      const got = await outcome({ identity: withoutAia });
      return `${got}, asked ${responder.requests.length}`;
    }),
    want: ['400 ResponderMissing, asked 0', '200, asked 1'],
  },
  {
    name: 'ocsp.responder.use: Override asks the configured responder though the certificate names one',
    options,
    specs: ['Fallback', 'Override'].map((use) => ocsp(`responder: {url: "$responder", use: ${use}}`)),
    question: whileResponder(
      ({ verdicts }) => verdicts.set(ofSecond.certificate.serialHex, { kind: 'revoked', atMs: nowMs - hourMs }),
      async ({ outcome }) => {
        const got = await outcome({ identity: ofSecond });
        return `${got}, asked ${responder.requests.length} and ${second.requests.length}`;
      },
    ),
    want: ['200, asked 0 and 1', '400 Revoked, asked 1 and 0'],
  },
  {
    name: 'ocsp.timeout is how long an answer is waited for',
    options,
    specs: [ocsp('timeout: 50ms'), ocsp('timeout: 30s')],
    question: whileResponder((first) => {
      first.delay = () => new Promise((resolve) => setTimeout(resolve, 500));
    }, outcomeOfAsked),
    want: ['400 RevocationUnavailable', '200'],
  },
  {
    name: 'ocsp.maxAge is after how long a certificate is asked about again',
    options,
    specs: [ocsp('maxAge: 30s'), ocsp('maxAge: 10m')],
    question: whileResponder(plain, async (gate) => {
      const talk = await gate.connect({ identity: asked });
      const answers: string[] = [];
      for (let i = 0; i < 2; i += 1) {
        if (i > 0) gate.clock.advance(60_000);
        talk.send(get('/'));
        answers.push((await talk.take('\r\n\r\nok')).slice(9, 12));
      }
      return `${answers.join()}, asked ${responder.requests.length}`;
    }),
    want: ['200,200, asked 2', '200,200, asked 1'],
  },
  {
    name: 'ocsp.clockSkew is how far ahead the clock of the responder may be',
    options,
    specs: [ocsp(), ocsp('clockSkew: 10s')],
    question: whileResponder((first) => {
      first.alter = (answer) => ({
        ...answer,
        singles: answer.singles.map((single) => ({ ...single, thisUpdateMs: single.thisUpdateMs + 60_000 })),
      });
    }, outcomeOfAsked),
    want: ['200', '400 RevocationUnavailable'],
  },
  {
    name: 'ocsp.nonce decides whether one is sent and whether it must come back',
    options,
    specs: ['Off', 'Optional', 'Required'].map((word) => ocsp(`nonce: ${word}`)),
    question: whileResponder(
      (first) => {
        first.alter = (answer) => ({ ...answer, nonce: undefined });
      },
      async (gate) => {
        const got = await outcomeOfAsked(gate);
        return `${got}, ${questionAsked().nonce === undefined ? 'not sent' : 'sent'}`;
      },
    ),
    want: ['200, not sent', '200, sent', '400 RevocationUnavailable, sent'],
  },
  {
    name: 'ocsp.certIdHash is the hash by which the responder is asked',
    options,
    specs: [ocsp(), ocsp('certIdHash: SHA1')],
    question: whileResponder(plain, async (gate) => {
      const got = await outcomeOfAsked(gate);
      return `${got}, ${questionAsked().ids[0]?.hashOid}`;
    }),
    want: ['200, 2.16.840.1.101.3.4.2.1', '200, 1.3.14.3.2.26'],
  },
  {
    name: 'ocsp.onMissingResponder: Allow lets a certificate pass that names no responder',
    options,
    specs: [ocsp(), ocsp('onMissingResponder: Allow')],
    question: whileResponder(plain, ({ outcome }) => outcome({ identity: withoutAia })),
    want: ['400 ResponderMissing', '200'],
  },
  {
    name: 'ocsp.onUnavailable: Allow lets a certificate pass whose responder is down, and none whose answer is bad',
    options,
    specs: [ocsp(), ocsp('onUnavailable: Allow')],
    question: whileResponder(
      (first) => {
        first.fault = 'status500';
        second.fault = 'garbage';
      },
      async ({ outcome }) => `${await outcome({ identity: asked })}, ${await outcome({ identity: ofSecond })}`,
    ),
    want: ['400 RevocationUnavailable, 400 RevocationUnavailable', '200, 400 RevocationUnavailable'],
  },
  {
    name: 'ocsp.responderAllowList names the only responders that are asked',
    options,
    specs: [ocsp(), ocsp('responderAllowList: [ocsp.example.test]'), ocsp('responderAllowList: ["127.0.0.1"]')],
    question: whileResponder(plain, async (gate) => {
      const got = await outcomeOfAsked(gate);
      return `${got}, asked ${responder.requests.length}`;
    }),
    want: ['200, asked 1', '400 RevocationUnavailable, asked 0', '200, asked 1'],
  },
  {
    name: 'ocsp.allowInternalAddresses names the addresses that are not public and yet asked',
    options,
    specs: [
      { clientAuthConfiguration: '{}' },
      { clientAuthConfiguration: '{ocsp: {allowInternalAddresses: [10.0.0.0/8]}}' },
      { clientAuthConfiguration: '{ocsp: {allowInternalAddresses: ["127.0.0.1"]}}' },
    ],
    question: whileResponder(plain, async (gate) => {
      const got = await outcomeOfAsked(gate);
      return `${got}, asked ${responder.requests.length}`;
    }),
    want: ['400 RevocationUnavailable, asked 0', '400 RevocationUnavailable, asked 0', '200, asked 1'],
  },
  {
    name: 'ocsp.maxAgeWithoutNextUpdate is how long an answer without nextUpdate counts',
    options,
    specs: [ocsp(), ocsp('maxAgeWithoutNextUpdate: 30m'), ocsp('maxAgeWithoutNextUpdate: 2h')],
    question: whileResponder((first) => {
      first.alter = (answer) => ({
        ...answer,
        singles: answer.singles.map((single) => ({
          ...single,
          thisUpdateMs: single.thisUpdateMs - hourMs,
          nextUpdateMs: undefined,
        })),
      });
    }, outcomeOfAsked),
    want: ['400 RevocationUnavailable', '400 RevocationUnavailable', '200'],
  },
  {
    name: 'ocsp.maxResponseAge is how old an answer may be, however far its nextUpdate is',
    options,
    specs: [ocsp(), ocsp('maxResponseAge: 1h'), ocsp('maxResponseAge: 3h')],
    question: whileResponder((first) => {
      first.alter = (answer) => ({
        ...answer,
        singles: answer.singles.map((single) => ({ ...single, thisUpdateMs: single.thisUpdateMs - 2 * hourMs })),
      });
    }, outcomeOfAsked),
    want: ['200', '400 RevocationUnavailable', '200'],
  },
  {
    name: 'ocsp.sha1Signatures: Allow takes an answer that is signed with SHA-1',
    options: {
      ...options,
      spec: { trustedClientCertificates: '[{kind: ConfigMap, name: rsa-ca}]' },
      documents: [configMapText('rsa-ca', { 'ca.crt': other.certificate.pem })],
    },
    specs: [ocsp(), ocsp('sha1Signatures: Allow')],
    question: whileResponder(
      () => {
        ofRsa.alter = (answer) => ({ ...answer, hash: 'sha1' });
      },
      ({ outcome }) => outcome({ identity: ofRsaCa }),
    ),
    want: ['400 RevocationUnavailable', '200'],
  },
]);

/** What the responder was asked last, by GET or POST. */
function questionAsked(): ReturnType<typeof parseOcspRequest> {
  const last = responder.requests.at(-1);
  if (last === undefined) throw new Error('the responder was not asked');
  const inPath = Buffer.from(decodeURIComponent(last.path.split('/').at(-1) ?? ''), 'base64');
  return parseOcspRequest(last.method === 'GET' ? inPath : last.body);
}
