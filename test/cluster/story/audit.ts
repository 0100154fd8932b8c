import assert from 'node:assert/strict';
import type { AuditEvent, TestCluster } from '../cluster.ts';
import type { Chapter } from './steps.ts';

/** What the API server saw of the operators: nothing was refused, and nothing is granted that is never used. */
export function audit(cluster: TestCluster, deniedOnPurpose: readonly Span[]): Chapter {
  return {
    name: 'Rights',
    steps: [
      {
        name: 'no request of an operator was refused, but where rights were taken away',
        run: () => {
          const refused = ofOperator(cluster.auditLog()).filter(
            (event) => event.responseStatus?.code === 403 && !isWithin(event, deniedOnPurpose),
          );
          assert.deepEqual(
            refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
            [],
          );
          return Promise.resolve(`${ofOperator(cluster.auditLog()).length} requests`);
        },
      },
      {
        name: 'every verb that the chart grants is used',
        run: async () => {
          const used = new Set(ofOperator(cluster.auditLog()).flatMap(usedRight));
          const granted = await grantedRights(cluster);
          const idle = [...granted].filter((right) => !used.has(right) && !rare.has(right)).toSorted();
          assert.deepEqual(idle, []);
          return `${granted.size} rights`;
        },
      },
    ],
  };
}

/** From one moment to another, Unix milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a story of minutes need not come to, and when it is needed. */
const rare: ReadonlyMap<string, string> = new Map([
  ['get /namespaces', 'a pod is made before the watch has told of its namespace'],
  ['get /pods', 'a sidecar dials before the watch has told of its pod'],
  ['update /secrets', 'the CA is rotated'],
  ['patch events.k8s.io/events', 'an event happens again'],
]);

const account = /^system:serviceaccount:lychgate-system:lychgate(-operator)?$/;

function ofOperator(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.filter(({ user }) => account.test(user.username));
}

function isWithin(event: AuditEvent, spans: readonly Span[]): boolean {
  const atMs = Date.parse(event.requestReceivedTimestamp);
  return spans.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
}

/** `patch lychgate.dev/sslprofiles/status` */
function usedRight({ verb, objectRef, responseStatus }: AuditEvent): readonly string[] {
  if (objectRef?.resource === undefined) return [];
  const { apiGroup = '', resource, subresource } = objectRef;
  const what = `${apiGroup}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
  // A server-side apply that makes the object needs the right to create it, too.
  return verb === 'patch' && responseStatus?.code === 201 ? [`patch ${what}`, `create ${what}`] : [`${verb} ${what}`];
}

/** Of every role that names the operator's service account, by its binding. */
async function grantedRights(cluster: TestCluster): Promise<ReadonlySet<string>> {
  const listed: unknown = JSON.parse(
    await cluster.kubectl([
      ...['get', 'clusterroles,roles', '-A', '-l', 'app.kubernetes.io/instance=lychgate', '-o', 'json'],
    ]),
  );
  assert.ok(typeof listed === 'object' && listed !== null && 'items' in listed && Array.isArray(listed.items));
  const rights = new Set<string>();
  for (const role of listed.items as readonly Role[]) {
    // Those are for people, and for the pod of helm test.
    const name = role.metadata.name;
    if (/-(view|edit|admin|test)$/.test(name)) continue;
    for (const { apiGroups = [], resources = [], verbs } of role.rules ?? []) {
      for (const group of apiGroups) {
        for (const resource of resources) for (const verb of verbs) rights.add(`${verb} ${group}/${resource}`);
      }
    }
  }
  assert.ok(rights.size > 0, 'no role of the release was found');
  return rights;
}

interface Role {
  readonly metadata: { readonly name: string };
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[];
    readonly resources?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}
