const fields = 'pkg/translate/fields.test.ts';
const revocation = 'pkg/translate/revocation-fields.test.ts';
/* From a field in a manifest to what clients and the application see of it. */
const gateAuth = 'test/gate/client-auth.test.ts';
const gateBackend = 'test/gate/backend.test.ts';
const gateListener = 'test/gate/listener.test.ts';
const gateOcsp = 'test/gate/ocsp.test.ts';
const gateRevocation = 'test/gate/revocation.test.ts';
const gateRewrite = 'test/gate/rewrite.test.ts';

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
  'SslProfile.spec.port': {
    file: gateListener,
    test: 'port is where the gate listens in place of the port of the pod',
  },
  'SslProfile.spec.hostnames[]': {
    file: gateListener,
    test: 'hostnames are the names that the profile answers to, whatever their case',
  },
  'SslProfile.spec.certificateRefs[].name': {
    file: gateListener,
    test: 'certificateRefs.name is the Secret whose certificate the server shows',
  },
  'SslProfile.spec.sslPolicy.policyType': {
    file: gateListener,
    test: 'sslPolicy.policyType: Custom ends at TLS 1.2, CustomV2 does not',
  },
  'SslProfile.spec.sslPolicy.policyName': {
    file: gateListener,
    test: 'sslPolicy.policyName is the versions and suites that clients get',
  },
  'SslProfile.spec.sslPolicy.minProtocolVersion': {
    file: gateListener,
    test: 'sslPolicy.minProtocolVersion is the oldest version that clients get',
  },
  'SslProfile.spec.sslPolicy.cipherSuites[]': {
    file: gateListener,
    test: 'sslPolicy.cipherSuites are the suites that clients get',
  },
  'SslProfile.spec.trustedClientCertificates[].kind': {
    file: gateAuth,
    test: 'trustedClientCertificates.kind is the kind of object that the CAs are read from',
  },
  'SslProfile.spec.trustedClientCertificates[].name': {
    file: gateAuth,
    test: 'trustedClientCertificates.name is the object whose CAs are trusted',
  },
  'SslProfile.spec.trustedClientCertificates[].key': {
    file: gateAuth,
    test: 'trustedClientCertificates.key is the file whose CAs are trusted',
  },
  'SslProfile.spec.clientAuthConfiguration.verifyClientAuthMode': {
    file: gateAuth,
    test: 'verifyClientAuthMode decides whether a certificate must be there and whether it is judged',
  },
  'SslProfile.spec.clientAuthConfiguration.verifyClientCertIssuerDN': {
    file: gateAuth,
    test: 'verifyClientCertIssuerDN: true refuses a leaf of another intermediate than the configured one',
  },
  'SslProfile.spec.clientAuthConfiguration.verifyClientRevocation': {
    file: gateOcsp,
    test: 'verifyClientRevocation: None lets a revoked certificate pass and asks nobody',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.scope': {
    file: gateRevocation,
    test: 'ocsp.scope: Chain asks about the CA of the client too',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.responder.url': {
    file: gateOcsp,
    test: 'ocsp.responder.url is asked about a certificate that names no responder',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.responder.use': {
    file: gateOcsp,
    test: 'ocsp.responder.use: Override asks the configured responder though the certificate names one',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.timeout': {
    file: gateOcsp,
    test: 'ocsp.timeout is how long an answer is waited for',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.maxAge': {
    file: gateOcsp,
    test: 'ocsp.maxAge is after how long a certificate is asked about again',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.clockSkew': {
    file: gateOcsp,
    test: 'ocsp.clockSkew is how far ahead the clock of the responder may be',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.nonce': {
    file: gateOcsp,
    test: 'ocsp.nonce decides whether one is sent and whether it must come back',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.certIdHash': {
    file: gateOcsp,
    test: 'ocsp.certIdHash is the hash by which the responder is asked',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.onMissingResponder': {
    file: gateOcsp,
    test: 'ocsp.onMissingResponder: Allow lets a certificate pass that names no responder',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.onUnavailable': {
    file: gateOcsp,
    test: 'ocsp.onUnavailable: Allow lets a certificate pass whose responder is down, and none whose answer is bad',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.responderAllowList[]': {
    file: gateOcsp,
    test: 'ocsp.responderAllowList names the only responders that are asked',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.allowInternalAddresses[]': {
    file: gateOcsp,
    test: 'ocsp.allowInternalAddresses names the addresses that are not public and yet asked',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.trustedResponderRefs[].kind': {
    file: revocation,
    test: 'ocsp.trustedResponderRefs are read from a Secret',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.trustedResponderRefs[].name': {
    file: gateRevocation,
    test: 'ocsp.trustedResponderRefs names a responder whose answers count without a word of the CA',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.trustedResponderRefs[].key': {
    file: revocation,
    test: 'ocsp.trustedResponderRefs are read from the file of that key',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.caRefs[].kind': {
    file: revocation,
    test: 'ocsp.caRefs are read from a Secret',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.caRefs[].name': {
    file: gateRevocation,
    test: 'ocsp.caRefs names the CAs of https responders, which are not asked without',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.caRefs[].key': {
    file: revocation,
    test: 'ocsp.caRefs are read from the file of that key',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.proxy.url': {
    file: gateRevocation,
    test: 'ocsp.proxy.url is asked in place of the responder',
  },
  'SslProfile.spec.clientAuthConfiguration.crl.refs[].kind': {
    file: revocation,
    test: 'crl.refs are read from a Secret',
  },
  'SslProfile.spec.clientAuthConfiguration.crl.refs[].name': {
    file: revocation,
    test: 'crl.refs are read from the object of that name',
  },
  'SslProfile.spec.clientAuthConfiguration.crl.refs[].key': {
    file: gateRevocation,
    test: 'crl.refs brings lists along',
  },
  'SslProfile.spec.clientAuthConfiguration.crl.maxAge': {
    file: gateRevocation,
    test: 'crl.maxAge is how old a list may be',
  },
  'SslProfile.spec.clientAuthConfiguration.crl.maxBytes': {
    file: gateRevocation,
    test: 'crl.maxBytes is how large a list may be',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.maxAgeWithoutNextUpdate': {
    file: gateOcsp,
    test: 'ocsp.maxAgeWithoutNextUpdate is how long an answer without nextUpdate counts',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.maxResponseAge': {
    file: gateOcsp,
    test: 'ocsp.maxResponseAge is how old an answer may be, however far its nextUpdate is',
  },
  'SslProfile.spec.clientAuthConfiguration.ocsp.sha1Signatures': {
    file: gateOcsp,
    test: 'ocsp.sha1Signatures: Allow takes an answer that is signed with SHA-1',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].subjectDn': {
    file: gateAuth,
    test: 'allow.subjectDn lets that subject pass and nobody else',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].dnsName': {
    file: gateAuth,
    test: 'allow.dnsName lets that DNS name pass and nobody else',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].uri': {
    file: gateAuth,
    test: 'allow.uri lets that URI pass and nobody else',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].email': {
    file: gateAuth,
    test: 'allow.email lets that address pass and nobody else',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].sha256Fingerprint': {
    file: gateAuth,
    test: 'allow.sha256Fingerprint lets that certificate pass and nobody else',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].spkiSha256': {
    file: gateAuth,
    test: 'allow.spkiSha256 lets that key pass and nobody else',
  },
  'SslProfile.spec.clientAuthConfiguration.allow[].issuerSpkiSha256': {
    file: gateAuth,
    test: 'allow.issuerSpkiSha256 lets that CA pass and nobody else',
  },
  'SslProfile.spec.clientAuthConfiguration.publicPaths[].type': {
    file: gateAuth,
    test: 'publicPaths.type decides whether what is below the path is public too',
  },
  'SslProfile.spec.clientAuthConfiguration.publicPaths[].value': {
    file: gateAuth,
    test: 'publicPaths.value is the path that needs no certificate',
  },
  'SslProfile.spec.clientAuthConfiguration.weakerSibling': {
    file: gateAuth,
    test: 'weakerSibling: Allow serves a profile that asks less than its sibling of the same application',
  },
  'SslProfile.spec.clientAuthConfiguration.advertiseTrustedCas': {
    file: gateListener,
    test: 'advertiseTrustedCas: Disabled names no CA in the certificate request, each profile by itself, and verification stays',
  },
  'SslProfile.spec.clientAuthConfiguration.refusal.status': {
    file: gateAuth,
    test: 'refusal.status is the status that a refused client gets',
  },
  'SslProfile.spec.clientAuthConfiguration.refusal.detail': {
    file: gateAuth,
    test: 'refusal.detail: Generic keeps the reason from a refused client',
  },
  'SslProfile.spec.clientAuthConfiguration.enforcement': {
    file: gateAuth,
    test: 'enforcement: Report forwards what Enforce refuses, without the certificate',
  },
  'SslProfile.spec.forwardClientCertificate.header': {
    file: gateAuth,
    test: 'forwardClientCertificate.header is the header that the application finds the certificate in',
  },
  'SslProfile.spec.forwardClientCertificate.format': {
    file: gateAuth,
    test: 'forwardClientCertificate.format is how the application finds the certificate written',
  },
  'SslProfile.spec.forwardClientCertificate.unverified': {
    file: gateAuth,
    test: 'forwardClientCertificate.unverified: Allow shows a certificate that nobody verified',
  },
  'SslProfile.spec.rewriteSets[].name': { file: gateRewrite, test: 'rewriteSets.name is the set whose rules run' },
  'SslProfile.spec.backend.port': { file: gateBackend, test: 'backend.port is where the application is found' },
  'SslProfile.spec.backend.socket': {
    file: gateBackend,
    test: 'backend.socket is where the application is found in place of a port',
  },
  'SslProfile.spec.backend.protocol': {
    file: gateBackend,
    test: 'backend.protocol: H2C reaches an application that speaks HTTP/2 only',
  },
  'SslProfile.spec.backend.whenExposed': {
    file: gateBackend,
    test: 'backend.whenExposed: Refuse makes a pod not ready whose application also listens on its own address',
  },
  'SslProfile.spec.backend.timeouts.connect': {
    file: gateBackend,
    test: 'backend.timeouts.connect is how long a connection with the application may take',
  },
  'SslProfile.spec.backend.timeouts.response': {
    file: gateBackend,
    test: 'backend.timeouts.response is how long the answer is waited for',
  },
  'SslProfile.spec.backend.timeouts.idle': {
    file: gateBackend,
    test: 'backend.timeouts.idle is how long a connection may be without a request',
  },
  'SslProfile.spec.backend.timeouts.head': {
    file: gateBackend,
    test: 'backend.timeouts.head is how long a head may take',
  },
  'SslProfile.spec.backend.timeouts.request': {
    file: gateBackend,
    test: 'backend.timeouts.request is how long the whole request may take',
  },
  'SslProfile.spec.backend.timeouts.connectionAge': {
    file: gateBackend,
    test: 'backend.timeouts.connectionAge is how old a connection may get',
  },
  'SslProfile.spec.backend.limits.requestBodyBytes': {
    file: gateBackend,
    test: 'backend.limits.requestBodyBytes is the longest body, by Content-Length and in chunks',
  },
  'SslProfile.spec.backend.limits.headBytes': {
    file: gateBackend,
    test: 'backend.limits.headBytes is the largest head',
  },
  'SslProfile.spec.backend.limits.headerCount': {
    file: gateBackend,
    test: 'backend.limits.headerCount is the most fields',
  },
  'SslProfile.spec.backend.limits.connections': {
    file: gateBackend,
    test: 'backend.limits.connections is the most connections of clients at once',
  },
  'SslProfile.spec.trustedProxies[]': {
    file: gateBackend,
    test: 'trustedProxies are the peers whose X-Forwarded-For is extended and not replaced',
  },
  'RewriteSet.spec.rewriteRules[].name': {
    file: gateRewrite,
    test: 'the name of a rule says which one another rule is at odds with',
  },
  'RewriteSet.spec.rewriteRules[].ruleSequence': {
    file: gateRewrite,
    test: 'ruleSequence is the order of rules, whatever theirs in the list',
  },
  'RewriteSet.spec.rewriteRules[].conditions[].variable': {
    file: gateRewrite,
    test: 'conditions.variable is what the pattern is looked for in',
  },
  'RewriteSet.spec.rewriteRules[].conditions[].pattern': {
    file: gateRewrite,
    test: 'conditions.pattern decides which requests a rule is for',
  },
  'RewriteSet.spec.rewriteRules[].conditions[].ignoreCase': {
    file: gateRewrite,
    test: 'conditions.ignoreCase: true finds the pattern in any case',
  },
  'RewriteSet.spec.rewriteRules[].conditions[].negate': {
    file: gateRewrite,
    test: 'conditions.negate: true is for the requests in which the pattern is not found',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerName': {
    file: gateRewrite,
    test: 'requestHeaderConfigurations.headerName is the header that the application gets',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValue': {
    file: gateRewrite,
    test: 'requestHeaderConfigurations.headerValue is its value, made of text and variables, and nothing deletes the header',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerName': {
    file: gateRewrite,
    test: 'responseHeaderConfigurations.headerName is the header that the client gets',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValue': {
    file: gateRewrite,
    test: 'responseHeaderConfigurations.headerValue is its value, made of text and variables, and nothing deletes the header',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.pattern': {
    file: gateRewrite,
    test: 'headerValueMatcher.pattern picks the cookies that are changed',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.ignoreCase': {
    file: gateRewrite,
    test: 'headerValueMatcher.ignoreCase: true picks cookies in any case',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.negate': {
    file: gateRewrite,
    test: 'headerValueMatcher.negate: true picks the cookies in which the pattern is not found',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.urlConfiguration.modifiedPath': {
    file: gateRewrite,
    test: 'modifiedPath is the path that the application gets, and absent leaves it',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.urlConfiguration.modifiedQueryString': {
    file: gateRewrite,
    test: 'modifiedQueryString is the query that the application gets, empty removes it and absent leaves it',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValueMatcher.pattern': {
    file: gateRewrite,
    test: 'a headerValueMatcher on a request header is refused and the profile is not served',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValueMatcher.ignoreCase': {
    file: gateRewrite,
    test: 'a headerValueMatcher on a request header is refused and the profile is not served',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.requestHeaderConfigurations[].headerValueMatcher.negate': {
    file: gateRewrite,
    test: 'a headerValueMatcher on a request header is refused and the profile is not served',
  },
  'RewriteSet.spec.rewriteRules[].actionSet.urlConfiguration.reroute': {
    file: gateRewrite,
    test: 'reroute: true is refused and the profile is not served',
  },
};
