import type * as z from 'zod';
import { apiVersion } from './metadata.ts';
import { RewriteSetSpec } from './rewrite-set.ts';
import { rewriteSetRules } from './rewrite-set-rules.ts';
import { SslProfileSpec } from './ssl-profile.ts';
import { sslProfileRules } from './ssl-profile-rules.ts';
import { pendingConditions, RewriteSetStatus, SslProfileStatus } from './status.ts';
import { type Extras, type StructuralSchema, structuralSchema, type ValidationRule } from './structural.ts';

/** A column of `kubectl get`; those of priority 1 are printed with `-o wide` only. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'date' | 'string';
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: 1;
}

/** A definition as apiextensions.k8s.io/v1 takes it, with one version. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: 'Namespaced';
    readonly versions: readonly [
      {
        readonly name: string;
        readonly served: true;
        readonly storage: true;
        readonly subresources: { readonly status: Readonly<Record<string, never>> };
        readonly additionalPrinterColumns: readonly PrinterColumn[];
        readonly schema: { readonly openAPIV3Schema: unknown };
      },
    ];
  };
}

/** Both kinds, as `kubectl apply` takes them. @throws NotStructural where a schema lacks a bound or a description. */
export function customResourceDefinitions(): readonly CustomResourceDefinition[] {
  return resourceKinds().map((kind) => {
    const name = `${kind.plural}.${group}`;
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name },
      spec: {
        group,
        names: {
          kind: kind.kind,
          listKind: `${kind.kind}List`,
          plural: kind.plural,
          singular: kind.kind.toLowerCase(),
          shortNames: [kind.shortName],
          categories: ['lychgate'],
        },
        scope: 'Namespaced',
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            subresources: { status: {} },
            additionalPrinterColumns: kind.columns,
            schema: { openAPIV3Schema: rootSchema(kind) },
          },
        ],
      },
    };
  });
}

/** A kind with everything that its definition and its reference page are made of. */
export interface ResourceKind {
  readonly kind: 'RewriteSet' | 'SslProfile';
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: StructuralSchema;
  readonly status: StructuralSchema;
  readonly columns: readonly PrinterColumn[];
}

/** Both kinds, the one that users begin with first. @throws NotStructural. */
export function resourceKinds(): readonly ResourceKind[] {
  return [
    {
      kind: 'SslProfile',
      plural: 'sslprofiles',
      shortName: 'sslp',
      description: 'What a gate asks of its clients, and for which pods of its namespace.',
      spec: specSchema(SslProfileSpec, sslProfileRules, {
        listMapKeys: {},
        atomicMaps: ['spec.selector'],
      }),
      status: statusSchema(SslProfileStatus),
      columns: [
        ready,
        {
          name: 'Programmed',
          type: 'string',
          jsonPath: '.status.sidecars.summary',
          description: 'Pods whose sidecar has the policy in force, of those that are to have it.',
        },
        {
          name: 'Hosts',
          type: 'string',
          jsonPath: '.spec.hostnames',
          description: 'Host names; none: what no other profile on the port claims.',
        },
        {
          name: 'Mode',
          type: 'string',
          jsonPath: '.spec.clientAuthConfiguration.verifyClientAuthMode',
          description: 'What is asked of the client certificate.',
        },
        {
          name: 'Expires',
          // A date would be printed as an age, and of a time to come as <invalid>.
          type: 'string',
          jsonPath: '.status.certificate.notAfter',
          description: 'When the first of the server certificates expires.',
        },
        ...lastColumns,
      ],
    },
    {
      kind: 'RewriteSet',
      plural: 'rewritesets',
      shortName: 'rws',
      description: 'Rules that rewrite requests and responses; profiles refer to them by name.',
      spec: specSchema(RewriteSetSpec, rewriteSetRules, {
        listMapKeys: { 'spec.rewriteRules': ['ruleSequence'] },
        atomicMaps: [],
      }),
      status: statusSchema(RewriteSetStatus),
      columns: [ready, ...lastColumns],
    },
  ];
}

function specSchema(
  schema: z.ZodType,
  rules: Readonly<Record<string, readonly ValidationRule[]>>,
  extras: Omit<Extras, 'rules'>,
): StructuralSchema {
  return structuralSchema(schema.describe('What is wanted.'), 'spec', { rules, ...extras });
}

function statusSchema(schema: z.ZodType): StructuralSchema {
  return {
    ...structuralSchema(schema.describe('What is; written by the operator.'), 'status', {
      rules: {},
      listMapKeys: { 'status.conditions': ['type'] },
      atomicMaps: [],
    }),
    default: { conditions: pendingConditions },
  };
}

function rootSchema({ description, spec, status }: ResourceKind) {
  return {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `${apiVersion}.` },
      kind: { type: 'string', description: 'Kind of the resource.' },
      metadata: { type: 'object' },
      spec,
      status,
    },
  };
}

const [group = '', version = ''] = apiVersion.split('/');

const ready: PrinterColumn = {
  name: 'Ready',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: 'Whether it is in force wherever it should be.',
};

const lastColumns: readonly PrinterColumn[] = [
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    description: 'Why.',
  },
  {
    name: 'Message',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].message',
    description: 'Why, and what to do next.',
    priority: 1,
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it exists.' },
];
