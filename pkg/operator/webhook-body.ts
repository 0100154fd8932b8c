import type { IncomingMessage } from 'node:http';

/** A request that gets an HTTP error instead of a review. */
export class BodyRefused extends Error {
  readonly code = 'BODY_REFUSED';
  override readonly name = 'BodyRefused';
  /** Of the answer. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads bodies within limits for each and for all together. */
export interface BodyReader {
  /** The whole body of a JSON request as text. @throws BodyRefused: 413, 415, 503 when all together are too large, 400 when it is cut off or not UTF-8. */
  read(request: IncomingMessage): Promise<string>;
}

/** A reader whose bodies share one limit; what a caller announces is not counted, only what it sends. */
export function createBodyReader(): BodyReader {
  let held = 0;
  return {
    async read(request) {
      const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
      if (type !== 'application/json') {
        throw new BodyRefused(415, `content type ${JSON.stringify(type)}, expected application/json`);
      }
      if (request.headers['content-encoding'] !== undefined) throw new BodyRefused(415, 'the body must not be encoded');
      let own = 0;
      const count = (bytes: number) => {
        own += bytes;
        held += bytes;
        if (own > maxBodyBytes) throw new BodyRefused(413, `the body has more than ${maxBodyBytes} bytes`);
        if (held > maxAllBytes) throw new BodyRefused(503, 'too many large bodies at once; try again');
      };
      try {
        return utf8(await collect(request, count));
      } finally {
        held -= own;
      }
    },
  };
}

function collect(request: IncomingMessage, count: (bytes: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      try {
        count(chunk.byteLength);
        chunks.push(chunk);
      } catch (error) {
        // What still comes is dropped, so that the caller gets to read the answer.
        request.removeAllListeners('data');
        request.resume();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    const cut = () => reject(new BodyRefused(400, 'the body was cut off'));
    request.on('error', cut);
    request.on('close', cut);
  });
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BodyRefused(400, 'the body is not UTF-8');
  }
}

/** The API server's own limit for an object is 1.5 MiB, and a review may have two. */
const maxBodyBytes = 3 * 1024 * 1024;
const maxAllBytes = 32 * 1024 * 1024;
