/** A field as a table holds it. */
export interface TableField {
  readonly name: string;
  readonly value: string;
  /** Octets that count against a table or a list: name, value and 32 (RFC 7541 4.1). */
  readonly size: number;
  /** What the decoder's `accepts` said of it. */
  readonly accepted: boolean;
}

/** What a field counts beside its name and its value (RFC 7541 4.1, RFC 9113 6.5.2). */
export const fieldOverhead = 32;

/** The size of the dynamic table before anybody says another, in octets (RFC 9113 6.5.2). */
export const defaultTableBytes = 4096;

/** Makes one. */
export function tableField(name: string, value: string, accepted: boolean): TableField {
  return { name, value, size: name.length + value.length + fieldOverhead, accepted };
}

/** Highest index of the static table; the dynamic table goes on behind it (RFC 7541 2.3.3). */
export const staticCount = 61;

/** RFC 7541 appendix A, by index; 0 is no index and holds nothing that is read. */
export const staticFields: readonly TableField[] = [
  '',
  ':authority',
  ':method: GET',
  ':method: POST',
  ':path: /',
  ':path: /index.html',
  ':scheme: http',
  ':scheme: https',
  ...['200', '204', '206', '304', '400', '404', '500'].map((status) => `:status: ${status}`),
  'accept-charset',
  'accept-encoding: gzip, deflate',
  'accept-language',
  'accept-ranges',
  'accept',
  'access-control-allow-origin',
  'age',
  'allow',
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'etag',
  'expect',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'link',
  'location',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'referer',
  'refresh',
  'retry-after',
  'server',
  'set-cookie',
  'strict-transport-security',
  'transfer-encoding',
  'user-agent',
  'vary',
  'via',
  'www-authenticate',
].map((line) => {
  const [name = '', value = ''] = line.split(': ');
  return tableField(name, value, true);
});
