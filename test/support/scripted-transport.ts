import type { RequestForm } from '../../pkg/ocsp/request.ts';
import type { Transport } from '../../pkg/ocsp/transport.ts';

/** A way to responders without a network: what `answer` gives is the body, or what came of asking. */
export interface ScriptedTransport extends Transport {
  /** Questions that have not been answered yet, and all there were. */
  readonly counts: { inFlight: number; mostInFlight: number; asked: number };
}

/** Makes one. The promise that `answer` gives is how long the responder takes. */
export function scriptedTransport(
  answer: (url: string, form: RequestForm, noCache: boolean) => Promise<Awaited<ReturnType<Transport['ask']>>>,
): ScriptedTransport {
  const counts = { inFlight: 0, mostInFlight: 0, asked: 0 };
  return {
    counts,
    ask: async ({ text }, _policy, form, { noCache }) => {
      counts.asked += 1;
      counts.inFlight += 1;
      counts.mostInFlight = Math.max(counts.mostInFlight, counts.inFlight);
      try {
        return await answer(text, form, noCache);
      } finally {
        counts.inFlight -= 1;
      }
    },
    breakers: { open: () => [] },
    limiter: { counts: () => ({ running: counts.inFlight, queued: 0 }) },
    close: () => {},
  };
}
