import { changed, type Json } from '../../pkg/translate/testdata/leaf-world.ts';

/** The shortest useful profile, with some fields replaced: `backend.port`; `[]` is the first entry, undefined takes away. */
export function profile(fields: Readonly<Record<string, Json | undefined>> = {}) {
  return resource('SslProfile', changed(shortestProfile, fields));
}

/** A rewrite set of one rule, with some fields replaced. */
export function rewriteSet(fields: Readonly<Record<string, Json | undefined>> = {}) {
  return resource('RewriteSet', changed(shortestSet, fields));
}

/** A resource as `kubectl apply` sends it. */
export function resource(kind: 'RewriteSet' | 'SslProfile', spec: Json) {
  return { apiVersion: 'lychgate.dev/v1alpha1', kind, metadata: { name: 'it', namespace: 'shop' }, spec };
}

export const shortestProfile: Json = {
  selector: { matchLabels: { app: 'shop' } },
  certificateRefs: [{ name: 'server' }],
  trustedClientCertificates: [{ kind: 'ConfigMap', name: 'ca' }],
  backend: { port: 8080 },
};

export const shortestSet: Json = {
  rewriteRules: [
    {
      name: 'first',
      ruleSequence: 100,
      actionSet: { requestHeaderConfigurations: [{ headerName: 'X-One', headerValue: 'one' }] },
    },
  ],
};
