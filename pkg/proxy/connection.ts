import type { TLSSocket } from 'node:tls';
import { isAmbiguousPath, isPublic } from '../clientauth/public-paths.ts';
import type { Verdict } from '../clientauth/verdict.ts';
import type { Flood } from '../http2/flood.ts';
import type { VerifyingClientAuth } from '../policy/policy.ts';
import type { RejectReason } from '../policy/reason.ts';
import { noHeaderEdits } from '../rewrite/edits.ts';
import { type CertificateFacts, type ConnectionFacts, type RequestView, RewriteOverflow } from '../rewrite/rewrite.ts';
import type { Admission, Bound, Forward } from './admission.ts';
import { badRequestAnswer, misdirectedAnswer, refusedAnswer, rewriteOverflowAnswer } from './answer.ts';
import { createBack } from './back.ts';
import { CleanedFields } from './compose.ts';
import type { Deps } from './deps.ts';
import type { Back } from './exchange.ts';
import { hostOf } from './host.ts';
import { Judgement } from './judgement.ts';
import { PresentedBySocket } from './peer.ts';
import { RequestId } from './request-id.ts';
import type { CompiledListener, CompiledProfile, Snapshot } from './snapshot.ts';

/** A request as it came, with the names that its Connection field nominates. */
export type AdmissionRequest = RequestView & {
  readonly connectionTokens: readonly string[];
  /** Path and query in one, where they came so. */
  readonly target?: string | undefined;
};

/** A request that was forwarded for its certificate, and what that rested on. */
interface Accepted {
  readonly view: AdmissionRequest;
  readonly snapshot: Snapshot;
  readonly verdict: Verdict;
  readonly forward: Forward;
}

/** What the listener and the sweep ask of a front. */
export interface Front {
  /** The client is asked to leave by itself; what it still sends is served. */
  retire(): void;
  /** Finish what runs, take no new request; close when idle. */
  drain(): void;
  /** Nothing more goes either way: the client may not go on. */
  cut(): void;
  sweep(nowMs: number): void;
}

/**
 * One client connection after its handshake: whose profile it is, what its certificate is worth, and what every
 * request of it has in common. The only place that makes a Forward.
 */
export class Connection {
  readonly gate: Deps;
  readonly socket: TLSSocket;
  readonly facts: Omit<ConnectionFacts, 'certificate'>;
  readonly openedMs: number;
  readonly #port: number;
  readonly #judgement: Judgement;
  readonly #id: string;
  #requests = 0;
  #snapshot: Snapshot;
  #profile: CompiledProfile;
  #retired: Back[] = [];
  #bound: { readonly certificate: CertificateFacts; readonly bound: Bound } | undefined;
  #accepted: Accepted | undefined;
  readonly #cleaned = new CleanedFields();
  #front: Front | undefined;
  #back: Back | undefined;
  #retiring = false;
  #draining = false;
  #orphaned = false;
  #peerIsTrustedProxy: boolean;
  #tunnel = false;
  /** Something went on without an accepted certificate: by a public path, or under Report. */
  #unproven = false;
  #cutAtMs = 0;

  constructor(
    gate: Deps,
    snapshot: Snapshot,
    listener: CompiledListener,
    profile: CompiledProfile,
    socket: TLSSocket,
    tls: ConnectionFacts['tls'],
    id: string,
  ) {
    this.gate = gate;
    this.socket = socket;
    this.#snapshot = snapshot;
    this.#profile = profile;
    this.#port = listener.port;
    this.#id = id;
    this.openedMs = gate.clock.monotonicMs();
    const clientIp = plainAddress(socket.remoteAddress ?? '');
    this.facts = {
      clientIp,
      clientPort: socket.remotePort ?? 0,
      serverPort: listener.port,
      tls,
    };
    this.#peerIsTrustedProxy = profile.trustsProxy(clientIp);
    this.#judgement = new Judgement(gate.clock, new PresentedBySocket(socket), profile.judge);
  }

  get profile(): CompiledProfile {
    return this.#profile;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get peerIsTrustedProxy(): boolean {
    return this.#peerIsTrustedProxy;
  }

  get draining(): boolean {
    return this.#draining;
  }

  now(): number {
    return this.gate.clock.monotonicMs();
  }

  nextRequestId(): RequestId {
    this.#requests += 1;
    return new RequestId(this.#id, this.#requests);
  }

  attach(front: Front): void {
    this.#front = front;
    if (this.#retiring) front.retire();
  }

  /** The application's side: sockets that belong to this connection only. */
  back(): Back {
    this.#back ??= createBack(this.#profile.target, () => this.now());
    return this.#back;
  }

  /**
   * Decides over one request. Nothing is forwarded but by a Forward from here. The same view (which never changes) under
   * the same verdict and snapshot has the same Forward: rules look at nothing else.
   */
  admit(view: AdmissionRequest): Admission | Promise<Admission> {
    const last = this.#accepted;
    if (last !== undefined && last.view === view && this.#isInForce(last)) return last.forward;
    const listener = this.#snapshot.listeners.get(this.#port);
    if (this.#orphaned) return this.#orphan();
    if (listener?.profileFor(hostOf(view.authority)) !== this.#profile) {
      this.gate.metrics.misdirected.inc();
      return { kind: 'answer', answer: misdirectedAnswer() };
    }
    const auth = this.#profile.policy.clientAuth;
    if (auth.mode === 'Off') return this.#forward(view, { kind: 'none' }, undefined);
    if (auth.mode === 'Passthrough') {
      const presented = this.#judgement.certificate;
      return this.#forward(
        view,
        presented === undefined ? { kind: 'none' } : { kind: 'unverified', certificate: presented },
        undefined,
      );
    }
    if (auth.publicPaths.length > 0 && isAmbiguousPath(view.path)) {
      return { kind: 'answer', answer: badRequestAnswer('the path can be read in more than one way') };
    }
    const verdict = this.#judgement.current();
    if (!(verdict instanceof Promise)) return this.#decide(view, auth, verdict);
    const { snapshot } = this;
    // A policy that came while the question was asked decides anew: the old one's word may be withdrawn.
    return verdict.then((settled) =>
      this.snapshot === snapshot ? this.#decide(view, auth, settled) : this.admit(view),
    );
  }

  /** Whether a request that was admitted would be again; the verdict is asked anew where it no longer holds. */
  #isInForce({ snapshot, verdict }: Accepted): boolean {
    return snapshot === this.#snapshot && verdict === this.#judgement.current();
  }

  /** Its profile was deleted, or its server name belongs to another: nothing of this connection is trusted any more. */
  #orphan(): Admission {
    const auth = this.#profile.policy.clientAuth;
    if (auth.mode === 'Off' || auth.mode === 'Passthrough') return { kind: 'answer', answer: misdirectedAnswer() };
    return this.#refuse(auth, 'TrustWithdrawn', 'the profile of this connection is no longer in force');
  }

  #decide(view: AdmissionRequest, auth: VerifyingClientAuth, verdict: Verdict): Admission {
    switch (verdict.kind) {
      case 'accept': {
        const { path, revocation } = verdict;
        const admission = this.#forward(view, { kind: 'accepted', path, revocation }, undefined);
        if (admission.kind === 'forward') {
          this.#accepted = { view, snapshot: this.#snapshot, verdict, forward: admission };
        }
        return admission;
      }
      case 'none':
        return this.#forward(view, { kind: 'none' }, undefined);
      case 'refuse': {
        if (verdict.reason === 'NoCertificate' && isPublic(view.path, auth.publicPaths)) {
          this.#unproven = true;
          const admission = this.#forward(view, { kind: 'none' }, undefined);
          // A rule may not lead from a public path to one that is not.
          if (admission.kind === 'answer' || isPublicTarget(admission.target, auth)) return admission;
        }
        if (auth.enforcement === 'Report') {
          this.#unproven = true;
          return this.#forward(view, { kind: 'failed', reason: verdict.reason }, verdict.reason);
        }
        return this.#refuse(auth, verdict.reason, verdict.detail);
      }
    }
  }

  #refuse(auth: VerifyingClientAuth, reason: RejectReason, detail: string): Admission {
    return { kind: 'answer', answer: refusedAnswer(auth.refusal, reason, detail), refused: { reason, detail } };
  }

  #forward(view: AdmissionRequest, certificate: CertificateFacts, reported: RejectReason | undefined): Admission {
    try {
      const bound = this.#bind(certificate);
      const { rewrite } = bound;
      const looksAtRequest = rewrite.constant === undefined || rewrite.hasResponse;
      const fields = looksAtRequest ? this.#cleaned.of(this, view) : view.fields;
      const { edits, response } = rewrite.request(looksAtRequest ? { ...view, fields } : view);
      const { remove, set } = rewrite.constant === undefined ? edits : noHeaderEdits;
      return {
        kind: 'forward',
        bound,
        fields,
        target: targetOf(view, edits.path, edits.query),
        remove,
        set,
        response: rewrite.hasResponse ? response : undefined,
        reported,
      };
    } catch (error) {
      if (!(error instanceof RewriteOverflow)) throw error;
      this.gate.log.warn('request not forwarded: a rewritten value would not be valid', {
        profile: this.#profile.id,
        detail: error.message,
      });
      return { kind: 'answer', answer: rewriteOverflowAnswer() };
    }
  }

  /** Evaluated again only when what is known of the certificate changes. */
  #bind(certificate: CertificateFacts): Bound {
    const before = this.#bound;
    if (before !== undefined && isSameOf(before.certificate, certificate)) return before.bound;
    const bound = this.#profile.bounds.of({ ...this.facts, certificate }, this.peerIsTrustedProxy);
    this.#bound = { certificate, bound };
    return bound;
  }

  /** Lets go of what is only kept to be quick. */
  forget(): void {
    this.#accepted = undefined;
    this.#bound = undefined;
    this.#cleaned.forget();
  }

  verdictKind(): Judgement['kind'] {
    return this.#judgement.kind;
  }

  /** Who presented what, and who vouched for it, for the audit log. */
  identity(): {
    readonly subject?: string;
    readonly issuer?: string;
    readonly serial?: string;
    readonly spkiSha256?: string;
    readonly responder?: string | undefined;
  } {
    const leaf = this.#judgement.certificate;
    if (leaf === undefined) return {};
    return {
      subject: leaf.subject.text,
      issuer: leaf.issuer.text,
      serial: leaf.serialHex,
      spkiSha256: leaf.spkiSha256,
      responder: this.#judgement.responder,
    };
  }

  // --- policies change

  /**
   * A new policy is in force. What can be judged again in place goes on; where the CA set, the mode or the name's
   * profile changed, the connection ends: Node keeps the handshake's own verification for a live socket.
   */
  renew(snapshot: Snapshot): void {
    const before = this.#profile;
    this.#snapshot = snapshot;
    const profile = snapshot.listeners.get(this.#port)?.profileFor(this.facts.tls.serverName);
    if (profile === undefined || profile.id !== before.id) {
      // No request of this connection has a profile any more; what runs has a moment.
      this.#orphaned = true;
      this.#end();
      return;
    }
    this.#profile = profile;
    this.#peerIsTrustedProxy = profile.trustsProxy(this.facts.clientIp);
    this.forget();
    if (JSON.stringify(profile.policy.backend) !== JSON.stringify(before.policy.backend)) {
      if (this.#back !== undefined) this.#retired.push(this.#back);
      this.#back?.retire();
      this.#back = undefined;
    }
    this.#judgement.renew(profile.judge);
    // What a policy let go on without a certificate ends with the permission: no verdict would ever end it.
    if (profile.identity !== before.identity || (this.#unproven && permission(profile) !== permission(before)))
      this.#end();
  }

  /** Drains; whatever still runs after a moment is cut. */
  #end(): void {
    this.#cutAtMs = this.now() + withdrawalMs;
    this.drain();
  }

  /** See Gate. */
  doubt(certificateSha256: string): void {
    this.#judgement.doubt(certificateSha256);
  }

  /** The gate will end soon: see Front. */
  retire(): void {
    if (this.#retiring) return;
    this.#retiring = true;
    this.#front?.retire();
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#front?.drain();
  }

  becameTunnel(): void {
    this.#tunnel = true;
    if (this.#draining) this.#cutAtMs = this.now() + withdrawalMs;
  }

  /** Ends at once: shutdown's last word. */
  destroy(): void {
    this.#front?.cut();
    this.socket.destroy();
  }

  closed(): void {
    for (const back of this.#retired) back.close();
    this.#back?.close();
    this.#back = undefined;
  }

  countClosed(cause: Flood | 'age' | 'client-not-reading' | 'idle' | 'protocol' | 'verdict'): void {
    this.gate.metrics.closed.inc({ cause });
  }

  /** A mistake of this program ends the connection that showed it, not the process. */
  fault(error: unknown): void {
    this.gate.log.error('connection closed: internal error', {
      profile: this.#profile.id,
      error: error instanceof Error ? error : String(error),
    });
    this.#front?.cut();
    this.socket.destroy();
  }

  countMalformed(status: number): void {
    this.gate.metrics.malformed.inc({ code: String(status) });
  }

  /** About once a second: time-outs, age, and whether the certificate is still good on a connection that asks nothing. */
  sweep(nowMs: number): void {
    this.#front?.sweep(nowMs);
    this.#back?.sweep(nowMs);
    for (const back of this.#retired) back.sweep(nowMs);
    const ageMs = this.#profile.policy.backend.timeouts.connectionAgeMs;
    if (ageMs > 0 && nowMs - this.openedMs > ageMs) {
      if (!this.#draining) this.countClosed('age');
      this.drain();
      if (this.#tunnel) this.#front?.cut();
    }
    if (this.#cutAtMs > 0 && nowMs >= this.#cutAtMs) {
      this.#front?.cut();
      return;
    }
    const verdict = this.#judgement.idle(nowMs);
    if (verdict?.kind === 'refuse') this.#endRefused(verdict);
  }

  /** The certificate is no longer accepted: what runs on this connection ends now, whatever it is. */
  #endRefused(verdict: Extract<Verdict, { kind: 'refuse' }>): void {
    const auth = this.#profile.policy.clientAuth;
    if ((auth.mode !== 'Strict' && auth.mode !== 'Optional') || auth.enforcement === 'Report') return;
    // A first refusal is for the request that is being answered with it.
    if (verdict.reason === 'NoCertificate' || !this.#judgement.everAccepted) return;
    if (verdict.reason === 'TrustWithdrawn') {
      // What began under the old trust may finish, for a moment.
      if (this.#cutAtMs === 0) this.#end();
      return;
    }
    this.countClosed('verdict');
    this.gate.log.info('connection closed: its client certificate is no longer accepted', {
      profile: this.#profile.id,
      reason: verdict.reason,
      detail: verdict.detail,
      ...this.identity(),
    });
    this.#front?.cut();
  }
}

/** Path and query as they go on; an undefined part stays as it came, an empty query is removed. */
function targetOf(view: AdmissionRequest, path: string | undefined, query: string | undefined): string {
  if (view.target !== undefined && path === undefined && query === undefined) return view.target;
  const finalPath = path ?? view.path;
  if (query === undefined) return view.query === undefined ? finalPath : `${finalPath}?${view.query}`;
  return query === '' ? finalPath : `${finalPath}?${query}`;
}

function isPublicTarget(target: string, auth: VerifyingClientAuth): boolean {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  return !isAmbiguousPath(path) && isPublic(path, auth.publicPaths);
}

/** What lets a request go on without an accepted certificate. */
function permission({ policy: { clientAuth } }: CompiledProfile): string {
  if (clientAuth.mode === 'Off' || clientAuth.mode === 'Passthrough') return '';
  return JSON.stringify([clientAuth.enforcement, clientAuth.publicPaths]);
}

/** Whether the same is known of the connection's certificate. */
function isSameOf(one: CertificateFacts, other: CertificateFacts): boolean {
  if (one.kind === 'accepted') return other.kind === 'accepted' && one.revocation === other.revocation;
  if (one.kind === 'failed') return other.kind === 'failed' && one.reason === other.reason;
  return one.kind === other.kind;
}

/** An IPv4 client on a dual-stack socket is written as IPv4. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** How long a request, a stream or a tunnel may still run after the trust under which it began was withdrawn. */
const withdrawalMs = 10_000;
