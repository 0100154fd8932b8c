import { createHash } from 'node:crypto';
import type { RevocationChecker } from '../crl/revocation.ts';
import { boundedCache } from '../ocsp/bounded-cache.ts';
import { type RevocationStatus, unasked } from '../ocsp/status.ts';
import type { AskedRevocation, PodPolicy } from '../policy/policy.ts';
import { profilesOf } from '../policy/profiles.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import type { Answer, Ask } from './messages.ts';
import { revocationDigest } from './remote-checker.ts';

interface Question extends Omit<Ask, 'certificate' | 'issuer'> {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

/**
 * The owner's side of all questions about certificates: the one checker is asked, so that a responder hears of a
 * certificate once and not once a worker, and what it says goes to all workers.
 */
export class Answers {
  readonly #checker: RevocationChecker;
  readonly #send: (answer: Answer) => void;
  readonly #certificates = boundedCache<Certificate>(maxCertificates);
  /** By the certificate's SHA-256, then by key: who has to hear of news. */
  readonly #questions = boundedCache<Map<string, Question>>(maxCertificates);
  #revocations = new Map<string, AskedRevocation>();

  /** `send` reaches every worker. */
  constructor(checker: RevocationChecker, send: (answer: Answer) => void) {
    this.#checker = checker;
    this.#send = send;
  }

  /** Settings of these policies, and no others, may be asked under. */
  know(policies: readonly PodPolicy[]): void {
    const settings = policies
      .flatMap(profilesOf)
      .flatMap(({ clientAuth }) =>
        (clientAuth.mode === 'Strict' || clientAuth.mode === 'Optional') && clientAuth.revocation.kind !== 'none'
          ? [clientAuth.revocation]
          : [],
      );
    this.#revocations = new Map(settings.map((revocation) => [revocationDigest(revocation), revocation]));
  }

  /** Answers one worker, and tells all. Never throws. */
  ask(ask: Ask): void {
    let question: Question;
    try {
      question = { ...ask, certificate: this.#read(ask.certificate), issuer: this.#read(ask.issuer) };
    } catch {
      // It was read in the worker: nobody passes by whatever this is.
      const certificate = createHash('sha256').update(ask.certificate).digest('hex');
      this.#send({
        ...{ kind: 'answer', certificate, lists: false, status: unasked },
        subject: ask.subject,
        key: ask.key,
      });
      return;
    }
    const { sha256 } = question.certificate;
    const known = this.#questions.get(sha256) ?? new Map<string, Question>();
    known.set(question.key, question);
    this.#questions.set(sha256, known);
    this.#answer(question);
  }

  /** There is news of a certificate that no worker waits for. */
  refreshed({ sha256 }: Pick<Certificate, 'sha256'>): void {
    const known = this.#questions.get(sha256);
    for (const [key, question] of known ?? []) {
      if (this.#revocations.has(question.revocation)) this.#answer(question);
      else known?.delete(key);
    }
  }

  #answer({ subject, key, certificate, issuer, revocation }: Question): void {
    const settings = this.#revocations.get(revocation);
    const send = (status: RevocationStatus) => {
      const lists = settings !== undefined && settings.kind !== 'ocsp';
      this.#send({ kind: 'answer', subject, key, certificate: certificate.sha256, lists, status });
    };
    // Settings of a policy that is gone: the worker has another by the time it hears this, and asks again.
    const status = settings === undefined ? unasked : this.#check(certificate, issuer, settings);
    if (status instanceof Promise) void status.then(send);
    else send(status);
  }

  /** The checker promises never to fail; should it, nobody passes by that, and no worker waits for ever. */
  #check(
    certificate: Certificate,
    issuer: Certificate,
    settings: AskedRevocation,
  ): RevocationStatus | Promise<RevocationStatus> {
    try {
      const status = this.#checker.check(certificate, issuer, settings);
      return status instanceof Promise ? status.catch(() => unasked) : status;
    } catch {
      return unasked;
    }
  }

  /** The same object for the same certificate: what the checker knows of it hangs on that. */
  #read(der: Uint8Array): Certificate {
    const key = createHash('sha256').update(der).digest('base64');
    const known = this.#certificates.get(key);
    if (known !== undefined) return known;
    const certificate = parseCertificate(Buffer.from(der));
    this.#certificates.set(key, certificate);
    return certificate;
  }
}

const maxCertificates = 20_000;
