import type { Answer, ApiRequest, Connection } from './connection.ts';
import { failureOf, refusalOf } from './refusal.ts';

export interface AskLimits {
  /** For the whole exchange. */
  readonly deadlineMs: number;
  /** Of the answer's body. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** Sends a request and gives the parsed JSON of a successful answer. @throws ApiError for anything else. */
export function ask(connection: Connection, request: ApiRequest, limits: AskLimits): Promise<unknown> {
  return connection.exchange(request, limits, async (answer) => {
    if (answer.status < 200 || answer.status > 299) throw await refused(request, answer);
    const text = await readText(request, answer.body, limits.maxBytes);
    const value = parse(text);
    if (value === undefined) throw failureOf(request, 'Malformed', `the answer is no JSON: ${shown(text)}`);
    return value;
  });
}

/** The error for an answer that is no success; its body is read for the server's own words, as far as it is short. */
export async function refused(request: ApiRequest, answer: Answer): Promise<Error> {
  const text = await readText(request, answer.body, maxStatusBytes).catch(() => '');
  return refusalOf(request, answer.status, parse(text), answer.headers['retry-after']);
}

/** Parsed JSON, or undefined: no JSON text means undefined. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The beginning of what should have been JSON, for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

async function readText(request: ApiRequest, body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw failureOf(request, 'TooLarge', `the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const maxStatusBytes = 64 * 1024;
