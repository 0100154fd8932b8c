import type { ValidationRule } from './structural.ts';

const auth = 'spec.clientAuthConfiguration';
const modeOf = 'self.clientAuthConfiguration.verifyClientAuthMode';
const isCustom = "self.policyType in ['Custom', 'CustomV2']";
const tls13 = String.raw`'^TLS_(AES|CHACHA20)_'`;

/**
 * What crosses the fields of an SslProfile, by place, in the words of the translation, which checks all of it again and
 * more. Fields with a default are there when these run, but not when the server tries them on the default of an object.
 */
export const sslProfileRules: Readonly<Record<string, readonly ValidationRule[]>> = {
  spec: [
    {
      rule: `!(${modeOf} in ['Optional', 'Strict']) || size(self.trustedClientCertificates) > 0`,
      message:
        'required in Strict and Optional: without a trusted CA nobody could pass; name a CA bundle, or choose Passthrough or Off as verifyClientAuthMode',
      fieldPath: '.trustedClientCertificates',
    },
    {
      rule: '!has(self.port) || !has(self.backend.port) || self.port != self.backend.port',
      message: "it is the port of the gate itself; name the application's",
      fieldPath: '.backend.port',
    },
    {
      rule: `!has(self.forwardClientCertificate) || ${modeOf} != 'Off'`,
      message: 'there is no certificate to forward in Off; remove it',
      fieldPath: '.forwardClientCertificate',
    },
    {
      rule: `!has(self.forwardClientCertificate) || ${modeOf} != 'Passthrough' || self.forwardClientCertificate.unverified == 'Allow'`,
      message:
        'in Passthrough nothing is verified, so that anybody could fill the header; set unverified: Allow if the application verifies the certificate itself',
      fieldPath: '.forwardClientCertificate',
    },
  ],
  'spec.selector': [
    {
      rule: '(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)',
      message: 'it is empty and selects no pod; name the labels of the pods it is for',
    },
  ],
  'spec.selector.matchLabels': [
    {
      rule: String.raw`self.all(key, size(key) <= 317 && key.matches(r'^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))`,
      message: 'a key is not a label key; write it like app or example.com/app',
    },
  ],
  'spec.selector.matchExpressions[]': [
    {
      rule: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && size(self.values) > 0)",
      message: 'In and NotIn need at least one value; name it, or use Exists or DoesNotExist',
      fieldPath: '.values',
    },
    {
      rule: "!(self.operator in ['DoesNotExist', 'Exists']) || !has(self.values) || size(self.values) == 0",
      message: 'Exists and DoesNotExist take no values; remove them, or use In or NotIn',
      fieldPath: '.values',
    },
  ],
  'spec.hostnames[]': [
    {
      rule: String.raw`!self.matches(r'(^|\.)[0-9]+\.?$')`,
      message: 'it is an address or ends like one; clients send no server name for addresses, so name a host',
    },
    {
      rule: String.raw`!self.matches(r'[^.]{64}') && (size(self) < 254 || self.endsWith('.'))`,
      message: 'it is no DNS name: at most 253 characters, 63 a label',
    },
  ],
  'spec.sslPolicy': [
    {
      rule: `${isCustom} || !has(self.minProtocolVersion)`,
      message: 'has no effect in a Predefined policy; remove it or use policyType CustomV2',
      fieldPath: '.minProtocolVersion',
    },
    {
      rule: `${isCustom} || !has(self.cipherSuites)`,
      message: 'has no effect in a Predefined policy; remove it or use policyType CustomV2',
      fieldPath: '.cipherSuites',
    },
    {
      rule: `self.policyType != 'Predefined' || !has(self.policyName) || !(self.policyName in ['AppGwSslPolicy20150501', 'AppGwSslPolicy20170401'])`,
      message: 'it permits TLS 1.1 or older, which Azure retired on 2025-08-31; use AppGwSslPolicy20220101S',
      fieldPath: '.policyName',
    },
    {
      rule: "self.policyType == 'Predefined' || !has(self.policyName)",
      message: 'has no effect in a Custom or CustomV2 policy; remove it or use policyType Predefined',
      fieldPath: '.policyName',
    },
    {
      rule: "!has(self.policyType) || self.policyType == 'Predefined' || has(self.minProtocolVersion)",
      message: 'required in a Custom or CustomV2 policy: TLSv1_2 or TLSv1_3',
      fieldPath: '.minProtocolVersion',
    },
    {
      rule: `!(${isCustom}) || !has(self.minProtocolVersion) || self.minProtocolVersion in ['TLSv1_2', 'TLSv1_3']`,
      message: 'Azure retired TLS 1.0 and 1.1 on 2025-08-31; use TLSv1_2',
      fieldPath: '.minProtocolVersion',
    },
    {
      rule: "self.policyType != 'Custom' || !has(self.minProtocolVersion) || self.minProtocolVersion != 'TLSv1_3'",
      message: 'a Custom policy ends at TLS 1.2; use policyType CustomV2',
      fieldPath: '.minProtocolVersion',
    },
    {
      rule: "!has(self.policyType) || self.policyType == 'Predefined' || (has(self.cipherSuites) && size(self.cipherSuites) > 0)",
      message: 'required in a Custom or CustomV2 policy: name the suites by their IANA names',
      fieldPath: '.cipherSuites',
    },
    {
      rule: `self.policyType != 'Custom' || !has(self.cipherSuites) || !self.cipherSuites.exists(suite, suite.matches(${tls13}))`,
      message: 'a suite is of TLS 1.3, where a Custom policy ends at 1.2; remove it or use policyType CustomV2',
      fieldPath: '.cipherSuites',
    },
    {
      rule: `self.policyType == 'Predefined' || !has(self.minProtocolVersion) || self.minProtocolVersion != 'TLSv1_2' || !has(self.cipherSuites) || size(self.cipherSuites) == 0 || self.cipherSuites.exists(suite, !suite.matches(${tls13}))`,
      message: 'no suite of TLS 1.2 is named, yet minProtocolVersion is TLSv1_2; add one or use TLSv1_3',
      fieldPath: '.cipherSuites',
    },
    {
      rule: `!(${isCustom}) || !has(self.cipherSuites) || self.cipherSuites.all(suite, self.cipherSuites.exists_one(other, other == suite))`,
      message: 'a suite is there twice; remove one',
      fieldPath: '.cipherSuites',
    },
  ],
  [auth]: [
    {
      rule: "!has(self.crl) || self.verifyClientRevocation in ['CRL', 'OCSPThenCRL']",
      message: 'has no effect where no CRL is asked; set verifyClientRevocation to CRL or OCSPThenCRL, or remove it',
      fieldPath: '.crl',
    },
  ],
  [`${auth}.ocsp`]: [
    {
      rule: '!has(self.proxy) || size(self.responderAllowList) > 0',
      message:
        'needs a responderAllowList: the addresses behind a proxy cannot be looked at, so name the hosts that may be asked',
      fieldPath: '.proxy',
    },
    {
      rule: "!has(self.responder) || !self.responder.url.lowerAscii().startsWith('https:') || (has(self.caRefs) && size(self.caRefs) > 0)",
      message: 'an https responder needs caRefs: the public roots are not trusted; name its CA there, or use http',
      fieldPath: '.responder',
    },
  ],
  [`${auth}.crl.maxAge`]: [between('1s', '8784h')],
  [`${auth}.ocsp.timeout`]: [between('10ms', '60s')],
  [`${auth}.ocsp.maxAge`]: [between('0s', '168h')],
  [`${auth}.ocsp.clockSkew`]: [between('0s', '24h')],
  [`${auth}.ocsp.maxAgeWithoutNextUpdate`]: [between('0s', '168h')],
  [`${auth}.ocsp.maxResponseAge`]: [between('1s', '8784h')],
  [`${auth}.ocsp.responder.url`]: [
    {
      rule: String.raw`self.matches(r'(?i)^https?://[\x21-\x22\x24-\x2e\x30-\x3e\x41-\x5b\x5d-\x7e]+([/?][\x21-\x22\x24-\x7e]*)?$')`,
      message: 'it is not the URL of a responder; write it like http://ocsp.example.com/path, without user or fragment',
    },
  ],
  [`${auth}.ocsp.allowInternalAddresses[]`]: [cidr()],
  [`${auth}.allow[]`]: [
    {
      rule: 'has(self.subjectDn) || has(self.dnsName) || has(self.uri) || has(self.email) || has(self.sha256Fingerprint) || has(self.spkiSha256) || has(self.issuerSpkiSha256)',
      message: 'empty, would allow every certificate; remove it or give it a field',
    },
  ],
  [`${auth}.publicPaths[]`]: [
    {
      rule: String.raw`self.value.startsWith('/') && self.value.matches(r'^([^%]|%[0-9A-Fa-f]{2})*$') && !self.value.matches(r'[^\x21-\x7e]|[\\;?#]|//|/\.{1,2}(/|$)|%(2[dDeEfF]|3[0-9]|4[1-9a-fA-F]|5[0-9aAcCfF]|6[1-9a-fA-F]|7[0-9aAeE]|00)')`,
      message: String.raw`it can never match: write a path that begins with /, without //, ., .., ;, \, ?, # and without encoding what needs none`,
      fieldPath: '.value',
    },
    {
      rule: "self.type != 'Prefix' || self.value != '/'",
      message: '/ makes every path public; use verifyClientAuthMode Optional if that is meant',
      fieldPath: '.value',
    },
  ],
  'spec.forwardClientCertificate.header': [
    {
      rule: String.raw`!self.matches(r'(?i)^(accept.*|authorization|connection|content-.*|cookie|date|expect|forwarded|host|http2-settings|keep-alive|origin|proxy-.*|referer|te|trailer|transfer-encoding|upgrade|user-agent|x-forwarded-(for|host|port|proto|prefix|server)|x-original-.*|x-real-ip|x-request-id)$')`,
      message: 'it has a meaning of its own; choose another name, such as X-Client-Cert',
    },
  ],
  'spec.rewriteSets': [
    {
      rule: 'self.all(one, self.exists_one(other, other.name == one.name))',
      message: 'a RewriteSet is there twice; remove one',
    },
  ],
  'spec.backend': [
    {
      rule: 'has(self.port) || has(self.socket)',
      message: 'neither port nor socket is given; name where the application listens',
    },
    { rule: '!has(self.port) || !has(self.socket)', message: 'port and socket are both given; keep one' },
  ],
  'spec.backend.socket': [
    {
      rule: String.raw`!self.matches(r'[\x00-\x1f\x7f]')`,
      message: 'it has control characters; name the socket by its path',
    },
  ],
  ...Object.fromEntries(
    ['connect', 'response', 'idle', 'head', 'request', 'connectionAge'].map((field) => [
      `spec.backend.timeouts.${field}`,
      [between('0s', '720h')],
    ]),
  ),
  'spec.trustedProxies[]': [cidr()],
};

function between(minimum: string, maximum: string): ValidationRule {
  return {
    rule: `duration(self) >= duration('${minimum}') && duration(self) <= duration('${maximum}')`,
    message: `write it like 2s, 1m30s or 100ms; ${minimum} to ${maximum} are legal`,
  };
}

/** IPv4 addresses written as IPv6 are left to the translation: the server's library refuses them. */
function cidr(): ValidationRule {
  return {
    rule: "isCIDR(self) || isIP(self) || self.lowerAscii().contains(':ffff:')",
    message: 'it is not a CIDR; write it like 10.0.0.0/8 or fd00::/8',
  };
}
