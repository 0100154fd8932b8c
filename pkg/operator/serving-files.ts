import { X509Certificate } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyPair, KeyPairInvalid } from '../policy/key-pair.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { ServingCertificate } from '../push/certificates.ts';
import { certificatesFromPem, PemMalformed } from '../x509/pem.ts';
import { type CertificateSource, holdCertificate } from './certificate-source.ts';

export interface ServingFilesOptions {
  /** A mounted Secret with `tls.crt`, `tls.key` and `ca.crt`, as cert-manager fills it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A serving certificate from files, read again at every look; its issuer rotates it. What is broken or torn is a fault
 * and the last good one serves on. The kubelet swaps all three files at once by one symbolic link, so they are read
 * from where it points.
 */
export function serveFromFiles({ directory, clock, log }: ServingFilesOptions): CertificateSource {
  const holder = holdCertificate();
  let held: Read | undefined;
  let fault: string | undefined;

  async function look(): Promise<void> {
    try {
      const read = await readCertificate(directory);
      fault = undefined;
      if (held?.certificate.certPem === read.certificate.certPem && held.certificate.caPem === read.certificate.caPem) {
        return;
      }
      held = read;
      holder.set(read.certificate);
      log.info('serving certificate read', { directory, notAfter: new Date(read.notAfterMs).toISOString() });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `serving certificate in ${directory}: ${why}`;
      if (message !== fault) log.warn('serving certificate cannot be read', { directory, why });
      fault = message;
    }
  }

  return {
    certificates: holder,
    bundlePem: () => held?.certificate.caPem,
    faults() {
      if (held === undefined) return [fault ?? `serving certificate in ${directory} has not been read yet`];
      if (held.notAfterMs > clock.wallMs()) return [];
      return [`the serving certificate in ${directory} has expired${fault === undefined ? '' : `: ${fault}`}`];
    },
    warnings: () => (fault === undefined ? [] : [fault]),
    state: () =>
      held === undefined
        ? undefined
        : { caNotAfterMs: undefined, servingNotAfterMs: held.notAfterMs, rotation: 'Idle' },
    look,
    close: () => undefined,
  };
}

interface Read {
  readonly certificate: ServingCertificate;
  readonly notAfterMs: number;
}

async function readCertificate(directory: string): Promise<Read> {
  const folder = await realpath(join(directory, '..data')).catch(() => directory);
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const [certPem, keyPem, caPem] = await Promise.all([read('tls.crt'), read('tls.key'), read('ca.crt')]);
  const pair = inFile('tls.crt and tls.key', () => KeyPair.fromPem(certPem, keyPem));
  inFile('tls.crt', () => certificatesFromPem(certPem));
  inFile('ca.crt (sidecars know the operator by it; an issuer that gives none cannot be used)', () =>
    certificatesFromPem(caPem),
  );
  const notAfterMs = new X509Certificate(certPem).validToDate.getTime();
  return { certificate: { certPem, keyPem: pair.revealKeyPem(), caPem }, notAfterMs };
}

function inFile<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof KeyPairInvalid || error instanceof PemMalformed) throw new Error(`${name}: ${error.message}`);
    throw error;
  }
}
