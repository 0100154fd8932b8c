import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type PodText, podObject, profileObject } from '../../test/support/cluster-objects.ts';
import { checkGolden } from '../../test/support/golden.ts';
import { LabelSelector } from '../api/ssl-profile.ts';
import type { SidecarReport } from '../push/report.ts';
import type { Condition } from '../translate/fault.ts';
import { rewriteSetResource, sslProfileResource } from '../translate/world.ts';
import { observePod } from './observed-pod.ts';
import { judgePods, type StatusInput, statusesOf } from './status.ts';
import type { NamespaceView } from './view.ts';

interface Case {
  /** Also the golden file's. */
  readonly name: string;
  readonly pods?: readonly PodText[];
  readonly reports?: Readonly<Record<string, Partial<SidecarReport>>>;
  /** Of the profile and the rewrite set; both good unless given. */
  readonly profile?: readonly Condition[];
  readonly rewriteSet?: readonly Condition[];
  /** Whether the profile refers to the rewrite set. */
  readonly refers?: boolean;
  readonly generation?: number;
  readonly status?: unknown;
  readonly namespaceAsks?: NamespaceView['asks'];
  /** Since the offers; since the lease. */
  readonly ageMs?: number;
  readonly leadingMs?: number;
  readonly certificateNotAfterMs?: number;
}

const good: readonly Condition[] = [
  { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The profile can be used.' },
  { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'All references are resolved.' },
];
const ack = { result: 'Ack', digest: 'new' } as const;
const two = [{ name: 'web-1' }, { name: 'web-2' }];
const four = ['a', 'b', 'c', 'd'].map((letter) => ({ name: `web-${letter}`, deployment: 'web' }));
const wasReady = {
  observedGeneration: 1,
  conditions: (['Accepted', 'ResolvedRefs', 'Programmed', 'Ready'] as const).map((type) => ({
    type,
    status: 'True',
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    reason: 'Programmed',
    message: 'As before.',
  })),
  sidecars: { selected: 2, programmed: 2, rejected: 0, missing: 0, summary: '2/2' },
};

const cases: readonly Case[] = [
  { name: 'no pods', certificateNotAfterMs: Date.UTC(2027, 0, 2, 3, 4, 5, 678) },
  { name: 'in force everywhere', pods: two, reports: { 'web-1': ack, 'web-2': ack } },
  { name: 'a new profile waits for its sidecars', pods: two, reports: { 'web-1': ack } },
  {
    name: 'what was in force stays so while a new pod starts',
    pods: two,
    reports: { 'web-1': ack, 'web-2': { result: 'Connected', digest: 'new' } },
    status: wasReady,
  },
  {
    name: 'a new generation is not in force before all have it',
    generation: 2,
    pods: two,
    reports: { 'web-1': { result: 'Ack', digest: 'old' }, 'web-2': ack },
    status: wasReady,
  },
  {
    name: 'late pods',
    ageMs: 30_000,
    pods: two,
    reports: { 'web-1': { result: 'Connected', digest: 'new' } },
    status: wasReady,
  },
  {
    name: 'refused',
    pods: four,
    reports: Object.fromEntries(
      four.map(({ name }) => [
        name,
        { result: 'Nack', digest: 'new', reason: 'CompileFailed', message: 'cipher\u001b[31m unknown' },
      ]),
    ),
    status: wasReady,
  },
  {
    name: 'a stale refusal is no refusal',
    pods: two,
    reports: { 'web-1': { result: 'Nack', digest: 'new', reason: 'Stale' }, 'web-2': ack },
    status: wasReady,
  },
  {
    name: 'a refusal of an older offer is no refusal of this one',
    pods: two,
    reports: { 'web-1': { result: 'Nack', digest: 'old', reason: 'CompileFailed' }, 'web-2': ack },
  },
  {
    name: 'sidecars that are too old',
    pods: four,
    reports: Object.fromEntries(
      four.map(({ name }) => [name, { result: 'Outdated', digest: 'new', reason: 'MissingFeatures', message: 'crl' }]),
    ),
  },
  {
    name: 'pods that end are not counted',
    pods: [
      { name: 'web-1' },
      { name: 'job-1', phase: 'Succeeded' },
      { name: 'web-2', deletionTimestamp: '2026-01-01T00:00:00Z' },
    ],
    reports: { 'web-1': ack },
  },
  {
    name: 'pods that asked and have none',
    namespaceAsks: 'asked',
    pods: [
      { name: 'web-1' },
      { name: 'web-2', injected: false, deployment: 'web' },
      { name: 'web-3', injected: false },
      { name: 'other', injected: false, labels: { app: 'other' } },
      { name: 'declined', injected: false, labels: { 'lychgate.dev/inject': 'false' } },
    ],
    reports: { 'web-1': ack },
  },
  {
    name: 'a profile that cannot be used',
    pods: two,
    reports: { 'web-1': ack, 'web-2': ack },
    profile: [
      { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The profile can be used.' },
      { type: 'ResolvedRefs', status: 'False', reason: 'RefNotFound', message: 'Secret shop/shop-tls does not exist.' },
    ],
    refers: true,
  },
  {
    name: 'a profile that conflicts',
    pods: two,
    reports: { 'web-1': ack, 'web-2': ack },
    profile: [
      { type: 'Accepted', status: 'False', reason: 'Conflicted', message: 'spec.hostnames: taken.' },
      { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'All references are resolved.' },
    ],
  },
  {
    name: 'a reference of which nothing is known',
    pods: two,
    reports: { 'web-1': ack, 'web-2': ack },
    profile: [
      { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The profile can be used.' },
      { type: 'ResolvedRefs', status: 'Unknown', reason: 'RefUnknown', message: 'Secret shop/shop-tls: 403.' },
    ],
    status: wasReady,
  },
  {
    name: 'a rewrite set in use',
    pods: two,
    reports: { 'web-1': ack, 'web-2': ack },
    refers: true,
  },
  {
    name: 'exposed',
    pods: two,
    reports: { 'web-1': { ...ack, exposed: ['shop/partners 10.0.0.5:8080', 'shop/other 10.0.0.5:1'] }, 'web-2': ack },
  },
  {
    name: 'a new lease holder leaves the counts as they are',
    ageMs: 60_000,
    leadingMs: 9999,
    pods: two,
    reports: { 'web-1': ack },
    status: wasReady,
  },
  {
    name: 'a new lease holder that has heard of all counts at once',
    leadingMs: 1,
    pods: [{ name: 'web-1' }],
    reports: { 'web-1': ack },
    status: wasReady,
  },
  {
    name: 'a lease holder that has settled counts what it has heard',
    ageMs: 60_000,
    leadingMs: 10_000,
    pods: two,
    reports: { 'web-1': ack },
    status: wasReady,
  },
];

suite('the status of', () => {
  for (const entry of cases) {
    test(entry.name, () => {
      const statuses = statusesOf(inputOf(entry)).map(({ resource, status }) => ({ kind: resource.kind, ...status }));
      checkGolden(new URL(`testdata/status-${entry.name.replaceAll(' ', '-')}.yaml`, import.meta.url), statuses);
    });
  }
});

test('every pod that counts is in one state', () => {
  const input = inputOf({
    name: '',
    pods: [...two, { name: 'gone', phase: 'Failed' }],
    reports: { 'web-1': ack },
    ageMs: 40_000,
  });
  const states = judgePods(input).judged.map(({ state }) => state);
  assert.deepEqual(states, [{ kind: 'Programmed' }, { kind: 'Late', message: 'has not connected' }]);
});

function inputOf(entry: Case): StatusInput {
  const { pods = [], reports = {}, refers = false, generation = 1 } = entry;
  const nowMs = 1_000_000;
  const observed = pods
    .map(podObject)
    .map(observePod)
    .filter((pod) => pod !== undefined);
  const spec = refers ? { rewriteSets: [{ name: 'headers' }] } : {};
  const object = profileObject({ generation, spec });
  const metadata = { ...object.metadata, resourceVersion: '1' };
  const profile = sslProfileResource({ ...object, metadata, ...{ status: entry.status } });
  const set = rewriteSetResource({
    metadata: { name: 'headers', namespace: 'shop', uid: 'uid-headers', resourceVersion: '1', generation: 7 },
  });
  const view: NamespaceView = {
    namespace: 'shop',
    sslProfiles: [profile],
    rewriteSets: refers || entry.rewriteSet !== undefined || entry.name === 'no pods' ? [set] : [],
    secrets: [],
    configMaps: [],
    pods: observed,
    unknown: new Map(),
    asks: entry.namespaceAsks ?? 'absent',
  };
  const injected = observed.filter((pod) => pod.injected);
  return {
    namespace: {
      view,
      translation: {
        policies: new Map(),
        conditions: new Map([
          ['SslProfile shop/partners', entry.profile ?? good],
          ['RewriteSet shop/headers', entry.rewriteSet ?? good],
        ]),
        faults: [],
        certificateExpiries: new Map(
          entry.certificateNotAfterMs === undefined ? [] : [['SslProfile shop/partners', entry.certificateNotAfterMs]],
        ),
        references: new Map(),
        unknown: new Map(),
        inputs: new Map(),
        selectors: new Map([['SslProfile shop/partners', LabelSelector.parse({ matchLabels: { app: 'shop' } })]]),
        selections: new Map(injected.map(({ name }) => [`shop/${name}`, ['SslProfile shop/partners']])),
      },
    },
    offers: new Map(
      injected.map(({ name, uid }) => [
        `shop/${name}`,
        { digest: 'new', podUid: uid, sinceMs: nowMs - (entry.ageMs ?? 29_999) },
      ]),
    ),
    reportOf: (uid) => {
      const report = reports[uid.slice('uid-'.length)];
      return report === undefined ? undefined : { ...plainReport, podUid: uid, ...report };
    },
    nowMs,
    leadingSinceMs: nowMs - (entry.leadingMs ?? 60_000),
  };
}

const plainReport: SidecarReport = {
  podUid: '',
  namespace: 'shop',
  name: '',
  digest: '',
  schema: 1,
  features: [],
  version: '0.1.0',
  result: 'Connected',
  exposed: [],
  atMs: 0,
};
