import { command } from './command.ts';
import type { OpensslIdentity } from './openssl.ts';

export interface CurlAnswer {
  /** 0 where no HTTP answer came. */
  readonly status: number;
  /** `1.1` or `2`. */
  readonly version: string;
  readonly body: string;
  /** curl's own exit code and error line. */
  readonly code: number | null;
  readonly error: string;
}

export interface CurlOptions {
  readonly client?: OpensslIdentity | undefined;
  readonly http?: '1.1' | '2';
  /** Server name and authority; `localhost` by default. */
  readonly host?: string;
  readonly path?: string;
  readonly args?: readonly string[];
}

/** One request with curl. The server's certificate is not what is looked at here: `-k`. */
export async function curl(port: number, options: CurlOptions = {}): Promise<CurlAnswer> {
  const { client, http = '1.1', host = 'localhost', path = '/', args = [] } = options;
  const result = await command('curl', [
    ...['-sSk', '--max-time', '30', `--http${http}`, '--resolve', `${host}:${port}:127.0.0.1`],
    ...(client === undefined ? [] : ['--cert', client.chain, '--key', client.key]),
    ...['-w', '\n%{http_code} %{http_version}', ...args, `https://${host}:${port}${path}`],
  ]);
  const at = result.stdout.lastIndexOf('\n');
  const [status = '', version = ''] = result.stdout.slice(at + 1).split(' ');
  return {
    status: Number(status),
    version,
    body: result.stdout.slice(0, Math.max(at, 0)),
    code: result.code,
    error: result.stderr.trim(),
  };
}
