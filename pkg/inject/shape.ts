import { isRecord } from '../api/raw.ts';
import type { Pod } from './pod.ts';

/** A value that is a pod as far as this package looks at it, or what is wrong with it, each with its path. */
export type ReadPod =
  | { readonly kind: 'pod'; readonly pod: Pod }
  | { readonly kind: 'fault'; readonly faults: readonly string[] };

/** Reads a pod or a pod's template. The API server refuses much more; this is what types here rely on. Never throws. */
export function readPod(value: unknown, at = ''): ReadPod {
  const faults: string[] = [];
  return matches<Pod>(value, pod, at, faults) ? { kind: 'pod', pod: value } : { kind: 'fault', faults };
}

type Shape =
  | 'boolean'
  | 'number'
  | 'port'
  | 'quantity'
  | 'string'
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly required: readonly string[]; readonly fields: Readonly<Record<string, Shape>> };

/** `T` is what the shape describes: the one place where the two are held together. */
function matches<T>(value: unknown, shape: Shape, at: string, faults: string[]): value is T {
  check(value, shape, at, faults);
  return faults.length === 0;
}

function check(value: unknown, shape: Shape, at: string, faults: string[]): void {
  if (typeof shape === 'string') {
    if (!scalarMatches(value, shape)) faults.push(wrong(at, scalarNames[shape], value));
    return;
  }
  if ('list' in shape) {
    if (!Array.isArray(value)) faults.push(wrong(at, 'a list', value));
    else for (const [index, item] of value.entries()) check(item, shape.list, `${at}[${index}]`, faults);
    return;
  }
  if (!isRecord(value)) {
    faults.push(wrong(at, 'an object', value));
    return;
  }
  const prefix = at === '' ? '' : `${at}.`;
  if ('map' in shape) {
    for (const [key, item] of Object.entries(value)) check(item, shape.map, `${prefix}${key}`, faults);
    return;
  }
  for (const [name, field] of Object.entries(shape.fields)) {
    const item = value[name];
    if (item !== undefined && item !== null) check(item, field, `${prefix}${name}`, faults);
    else if (shape.required.includes(name)) faults.push(`${prefix}${name} is missing`);
  }
}

function scalarMatches(value: unknown, shape: keyof typeof scalarNames): boolean {
  switch (shape) {
    case 'quantity':
    case 'port':
      return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
    case 'number':
      return typeof value === 'number' && Number.isSafeInteger(value);
    default:
      return typeof value === shape;
  }
}

function wrong(at: string, expected: string, value: unknown): string {
  const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
  return `${at === '' ? 'the pod' : at} must be ${expected}, found ${found}`;
}

const scalarNames = {
  boolean: 'true or false',
  number: 'a whole number',
  port: "a port's number or name",
  quantity: 'a quantity',
  string: 'a string',
} as const;

const resources: Shape = {
  required: [],
  fields: { requests: { map: 'quantity' }, limits: { map: 'quantity' } },
};

const handlerFields = {
  httpGet: {
    required: ['port'],
    fields: {
      path: 'string',
      port: 'port',
      host: 'string',
      scheme: 'string',
      httpHeaders: { list: { required: ['name'], fields: { name: 'string', value: 'string' } } },
    },
  },
  tcpSocket: { required: ['port'], fields: { port: 'port', host: 'string' } },
  grpc: { required: ['port'], fields: { port: 'number', service: 'string' } },
} as const satisfies Record<string, Shape>;

const handler: Shape = { required: [], fields: handlerFields };
const probe: Shape = { required: [], fields: { ...handlerFields, timeoutSeconds: 'number' } };

const container: Shape = {
  required: ['name'],
  fields: {
    name: 'string',
    restartPolicy: 'string',
    ports: {
      list: { required: ['containerPort'], fields: { name: 'string', containerPort: 'number', protocol: 'string' } },
    },
    resources,
    startupProbe: probe,
    readinessProbe: probe,
    livenessProbe: probe,
    lifecycle: { required: [], fields: { postStart: handler, preStop: handler } },
  },
};

const volume: Shape = {
  required: ['name'],
  fields: {
    name: 'string',
    projected: {
      required: [],
      fields: {
        sources: {
          list: {
            required: [],
            fields: { serviceAccountToken: { required: [], fields: { audience: 'string' } } },
          },
        },
      },
    },
  },
};

const pod: Shape = {
  required: ['spec'],
  fields: {
    metadata: {
      required: [],
      fields: {
        name: 'string',
        generateName: 'string',
        namespace: 'string',
        labels: { map: 'string' },
        annotations: { map: 'string' },
      },
    },
    spec: {
      required: ['containers'],
      fields: {
        hostNetwork: 'boolean',
        shareProcessNamespace: 'boolean',
        restartPolicy: 'string',
        terminationGracePeriodSeconds: 'number',
        os: { required: [], fields: { name: 'string' } },
        nodeSelector: { map: 'string' },
        imagePullSecrets: { list: { required: [], fields: { name: 'string' } } },
        volumes: { list: volume },
        initContainers: { list: container },
        containers: { list: container },
        ephemeralContainers: { list: { required: ['name'], fields: { name: 'string' } } },
        resources,
      },
    },
  },
};
