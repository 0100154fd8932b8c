/**
 * Why a client certificate was refused: one vocabulary for the response body, the log, the metric label and
 * `{var_client_certificate_verification}`.
 */
export const rejectReasons = [
  /** The certificate's validity has ended. */
  'Expired',
  /** The certificate is not well formed: version, key, extensions or size. */
  'InvalidCertificate',
  /** Its issuer is trusted, but is not the immediate issuer that the bundle names. */
  'IssuerMismatch',
  /** Nothing was presented where something must be. */
  'NoCertificate',
  /** Valid, but matched by no allow entry. */
  'NotAllowed',
  /** The certificate's validity has not begun. */
  'NotYetValid',
  /** The certificate names no OCSP responder, and the profile neither. */
  'ResponderMissing',
  /** A responder that may say so says: revoked. */
  'Revoked',
  /** No acceptable answer could be had. */
  'RevocationUnavailable',
  /** A responder that may say so does not know the certificate. */
  'RevocationUnknown',
  /** The trust under which the connection began has been withdrawn. */
  'TrustWithdrawn',
  /** No verified path to a trusted certificate. */
  'UntrustedIssuer',
  /** Not meant for TLS clients. */
  'WrongPurpose',
] as const;
export type RejectReason = (typeof rejectReasons)[number];
