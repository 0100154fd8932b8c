// helm test: the webhook's configuration has a CA, both ports prove themselves under it, and a pod gets its gate.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:tls';

const account = '/var/run/secrets/kubernetes.io/serviceaccount';
const { CONFIGURATION, SERVICE_HOST, KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT_HTTPS } = process.env;

const configuration = await json({
  host: KUBERNETES_SERVICE_HOST,
  port: KUBERNETES_SERVICE_PORT_HTTPS,
  path: `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${CONFIGURATION}`,
  ca: readFileSync(`${account}/ca.crt`),
  headers: { authorization: `Bearer ${readFileSync(`${account}/token`, 'utf8').trim()}` },
});
for (const { name, clientConfig } of configuration.webhooks) {
  assert.ok(clientConfig.caBundle, `${name} has no caBundle yet: does the operator run, and lead?`);
}
const ca = Buffer.from(configuration.webhooks[0].clientConfig.caBundle, 'base64');
console.log(`ok: ${CONFIGURATION} has a CA`);

await new Promise((resolve, reject) => {
  const socket = connect({ host: SERVICE_HOST, port: 9443, servername: SERVICE_HOST, ca, ALPNProtocols: ['h2'] });
  socket.setTimeout(10_000, () => socket.destroy(new Error('the push port does not answer within 10 s')));
  socket.on('error', reject);
  socket.on('secureConnect', () => {
    const { alpnProtocol } = socket;
    socket.destroy();
    if (alpnProtocol === 'h2') resolve();
    else reject(new Error(`the push port speaks ${alpnProtocol}, not h2`));
  });
});
console.log(`ok: ${SERVICE_HOST}:9443 proves itself and speaks h2`);

const uid = 'e7a1c1de-0000-4000-8000-000000000001';
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'helm-test', namespace: 'default', labels: { 'lychgate.dev/inject': 'true' } },
  spec: { containers: [{ name: 'app', image: 'app' }] },
};
const review = await json(
  { host: SERVICE_HOST, port: 443, path: '/inject/pod?timeout=5s', method: 'POST', ca, headers: { 'content-type': 'application/json' } },
  {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      name: 'helm-test',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: {},
      object: pod,
      dryRun: true,
    },
  },
);
assert.equal(review.response?.uid, uid);
assert.equal(review.response.allowed, true, `the webhook denies a plain pod: ${review.response.status?.message}`);
const patch = JSON.parse(Buffer.from(review.response.patch ?? 'W10=', 'base64').toString());
const containers = patch.find(({ path }) => path === '/spec/initContainers')?.value;
assert.equal(containers?.[0]?.name, 'lychgate', 'the webhook lets a pod pass that asks for a gate, and gives it none');
console.log(`ok: ${SERVICE_HOST}:443 gives a pod its gate`);

function json(options, body) {
  return new Promise((resolve, reject) => {
    const call = request({ timeout: 10_000, ...options }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${options.host}${options.path}: status ${answer.statusCode}: ${text.slice(0, 500)}`));
      });
      answer.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error(`${options.host}${options.path} does not answer within 10 s`)));
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
