const fields = 'pkg/translate/fields.test.ts';
const clientAuth = 'pkg/translate/client-auth-fields.test.ts';
const ocsp = 'pkg/translate/ocsp-fields.test.ts';
const rewriteSet = 'pkg/translate/rewrite-set-fields.test.ts';

/** By leaf of the two kinds: the test that shows what the field does. Read by pkg/translate/leaves.test.ts. */
export const leaves: Readonly<Record<string, { readonly file: string; readonly test: string }>> = {
  'SslProfile.spec.selector.matchLabels': {
    file: fields,
    test: 'a pod without the labels of matchLabels has no listener',
  },
  'SslProfile.spec.selector.matchExpressions[].key': {
    file: fields,
    test: 'a pod without the label of a matchExpressions key has no listener',
  },
  'SslProfile.spec.selector.matchExpressions[].operator': {
    file: fields,
    test: 'a pod whose label is among the values of NotIn has no listener',
  },
  'SslProfile.spec.selector.matchExpressions[].values[]': {
    file: fields,
    test: 'a pod whose label is not among the values of In has no listener',
  },
  'SslProfile.spec.port': { file: fields, test: 'port is the port of the listener' },
  'SslProfile.spec.hostnames[]': { file: fields, test: 'hostnames are folded' },
  'SslProfile.spec.certificateRefs[].name': { file: fields, test: 'certificateRefs names the server certificate' },
  'SslProfile.spec.sslPolicy.policyType': { file: fields, test: 'a Custom policy ends at TLS 1.2' },
  'SslProfile.spec.sslPolicy.policyName': { file: fields, test: 'policyName names the versions of TLS' },
  'SslProfile.spec.sslPolicy.minProtocolVersion': {
    file: fields,
    test: 'minProtocolVersion is the lowest version of TLS',
  },
  'SslProfile.spec.sslPolicy.cipherSuites[]': {
    file: fields,
    test: 'cipherSuites are offered beside those of TLS 1.3 under their OpenSSL names',
  },
  'SslProfile.spec.trustedClientCertificates[].kind': {
    file: fields,
    test: 'trustedClientCertificates are read from a Secret',
  },
  'SslProfile.spec.trustedClientCertificates[].name': {
    file: fields,
    test: 'trustedClientCertificates are read from the object of that name',
  },
  'SslProfile.spec.trustedClientCertificates[].key': {
    file: fields,
    test: 'trustedClientCertificates are read from the file of that key',
  },
  'SslProfile.spec.clientAuthConfiguration.verifyClientAuthMode': {
    file: clientAuth,
    test: 'verifyClientAuthMode is the mode',
  },
  'SslProfile.spec.clientAuthConfiguration.verifyClientCertIssuerDN': {
    file: clientAuth,
    test: 'verifyClientCertIssuerDN: false does not look at the issuer DN',
  },
  'SslProfile.spec.clientAuthConfiguration.verifyClientRevocation': {
    file: clientAuth,
    test: 'verifyClientRevocation: None asks nobody',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.scope': {
    file: ocsp,
    test: 'ocsp.scope: Chain asks about every certificate but the root',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.responder.url': {
    file: ocsp,
    test: 'ocsp.responder.url is the configured responder',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.responder.use': {
    file: ocsp,
    test: 'ocsp.responder.use: Override asks the configured responder always',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.timeout': {
    file: ocsp,
    test: 'ocsp.timeout is for the whole question',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.maxAge': {
    file: ocsp,
    test: 'ocsp.maxAge is how old a verdict may get',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.clockSkew': {
    file: ocsp,
    test: 'ocsp.clockSkew is how far clocks may differ',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.nonce': { file: ocsp, test: 'ocsp.nonce: Required wants it echoed' },
  'SslProfile.spec.clientAuthConfiguration.ocsp.certIdHash': {
    file: ocsp,
    test: 'ocsp.certIdHash names the certificate by SHA-1',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.onMissingResponder': {
    file: ocsp,
    test: 'ocsp.onMissingResponder: Allow lets certificates without AIA pass',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.onUnavailable': {
    file: ocsp,
    test: 'ocsp.onUnavailable: Allow softens an unavailable responder',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.responderAllowList[]': {
    file: ocsp,
    test: 'ocsp.responderAllowList is compared in lower case',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.allowInternalAddresses[]': {
    file: ocsp,
    test: 'ocsp.allowInternalAddresses takes one address as a block of one',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.maxAgeWithoutNextUpdate': {
    file: ocsp,
    test: 'ocsp.maxAgeWithoutNextUpdate is how long an answer without nextUpdate counts',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.maxResponseAge': {
    file: ocsp,
    test: 'ocsp.maxResponseAge is the oldest thisUpdate',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.sha1Signatures': {
    file: ocsp,
    test: 'ocsp.sha1Signatures: Allow takes answers signed with SHA-1',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].subjectDn': {
    file: clientAuth,
    test: 'allow.subjectDn is handed on',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].dnsName': { file: clientAuth, test: 'allow.dnsName is handed on' },
  'SslProfile.spec.clientAuthConfiguration.allow[].uri': { file: clientAuth, test: 'allow.uri is handed on' },
  'SslProfile.spec.clientAuthConfiguration.allow[].email': { file: clientAuth, test: 'allow.email is handed on' },
  'SslProfile.spec.clientAuthConfiguration.allow[].sha256Fingerprint': {
    file: clientAuth,
    test: 'allow.sha256Fingerprint is folded',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].spkiSha256': {
    file: clientAuth,
    test: 'allow.spkiSha256 is folded',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].issuerSpkiSha256': {
    file: clientAuth,
    test: 'allow.issuerSpkiSha256 is folded',
  },
  'SslProfile.spec.clientAuthConfiguration.publicPaths[].type': {
    file: clientAuth,
    test: 'publicPaths.type is handed on',
  },
  'SslProfile.spec.clientAuthConfiguration.publicPaths[].value': {
    file: clientAuth,
    test: 'publicPaths.value is handed on',
  },
  'SslProfile.spec.clientAuthConfiguration.weakerSibling': {
    file: clientAuth,
    test: 'weakerSibling: Allow lets a profile stand that asks less than its sibling',
  },
  'SslProfile.spec.clientAuthConfiguration.advertiseTrustedCas': {
    file: clientAuth,
    test: 'advertiseTrustedCas: Disabled names no CA in the certificate request',
  },
  'SslProfile.spec.clientAuthConfiguration.refusal.status': {
    file: clientAuth,
    test: 'refusal.status is the status of a refusal',
  },
  'SslProfile.spec.clientAuthConfiguration.refusal.detail': {
    file: clientAuth,
    test: 'refusal.detail: Generic keeps the reason back',
  },
  'SslProfile.spec.clientAuthConfiguration.enforcement': {
    file: clientAuth,
    test: 'enforcement: Report refuses nobody',
  },
  'SslProfile.spec.forwardClientCertificate.header': {
    file: fields,
    test: 'forwardClientCertificate.header names the header',
  },
  'SslProfile.spec.forwardClientCertificate.format': {
    file: fields,
    test: 'forwardClientCertificate.format is how the certificate is written',
  },
  'SslProfile.spec.forwardClientCertificate.unverified': {
    file: fields,
    test: 'forwardClientCertificate.unverified: Allow lets the header stand in Passthrough',
  },
  'SslProfile.spec.rewriteSets[].name': { file: fields, test: 'rewriteSets names the rules' },
  'SslProfile.spec.backend.port': { file: fields, test: 'backend.port is where the application listens' },
  'SslProfile.spec.backend.socket': { file: fields, test: 'backend.socket is where the application listens' },
  'SslProfile.spec.backend.protocol': { file: fields, test: 'backend.protocol: H2C speaks HTTP/2 to the application' },
  'SslProfile.spec.backend.whenExposed': {
    file: fields,
    test: 'backend.whenExposed: Refuse makes an exposed pod not ready',
  },
  'SslProfile.spec.backend.timeouts.connect': {
    file: fields,
    test: 'backend.timeouts.connect is handed on in milliseconds',
  },
  'SslProfile.spec.backend.timeouts.response': {
    file: fields,
    test: 'backend.timeouts.response is handed on in milliseconds',
  },
  'SslProfile.spec.backend.timeouts.idle': { file: fields, test: 'backend.timeouts.idle is handed on in milliseconds' },
  'SslProfile.spec.backend.timeouts.head': { file: fields, test: 'backend.timeouts.head is handed on in milliseconds' },
  'SslProfile.spec.backend.timeouts.request': {
    file: fields,
    test: 'backend.timeouts.request is handed on in milliseconds',
  },
  'SslProfile.spec.backend.timeouts.connectionAge': {
    file: fields,
    test: 'backend.timeouts.connectionAge is handed on in milliseconds',
  },
  'SslProfile.spec.backend.limits.requestBodyBytes': {
    file: fields,
    test: 'backend.limits.requestBodyBytes is handed on',
  },
  'SslProfile.spec.backend.limits.headBytes': { file: fields, test: 'backend.limits.headBytes is handed on' },
  'SslProfile.spec.backend.limits.headerCount': { file: fields, test: 'backend.limits.headerCount is handed on' },
  'SslProfile.spec.backend.limits.connections': { file: fields, test: 'backend.limits.connections is handed on' },
  'SslProfile.spec.trustedProxies[]': { file: fields, test: 'trustedProxies take one address as a block of one' },
  'RewriteSet.spec.rewriteRules[].name': { file: rewriteSet, test: 'a rule has its name' },
  'RewriteSet.spec.rewriteRules[].ruleSequence': { file: rewriteSet, test: 'ruleSequence is the sequence' },
  'RewriteSet.spec.rewriteRules[].conditions[].variable': {
    file: rewriteSet,
    test: 'conditions.variable is what is looked at',
  },
  'RewriteSet.spec.rewriteRules[].conditions[].pattern': {
    file: rewriteSet,
    test: 'conditions.pattern is searched for',
  },
  'RewriteSet.spec.rewriteRules[].conditions[].ignoreCase': {
    file: rewriteSet,
    test: 'conditions.ignoreCase folds case',
  },
  'RewriteSet.spec.rewriteRules[].conditions[].negate': {
    file: rewriteSet,
    test: 'conditions.negate turns a condition round',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerName': {
    file: rewriteSet,
    test: 'requestHeaderConfigurations.headerName names the request header',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValue': {
    file: rewriteSet,
    test: 'requestHeaderConfigurations.headerValue is its value',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerName': {
    file: rewriteSet,
    test: 'responseHeaderConfigurations.headerName names the response header',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValue': {
    file: rewriteSet,
    test: 'responseHeaderConfigurations.headerValue is its value',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.pattern': {
    file: rewriteSet,
    test: 'headerValueMatcher.pattern picks cookies',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.ignoreCase': {
    file: rewriteSet,
    test: 'headerValueMatcher.ignoreCase folds case',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.negate': {
    file: rewriteSet,
    test: 'headerValueMatcher.negate picks the other cookies',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.urlConfiguration.modifiedPath': {
    file: rewriteSet,
    test: 'modifiedPath is the new path',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.urlConfiguration.modifiedQueryString': {
    file: rewriteSet,
    test: 'an empty modifiedQueryString is handed on, not left out',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValueMatcher.pattern': {
    file: rewriteSet,
    test: 'a headerValueMatcher on a request header is refused',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValueMatcher.ignoreCase': {
    file: rewriteSet,
    test: 'a headerValueMatcher on a request header is refused',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValueMatcher.negate': {
    file: rewriteSet,
    test: 'a headerValueMatcher on a request header is refused',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.urlConfiguration.reroute': {
    file: rewriteSet,
    test: 'reroute: true is refused',
  },
};
