import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions, setDefaultCACertificates } from 'node:tls';
import type { ProfilePolicy, TlsSettings } from '../policy/policy.ts';
import { certificatesFromPem } from '../x509/pem.ts';

/**
 * Makes something that holds a TLS context of this profile (undefined: a context without a certificate, in which every
 * handshake fails). `make` must build it before it returns.
 *
 * Node names the CAs of `ca` to the client and has no switch for it, but names none of the default CAs. So where a
 * profile does not advertise, its CAs are the process's defaults for the moment in which its context is built, and the
 * context keeps them. At all other times nothing is trusted by default: an absent list would mean the public roots.
 */
export function withContextOptions<T>(
  tls: TlsSettings,
  profile: ProfilePolicy | undefined,
  make: (options: SecureContextOptions) => T,
): T {
  const options = tlsOptions(tls);
  if (profile === undefined) return make({ ...options, ca: [] });
  const keyPairs = {
    cert: profile.certificates.map(({ chainPem }) => chainPem),
    key: profile.certificates.map(({ keyPem }) => keyPem),
  };
  const auth = profile.clientAuth;
  if (auth.mode === 'Off' || auth.mode === 'Passthrough') return make({ ...options, ...keyPairs, ca: [] });
  if (auth.advertiseTrustedCas || auth.trustedCas.length === 0) {
    return make({ ...options, ...keyPairs, ca: auth.trustedCas });
  }
  try {
    setDefaultCACertificates(auth.trustedCas.flatMap((bundle) => certificatesFromPem(bundle).map(({ pem }) => pem)));
    return make({ ...options, ...keyPairs });
  } finally {
    setDefaultCACertificates([]);
  }
}

/**
 * A profile's contexts, one for each certificate: of a context that is chosen by name Node takes the last certificate
 * only. The first whose key fits the client's signature algorithms is shown, the very first where none does.
 */
export function certificateChoice(
  tls: TlsSettings,
  profile: ProfilePolicy,
): (sharedSigalgs: readonly string[]) => SecureContext {
  const make = (one: ProfilePolicy) => withContextOptions(tls, one, (options) => createSecureContext(options));
  const choices = profile.certificates.map((certificate) => ({
    context: make({ ...profile, certificates: [certificate] }),
    sigalg: sigalgOf(certificatesFromPem(certificate.chainPem)[0]?.publicKey.asymmetricKeyType),
  }));
  const [first] = choices;
  if (first === undefined) throw new Error('a profile needs a certificate');
  return (sharedSigalgs) =>
    (choices.find(({ sigalg }) => sharedSigalgs.some((one) => sigalg.test(one))) ?? first).context;
}

function sigalgOf(keyType: string | undefined): RegExp {
  if (keyType === 'ec') return /^ecdsa/i;
  return keyType === 'ed25519' ? /^ed25519/i : /^rsa/i;
}

/** What Node has one of per port; given to every context too. Resumption and renegotiation are off: neither may carry over or skip a verdict. */
function tlsOptions(tls: TlsSettings): SecureContextOptions {
  return {
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ciphers: tls.ciphers.join(':'),
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  };
}
