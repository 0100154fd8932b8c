import { createSecureContext } from 'node:tls';
import { ChannelCredentials, Client, type ClientDuplexStream, Metadata, type MethodDefinition } from '@grpc/grpc-js';
import { maxFromOperatorBytes, maxFromSidecarBytes } from './messages.ts';

export interface Target {
  /** `host:port`. */
  readonly address: string;
  /** PEM: the only authorities that count. */
  readonly caPem: string;
  /** What the certificate must be for, where that is not the address's host. */
  readonly serverName?: string;
  readonly token: string;
}

/** One stream with a connection of its own. */
export interface Dialled {
  readonly stream: ClientDuplexStream<Buffer, Buffer>;
  /** Ends the stream and the connection. */
  close(): void;
}

/**
 * Opens a stream over TLS 1.3. Whatever the environment says (proxies, public authorities) counts for nothing. Failures
 * come as the stream's status. @throws Error for an empty CA bundle or token, or one that is no PEM.
 */
export function dial(method: MethodDefinition<Buffer, Buffer>, target: Target): Dialled {
  const { address, serverName, token } = target;
  // Without a list the public authorities would count.
  if (!target.caPem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Error(`the CA bundle for ${address} has no certificate; it comes with the first start of the operator`);
  }
  const value = token.trim();
  if (!/^[\x21-\x7e]{1,16384}$/.test(value)) throw new Error('the token is empty or no bearer token');
  const secureContext = createSecureContext({ ca: target.caPem, minVersion: 'TLSv1.3' });
  const client = new Client(address, ChannelCredentials.createFromSecureContext(secureContext), {
    'grpc.max_receive_message_length': maxFromOperatorBytes,
    'grpc.max_send_message_length': maxFromSidecarBytes,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    // Every dial reads the CA and the token again, so no connection is shared and none is retried behind our back.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    ...(serverName === undefined
      ? {}
      : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
  });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${value}`);
  const { path, requestSerialize, responseDeserialize } = method;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  return {
    stream,
    close() {
      stream.cancel();
      client.close();
    },
  };
}
