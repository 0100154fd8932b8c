import { X509Certificate } from 'node:crypto';
import type { ReceivedRequest } from './received-request.ts';

/** What X-Client-Cert says, decoded; undefined where the header is absent. */
export interface ShownCertificate {
  readonly rows: readonly (readonly [name: string, value: string])[];
  /** Set where the header is there and holds no certificate. */
  readonly fault: string | undefined;
}

/** The certificate of a request's X-Client-Cert header, read for showing. Never throws. */
export function shownCertificate(request: ReceivedRequest): ShownCertificate | undefined {
  const values = request.headers.filter(([name]) => name.toLowerCase() === 'x-client-cert').map(([, value]) => value);
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1) return { rows: [], fault: `there are ${values.length} of them` };
  try {
    const certificate = new X509Certificate(decodeURIComponent(value));
    return {
      fault: undefined,
      rows: [
        ['Subject', oneLine(certificate.subject)],
        ['Issuer', oneLine(certificate.issuer)],
        ['Serial', certificate.serialNumber],
        ['Alternative names', certificate.subjectAltName ?? '–'],
        ['Valid', `${certificate.validFrom} – ${certificate.validTo}`],
        ['SHA-256', certificate.fingerprint256],
      ],
    };
  } catch (error) {
    return { rows: [], fault: error instanceof Error ? error.message : String(error) };
  }
}

/** The request as plain text: the request line, the headers as they came, and the certificate decoded. */
export function requestText(request: ReceivedRequest): string {
  const certificate = shownCertificate(request);
  const width = Math.max(0, ...(certificate?.rows ?? []).map(([name]) => name.length));
  return [
    'The application received:',
    '',
    `${request.method} ${request.target}`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    '',
    ...(certificate === undefined
      ? ['No X-Client-Cert header: nobody has vouched for this client.']
      : certificate.fault === undefined
        ? [
            'X-Client-Cert is the certificate of:',
            '',
            ...certificate.rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
          ]
        : [`X-Client-Cert cannot be read: ${certificate.fault}`]),
    '',
  ].join('\n');
}

/** The request as an HTML page without scripts; every value is escaped. */
export function requestPage(request: ReceivedRequest): string {
  const certificate = shownCertificate(request);
  const vouched =
    certificate === undefined
      ? '<p class="bad">No <code>X-Client-Cert</code> header: nobody has vouched for this client.</p>'
      : certificate.fault === undefined
        ? `<table>${certificate.rows.map(row).join('')}</table>`
        : `<p class="bad">It cannot be read: ${escapeHtml(certificate.fault)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lychgate demo</title>
<style>${style}</style>
</head>
<body>
<main>
<header><h1>Lychgate demo</h1><p>This is the application behind the gate. It shows what it received.</p></header>
<section><h2>Request</h2><p class="line"><b>${escapeHtml(request.method)}</b> ${escapeHtml(request.target)}</p></section>
<section><h2>Client certificate <small>from X-Client-Cert</small></h2>${vouched}</section>
<section><h2>Headers <small>${request.headers.length}</small></h2><table>${request.headers.map(row).join('')}</table></section>
</main>
</body>
</html>
`;
}

/** Text as HTML element content or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function row([name, value]: readonly [string, string]): string {
  return `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>\n`;
}

/** Node prints one attribute a line. */
function oneLine(name: string | undefined): string {
  return (name ?? '–').split('\n').reverse().join(', ');
}

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #777; --accent: #2b6a4d; }
@media (prefers-color-scheme: dark) { :root { --soft: #aaa; --accent: #7fc9a4; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header p { color: var(--soft); margin: 0; }
h1 { font-size: 1.6rem; margin: 0; color: var(--accent); }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
h2 small { font-weight: normal; color: var(--soft); }
.line, td, th, code { font-family: ui-monospace, monospace; font-size: .875rem; }
.line { margin: 0; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .4rem; overflow-wrap: anywhere; }
.bad { margin: 0; padding: .6rem .8rem; border-left: 4px solid #c0392b; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { width: 14rem; font-weight: 600; }
@media (max-width: 40rem) { th, td { display: block; width: auto; } td { border: 0; padding-top: 0; } }
`;
