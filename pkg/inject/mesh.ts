import { everyContainer, type Pod } from './pod.ts';
import type { PodNamespace } from './settings.ts';

/**
 * Warnings about meshes whose own sidecar takes the connections to our port first: TLS then ends, or is tunnelled, at
 * theirs, and the client's address is lost. Each names the annotation that leaves the port to us.
 */
export function meshWarnings(pod: Pod, namespace: PodNamespace, port: number): readonly string[] {
  const { labels, annotations } = pod.metadata ?? {};
  const words: Words = {
    pod: { ...labels, ...annotations },
    namespace: { ...namespace.labels, ...namespace.annotations },
    containers: new Set(everyContainer(pod.spec).map(({ name }) => name)),
  };
  return meshes.flatMap(({ name, container, captures, exclusion }) => {
    if (!(words.containers.has(container) || captures(words))) return [];
    if (listed(words.pod[exclusion] ?? '', port)) return [];
    return [
      `${name} captures port ${port} before the gate; set annotation ${exclusion}: "${port}" on the pod, added to what is there`,
    ];
  });
}

interface Words {
  /** Labels and annotations in one: meshes have moved settings from one to the other. */
  readonly pod: Readonly<Record<string, string>>;
  readonly namespace: Readonly<Record<string, string>>;
  readonly containers: ReadonlySet<string>;
}

/** Whether a list of ports and ranges (`80,8000-8999`) has a port, or is `*`. */
function listed(list: string, port: number): boolean {
  return list.split(',').some((part) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (match === null) return part.trim() === '*';
    const first = Number(match[1]);
    return first <= port && port <= Number(match[2] ?? first);
  });
}

function on(...values: (string | undefined)[]): boolean {
  const value = values.find((one) => one !== undefined);
  return value !== undefined && value !== 'false' && value !== 'disabled';
}

const meshes: readonly {
  readonly name: string;
  readonly container: string;
  captures(words: Words): boolean;
  readonly exclusion: string;
}[] = [
  {
    name: 'Istio',
    container: 'istio-proxy',
    captures: ({ pod, namespace }) =>
      on(pod['sidecar.istio.io/inject'], pod['istio.io/rev'], namespace['istio-injection'], namespace['istio.io/rev']),
    exclusion: 'traffic.sidecar.istio.io/excludeInboundPorts',
  },
  {
    name: 'Linkerd',
    container: 'linkerd-proxy',
    captures: ({ pod, namespace }) => on(pod['linkerd.io/inject'], namespace['linkerd.io/inject']),
    exclusion: 'config.linkerd.io/skip-inbound-ports',
  },
  {
    name: 'Kuma',
    container: 'kuma-sidecar',
    captures: ({ pod, namespace }) => on(pod['kuma.io/sidecar-injection'], namespace['kuma.io/sidecar-injection']),
    exclusion: 'traffic.kuma.io/exclude-inbound-ports',
  },
];
