import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ground } from './ground.ts';
import { mostConnections } from './machine.ts';

/** What a peer's configuration is made of: its own directory and port, and the ground it stands on. */
export type PeerValues = Ground & { readonly port: number };

/** A worker a core, certificates required, the PEM escaped into a header, connections to the application kept. */
export function nginxConfig(values: PeerValues, withHeader: boolean): string {
  const { setting, directory, pki, appPort, appSocket, port } = values;
  // Beside the clients': connections to the application, and what is being opened.
  const connections = mostConnections + 512;
  return `user root;
daemon off;
worker_processes ${setting.cores.each};
worker_rlimit_nofile ${connections + 64};
pid ${directory}/pid;
events { worker_connections ${connections}; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_max_body_size 0;
  upstream app {
    server ${appSocket === undefined ? `127.0.0.1:${appPort}` : `unix:${appSocket}`};
    keepalive 256;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${pki}/server.crt;
    ssl_certificate_key ${pki}/server.key;
    ssl_client_certificate ${pki}/ca.crt;
    ssl_verify_client on;
    ssl_verify_depth 3;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    ssl_conf_command Ciphersuites ${suites13};
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Request-Id $request_id;
      ${withHeader ? 'proxy_set_header X-Client-Cert $ssl_client_escaped_cert;' : ''}
    }
  }
}
`;
}

export function haproxyConfig({ setting, directory, pki, appPort, appSocket, port }: PeerValues): string {
  const pem = join(directory, 'server.pem');
  writeFileSync(pem, readFileSync(join(pki, 'server.crt'), 'utf8') + readFileSync(join(pki, 'server.key'), 'utf8'));
  return `global
  nbthread ${setting.cores.each}
  maxconn ${mostConnections}
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-bind-ciphersuites ${suites13}
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend gate
  bind 127.0.0.1:${port} ssl crt ${pem} ca-file ${pki}/ca.crt verify required alpn h2,http/1.1
  http-request set-header X-Client-Cert "%[ssl_c_der,base64,url_enc]"
  http-request set-header X-Forwarded-For "%[src]"
  http-request set-header X-Forwarded-Proto https
  unique-id-format %{+X}o%ci%cp%rt
  unique-id-header X-Request-Id
  default_backend app
backend app
  server app ${appSocket === undefined ? `127.0.0.1:${appPort}` : `unix@${appSocket}`}
`;
}

/** JSON, which is YAML too. */
export function envoyConfig({ pki, appPort, appSocket, port }: PeerValues): string {
  const address = (number: number) => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  const app = appSocket === undefined ? address(appPort) : { pipe: { path: appSocket } };
  const types = 'type.googleapis.com/envoy.extensions';
  const manager = {
    '@type': `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'gate',
    codec_type: 'AUTO',
    use_remote_address: true,
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'app', timeout: '300s' } }],
        },
      ],
      request_headers_to_add: [
        {
          header: { key: 'X-Client-Cert', value: '%DOWNSTREAM_PEER_CERT%' },
          append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
        },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${types}.filters.http.router.v3.Router` } }],
  };
  const tls = {
    '@type': `${types}.transport_sockets.tls.v3.DownstreamTlsContext`,
    require_client_certificate: true,
    common_tls_context: {
      alpn_protocols: ['h2', 'http/1.1'],
      tls_params: { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' },
      tls_certificates: [
        { certificate_chain: { filename: `${pki}/server.crt` }, private_key: { filename: `${pki}/server.key` } },
      ],
      validation_context: { trusted_ca: { filename: `${pki}/ca.crt` } },
    },
  };
  return JSON.stringify({
    static_resources: {
      listeners: [
        {
          name: 'gate',
          address: address(port),
          filter_chains: [
            {
              transport_socket: { name: 'tls', typed_config: tls },
              filters: [{ name: 'http', typed_config: manager }],
            },
          ],
        },
      ],
      clusters: [
        {
          name: 'app',
          type: 'STATIC',
          connect_timeout: '5s',
          load_assignment: {
            cluster_name: 'app',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: app } }] }],
          },
        },
      ],
    },
  });
}

export function caddyConfig({ pki, appPort, appSocket, port }: PeerValues): string {
  const authorities = readFileSync(join(pki, 'ca.crt'), 'utf8')
    .split(/-----(?:BEGIN|END) CERTIFICATE-----/)
    .map((text) => text.replaceAll(/\s/g, ''))
    .filter(Boolean);
  return JSON.stringify({
    admin: { disabled: true },
    logging: { logs: { default: { level: 'ERROR' } } },
    apps: {
      tls: { certificates: { load_files: [{ certificate: `${pki}/server.crt`, key: `${pki}/server.key` }] } },
      http: {
        servers: {
          gate: {
            listen: [`127.0.0.1:${port}`],
            automatic_https: { disable: true },
            protocols: ['h1', 'h2'],
            tls_connection_policies: [
              {
                client_authentication: {
                  ca: { provider: 'inline', trusted_ca_certs: authorities },
                  mode: 'require_and_verify',
                },
              },
            ],
            routes: [
              {
                handle: [
                  {
                    handler: 'reverse_proxy',
                    upstreams: [{ dial: appSocket === undefined ? `127.0.0.1:${appPort}` : `unix/${appSocket}` }],
                    headers: {
                      request: { set: { 'X-Client-Cert': ['{http.request.tls.client.certificate_der_base64}'] } },
                    },
                  },
                ],
              },
            ],
          },
        },
      },
    },
  });
}

/** As Azure's policy has them, and as Envoy and Caddy choose. OpenSSL's own list begins with AES-256, a little dearer. */
const suites13 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384';
