/**
 * Which request headers are proofs that only the sidecar may make. Names are compared folded, since applications fold
 * them: CGI and its heirs read `X_Client.Cert` and `X-Client-Cert` into the same variable.
 */

/**
 * Whether a folded name is one by which some proxy hands on a client certificate, or what it found of it. Such headers
 * are removed from every request, whatever the policy says: an application may believe them.
 */
export function isGuarded(folded: string): boolean {
  return guardedNames.has(folded) || guardedPrefixes.some((prefix) => folded.startsWith(prefix));
}

/** Whole names. */
const guardedNames: ReadonlySet<string> = new Set([
  // RFC 9440; Google Cloud and Cloudflare send them too.
  'client-cert',
  'client-cert-chain',
  // Azure App Service.
  'x-arr-clientcert',
  // Apache's and nginx's common recipes, Puppet.
  'x-client-dn',
  'x-client-s-dn',
  'x-client-i-dn',
  'x-client-verify',
  'x-client-verified',
  'x-ssl-cert',
  'x-ssl-issuer',
  'x-ssl-subject',
  'x-ssl-verify',
  'ssl-cert',
  // WebLogic.
  'wl-proxy-client-cert',
  'proxy-client-cert',
  // WebSphere's plug-in: `$WSCC`.
  '-wscc',
  // Linkerd.
  'l5d-client-id',
]);

/** Names and everything that goes on with more words or letters. */
const guardedPrefixes: readonly string[] = [
  // Azure recipes, Kong, Google Cloud, F5: X-Client-Cert, X-Client-Certificate, X-Client-Cert-Serial.
  'x-client-cert',
  'x-clientcert',
  'x-client-ssl',
  'x-client-tls',
  // OpenShift, HAProxy, Spring: X-SSL-Client-CN; ingress-nginx and Apache: ssl-client-verify.
  'x-ssl-client',
  'ssl-client',
  'x-tls-client',
  'tls-client',
  'x-mtls-',
  // Envoy, Istio; Traefik with -Info.
  'x-forwarded-client-cert',
  'x-forwarded-tls-client-cert',
  'x-forwarded-ssl-client',
  // AWS ALB.
  'x-amzn-mtls-',
  // Cloudflare.
  'cf-client-cert',
];
