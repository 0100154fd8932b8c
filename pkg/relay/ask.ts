import { askHttp } from './http-question.ts';
import { connectLoopback } from './loopback.ts';
import type { RelayProbe } from './probe.ts';

/**
 * Asks the application on loopback once, within the kubelet's own time limit less a margin.
 * @returns a status that the kubelet reads as the application's own: a redirect that leads elsewhere is a success to it
 * (200), 502 is no proper answer, 503 a health service that does not serve, 504 no answer in time. Never rejects.
 */
export async function ask(probe: RelayProbe, onFault: (fault: string) => void): Promise<number> {
  const limitMs = Math.max(1, probe.timeoutMs - Math.min(probe.timeoutMs / 10, marginMs));
  const signal = AbortSignal.timeout(Math.ceil(limitMs));
  try {
    return await Promise.race([question(probe, signal), aborted(signal)]);
  } catch (error) {
    onFault(error instanceof Error ? error.message : String(error));
    return signal.aborted ? 504 : 502;
  }
}

async function question(probe: RelayProbe, signal: AbortSignal): Promise<number> {
  switch (probe.kind) {
    case 'httpGet': {
      const status = await askHttp(probe, signal);
      if (status < 200 || status > 599) return 502;
      return status >= 300 && status < 400 ? 200 : status;
    }
    case 'tcpSocket': {
      const socket = await connectLoopback(probe.port, signal);
      socket.destroy();
      return 200;
    }
    case 'grpc': {
      // Only pods with such a probe pay for it.
      const { askGrpc } = await import('./grpc-question.ts');
      return (await askGrpc(probe, signal)) ? 200 : 503;
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
  });
}

/** For the way back to the kubelet, which counts from its own beginning. */
const marginMs = 200;
