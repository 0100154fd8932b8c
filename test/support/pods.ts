import fc from 'fast-check';
import type { Container, Pod } from '../../pkg/inject/pod.ts';

/** Pods as people write them, most of which can have a sidecar. */
export function podArbitrary(): fc.Arbitrary<Pod> {
  const port = fc.constantFrom<(number | string)[]>(8080, 8081, 8443, 9000, 'http', 'grpc');
  const http = fc.record(
    {
      port,
      path: fc.constantFrom('/', '/healthz?a=b', 'up', '/a b'),
      scheme: fc.constantFrom('HTTP', 'HTTPS'),
      host: fc.constantFrom('', 'other.example.com'),
      httpHeaders: fc.constantFrom(
        [],
        [
          { name: 'Host', value: 'shop' },
          { name: 'X-A', value: '$(B)' },
        ],
      ),
    },
    { requiredKeys: ['port'] },
  );
  const handler = fc.oneof(
    http.map((httpGet) => ({ httpGet })),
    port.map((number) => ({ tcpSocket: { port: number } })),
    fc.constant({ exec: { command: ['true'] } }),
  );
  const probe = fc
    .oneof(handler, fc.constant({ grpc: { port: 9000 } }))
    .chain((one) =>
      fc
        .record(
          { timeoutSeconds: fc.integer({ min: 1, max: 30 }), periodSeconds: fc.integer({ min: 1, max: 30 }) },
          { requiredKeys: [] },
        )
        .map((times) => ({ ...one, ...times })),
    );
  const amounts = fc.constantFrom(
    undefined,
    { limits: { cpu: '1', memory: '1Gi' } },
    { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
    { requests: { cpu: '100m' } },
  );
  const container = (kind: 'app' | 'init' | 'native') =>
    fc
      .record(
        {
          image: fc.constant('web'),
          ports: fc.constantFrom(
            [
              { name: 'http', containerPort: 8080 },
              { name: 'grpc', containerPort: 9000 },
            ],
            [
              { name: 'http', containerPort: 8080, protocol: 'TCP' },
              { name: 'grpc', containerPort: 9000 },
              { containerPort: 8443, protocol: 'UDP' },
            ],
          ),
          resources: amounts,
          securityContext: fc.constantFrom(restricted, { ...restricted, runAsUser: 1000 }, {}),
          ...(kind === 'init'
            ? {}
            : {
                startupProbe: probe,
                readinessProbe: probe,
                livenessProbe: probe,
                lifecycle: fc.record({ postStart: handler, preStop: handler }, { requiredKeys: [] }),
              }),
          ...(kind === 'native' ? { restartPolicy: fc.constant('Always') } : {}),
        },
        { requiredKeys: kind === 'native' ? ['restartPolicy', 'ports'] : ['ports'] },
      )
      .map((fields) => ({ ...fields }));
  const named = (prefix: string, list: fc.Arbitrary<object[]>): fc.Arbitrary<Container[]> =>
    list.map((containers) => containers.map((one, index) => ({ name: `${prefix}-${index}`, ...one })));
  const pod = fc.record({
    metadata: fc.record(
      {
        labels: fc.constantFrom({ app: 'web' }, { 'lychgate.dev/inject': 'true' }),
        annotations: fc.constantFrom({}, { 'lychgate.dev/port': '9443' }, { 'lychgate.dev/cpu-limit': '50m' }),
      },
      { requiredKeys: [] },
    ),
    spec: fc.record(
      {
        containers: named('app', fc.array(container('app'), { minLength: 1, maxLength: 3 })),
        initContainers: named('init', fc.array(fc.oneof(container('init'), container('native')), { maxLength: 3 })),
        volumes: fc.constantFrom([], [{ name: 'data', emptyDir: {} }]),
        restartPolicy: fc.constantFrom('Always', 'Never'),
        terminationGracePeriodSeconds: fc.integer({ min: 0, max: 120 }),
        imagePullSecrets: fc.constantFrom([], [{ name: 'pull' }], [{ name: 'other' }]),
      },
      { requiredKeys: ['containers'] },
    ),
  });
  // As it comes over the wire: what is undefined is absent.
  return pod.map((value) => JSON.parse(JSON.stringify(value)) as Pod);
}

const restricted = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
