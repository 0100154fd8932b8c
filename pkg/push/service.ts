import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** A sidecar's stream: its own policy down, answers up. */
export const followMethod = method('/lychgate.push.v1.Push/Follow');

/** A replica's stream to the lease holder: what its sidecars say. */
export const reportMethod = method('/lychgate.push.v1.Replicas/Report');

/** Both streams as grpc-js registers them. Messages are JSON texts (messages.ts, replica-messages.ts), so there is no .proto. */
export const pushService = { follow: followMethod, report: reportMethod } satisfies ServiceDefinition;

/** Bytes are passed on as they are: what cannot be read is answered by us, not by gRPC's INTERNAL. */
function method(
  path: string,
): MethodDefinition<Buffer, Buffer> & { readonly requestStream: true; readonly responseStream: true } {
  const asIs = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}
