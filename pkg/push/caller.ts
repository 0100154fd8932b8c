/** The pod that a token was issued to. What a caller says about itself counts for nothing. */
export interface PodCaller {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Unix milliseconds: until then the token proves anything. */
  readonly expiresAtMs: number;
}

/** The token proves nothing: gRPC UNAUTHENTICATED. The message goes to the caller. */
export class Unauthenticated extends Error {
  readonly code = 'UNAUTHENTICATED';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Unauthenticated';
  }
}

/** The token is good, but not for this: gRPC PERMISSION_DENIED. The message goes to the caller. */
export class PermissionDenied extends Error {
  readonly code = 'PERMISSION_DENIED';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'PermissionDenied';
  }
}

/** It cannot be told now (the API server does not answer): gRPC UNAVAILABLE, never a denial. */
export class Unavailable extends Error {
  readonly code = 'UNAVAILABLE';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Unavailable';
  }
}
