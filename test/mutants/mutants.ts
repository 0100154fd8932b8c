import { clientauthMutants } from './clientauth-mutants.ts';
import { crlMutants } from './crl-mutants.ts';
import { hpackMutants } from './hpack-mutants.ts';
import { http1Mutants } from './http1-mutants.ts';
import { http2Mutants } from './http2-mutants.ts';
import { injectMutants } from './inject-mutants.ts';
import type { Mutant } from './mutant.ts';
import { ocspMutants } from './ocsp-mutants.ts';
import { operatorMutants } from './operator-mutants.ts';
import { processMutants } from './process-mutants.ts';
import { proxyHttp2Mutants } from './proxy-http2-mutants.ts';
import { proxyMutants } from './proxy-mutants.ts';
import { relayMutants } from './relay-mutants.ts';
import { repeatsMutants } from './repeats-mutants.ts';
import { rewriteMutants } from './rewrite-mutants.ts';
import { workersMutants } from './workers-mutants.ts';
import { x509Mutants } from './x509-mutants.ts';

/** Every protection that can be taken away; a list a package, each in a file of its own. */
export const mutants: readonly Mutant[] = [
  ...x509Mutants,
  ...clientauthMutants,
  ...http1Mutants,
  ...hpackMutants,
  ...http2Mutants,
  ...ocspMutants,
  ...crlMutants,
  ...rewriteMutants,
  ...proxyMutants,
  ...proxyHttp2Mutants,
  ...repeatsMutants,
  ...processMutants,
  ...injectMutants,
  ...operatorMutants,
  ...relayMutants,
  ...workersMutants,
];
