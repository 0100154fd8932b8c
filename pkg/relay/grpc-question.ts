import { Client, credentials, status } from '@grpc/grpc-js';
import { loopback, Unanswered } from './loopback.ts';
import type { RelayProbe } from './probe.ts';

/**
 * Asks grpc.health.v1 whether a service is served, without TLS, as the kubelet does (pkg/probe/grpc).
 * @returns true for SERVING. The time limit is `signal`'s. @throws Unanswered.
 */
export async function askGrpc(probe: GrpcProbe, signal: AbortSignal): Promise<boolean> {
  const [first, second] = loopback;
  try {
    return await check(`ipv4:${first}:${probe.port}`, probe, signal);
  } catch (error) {
    if (!(error instanceof NotConnected) || signal.aborted) throw error;
    return check(`ipv6:[${second}]:${probe.port}`, probe, signal);
  }
}

type GrpcProbe = Extract<RelayProbe, { kind: 'grpc' }>;

/** Nobody is there, which may be different on the other family. */
class NotConnected extends Unanswered {}

function check(target: string, probe: GrpcProbe, signal: AbortSignal): Promise<boolean> {
  const client = new Client(target, credentials.createInsecure(), {
    // A proxy of the environment has no business between two ends of loopback.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    // No connection is kept, and no back-off of one question is another's.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.primary_user_agent': 'kube-probe/lychgate',
    'grpc.default_authority': `127.0.0.1:${probe.port}`,
  });
  return new Promise<boolean>((resolve, reject) => {
    const call = client.makeUnaryRequest<string, number>(
      '/grpc.health.v1.Health/Check',
      encodeRequest,
      decodeStatus,
      probe.service,
      (error, value) => {
        if (error === null) resolve(value === serving);
        else if (error.code === status.UNAVAILABLE) reject(new NotConnected(error.message, { cause: error }));
        else reject(new Unanswered(error.message, { cause: error }));
      },
    );
    signal.addEventListener('abort', () => call.cancel(), { once: true });
  }).finally(() => client.close());
}

/** HealthCheckRequest {string service = 1}. An empty string is not written, as proto3 has it. */
function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service);
  return text.length === 0 ? text : Buffer.concat([Buffer.from([0x0a, ...varint(text.length)]), text]);
}

/** HealthCheckResponse {ServingStatus status = 1}; 0 where it is absent. Other fields are passed over. */
function decodeStatus(message: Buffer): number {
  let found = 0;
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = message[at] ?? 0x80;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('the health answer has a number that does not end');
  };
  while (at < message.length) {
    const key = readVarint();
    switch (key & 7) {
      case 0: {
        const value = readVarint();
        if (key >>> 3 === 1) found = value;
        break;
      }
      case 1:
        at += 8;
        break;
      case 2: {
        const length = readVarint();
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error(`the health answer has a field of wire type ${key & 7}`);
    }
  }
  if (at > message.length) throw new Error('the health answer is cut short');
  return found;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** ServingStatus.SERVING. */
const serving = 1;
const maxMessageBytes = 4096;
