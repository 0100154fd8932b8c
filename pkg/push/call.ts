import { Metadata, type ServerDuplexStream, status } from '@grpc/grpc-js';

/** A stream as the server sees it, of message bytes. */
export type Call = ServerDuplexStream<Buffer, Buffer>;

/** The bearer token that a stream begins with. Undefined: none, or two. RFC 6750 2.1. */
export function bearerToken(call: Call): string | undefined {
  const [value, ...others] = call.metadata.get('authorization');
  if (typeof value !== 'string' || others.length > 0) return undefined;
  return /^Bearer ([\x21-\x7e]{1,16384})$/i.exec(value)?.[1];
}

/** Tells the caller that it is who it says, before there is anything to send. */
export function sendHead(call: Call): void {
  call.sendMetadata(new Metadata());
}

/** Ends a stream with a gRPC status. The details go to the caller. */
export function endCall(call: Call, code: keyof typeof status, details: string): void {
  if (code === 'OK') call.end();
  else call.emit('error', { code: status[code], details });
}

/** The status an authentication's failure has for the caller; what is not known to be a denial is none. */
export function authenticationStatus(error: unknown): {
  readonly code: 'PERMISSION_DENIED' | 'UNAUTHENTICATED' | 'UNAVAILABLE';
  readonly details: string;
} {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const message = error instanceof Error ? error.message : '';
  if (code === 'UNAUTHENTICATED' || code === 'PERMISSION_DENIED') return { code, details: message };
  return { code: 'UNAVAILABLE', details: 'the token cannot be checked now' };
}
