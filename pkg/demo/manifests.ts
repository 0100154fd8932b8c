/** What the demo's manifests are made of. */
export interface ManifestValues {
  /** Of the gate. */
  readonly port: number;
  readonly appPort: number;
  readonly serverCertPem: string;
  readonly serverKeyPem: string;
  readonly caPem: string;
  /** False leaves out the rule that sets X-Client-Cert: one of the demo's controls. */
  readonly certificateHeader: boolean;
}

/**
 * The manifests of the demo by file name, as a user would write them and `kubectl apply -f` takes them. Text and not
 * objects, so that comments reach the reader.
 */
export function demoManifests(values: ManifestValues): ReadonlyMap<string, string> {
  return new Map([
    ['ssl-profile.yaml', sslProfile(values)],
    ['rewrite-set.yaml', rewriteSet(values.certificateHeader)],
    ['certificates.yaml', certificates(values)],
  ]);
}

function sslProfile({ port, appPort }: ManifestValues): string {
  return `# Who may pass: clients with a certificate of the partners' CA that its OCSP responder calls good.
apiVersion: lychgate.dev/v1alpha1
kind: SslProfile
metadata:
  name: shop
  namespace: shop
spec:
  selector:
    matchLabels: {app: shop}
  port: ${port}
  certificateRefs:
    - name: shop-tls
  trustedClientCertificates:
    - {kind: ConfigMap, name: partner-ca}
  clientAuthConfiguration:
    verifyClientAuthMode: Strict
    verifyClientRevocation: OCSP
    ocsp:
      # The demo's responder is on this machine; without this line only public addresses are asked.
      allowInternalAddresses: [127.0.0.1/32]
  rewriteSets:
    - name: client-certificate
  backend:
    port: ${appPort}
`;
}

function rewriteSet(certificateHeader: boolean): string {
  return `# What the application gets.
apiVersion: lychgate.dev/v1alpha1
kind: RewriteSet
metadata:
  name: client-certificate
  namespace: shop
spec:
  rewriteRules:
${certificateHeader ? certificateRule : ''}    - name: who-it-is
      ruleSequence: 200
      actionSet:
        requestHeaderConfigurations:
          - headerName: X-Client-Subject
            headerValue: "{var_client_certificate_subject}"
          - headerName: X-Client-Verify
            headerValue: "{var_client_certificate_verification}"
    - name: old-paths
      ruleSequence: 300
      conditions:
        - variable: var_uri_path
          pattern: "^/v1/(.*)"
      actionSet:
        urlConfiguration:
          modifiedPath: "/v2/{var_uri_path_1}"
`;
}

function certificates({ serverCertPem, serverKeyPem, caPem }: ManifestValues): string {
  const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
  return `apiVersion: v1
kind: Secret
metadata:
  name: shop-tls
  namespace: shop
type: kubernetes.io/tls
data:
  tls.crt: ${base64(serverCertPem)}
  tls.key: ${base64(serverKeyPem)}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: partner-ca
  namespace: shop
data:
  ca.crt: |
${caPem.trimEnd().replaceAll(/^/gm, '    ')}
`;
}

const certificateRule = `    - name: certificate
      ruleSequence: 100
      actionSet:
        requestHeaderConfigurations:
          # The whole certificate as percent-encoded PEM.
          - headerName: X-Client-Cert
            headerValue: "{var_client_certificate}"
`;
