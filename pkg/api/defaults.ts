/** Every default of both kinds, in the words a user would write. The strict side wherever there are two. */
export const defaults = {
  namespace: 'default',
  caKey: 'ca.crt',
  sslPolicy: { policyType: 'Predefined', policyName: 'AppGwSslPolicy20220101S' },
  clientAuth: {
    verifyClientAuthMode: 'Strict',
    verifyClientCertIssuerDN: true,
    verifyClientRevocation: 'OCSP',
    weakerSibling: 'Refuse',
    advertiseTrustedCas: 'Enabled',
    enforcement: 'Enforce',
  },
  refusal: { status: 400, detail: 'Reason' },
  ocsp: {
    scope: 'Leaf',
    responderUse: 'Fallback',
    timeout: '2s',
    maxAge: '60s',
    clockSkew: '300s',
    nonce: 'Off',
    certIdHash: 'SHA256',
    onMissingResponder: 'Deny',
    onUnavailable: 'Deny',
    /** Refuses answers without nextUpdate. */
    maxAgeWithoutNextUpdate: '0s',
    sha1Signatures: 'Deny',
  },
  crl: { maxAge: '24h', maxBytes: 10_485_760 },
  forwardClientCertificate: { header: 'X-Client-Cert', format: 'UrlEncodedPem', unverified: 'Deny' },
  backend: { protocol: 'HTTP', whenExposed: 'Warn' },
  timeouts: {
    connect: '5s',
    response: '60s',
    idle: '60s',
    head: '10s',
    /** None: a large body takes what it takes; idle and response end what hangs. */
    request: '0s',
    /** None: the verdict is judged again in place, so age alone is no reason to cut a WebSocket. */
    connectionAge: '0s',
  },
  limits: {
    /** None: bodies are streamed in constant memory. */
    requestBodyBytes: 0,
    headBytes: 32_768,
    headerCount: 100,
    /** About 400 MiB of TLS state at the worst; a pod that holds more says so. */
    connections: 10_000,
  },
  rewrite: { ignoreCase: false, negate: false, reroute: false },
} as const;
