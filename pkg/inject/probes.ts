import { sidecarPortNames } from '../api/pod-names.ts';
import type { PodSettings } from '../api/pod-settings.ts';
import { ProbesUnreadable, parseProbes, type RelayProbe, relayPath, secretHeader } from '../relay/probe.ts';
import { type Container, gracePeriodSeconds, type Handler, type HttpGet, nativeSidecars, type PodSpec } from './pod.ts';

/** A pod whose probes go through the relay. */
export interface RelayedProbes {
  readonly spec: PodSpec;
  /** What the relay has to know; empty: it is not needed. */
  readonly probes: readonly RelayProbe[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Sends the kubelet's HTTP, TCP and gRPC probes and HTTP lifecycle hooks of containers and native sidecars to the relay,
 * since nothing outside the pod reaches an application on loopback. Everything else of a probe stays. Those that ask
 * another host, or the sidecar's own ports, stay as they are. A hook does something, so its relay wants a secret.
 */
export function relayProbes(spec: PodSpec, settings: PodSettings, newSecret: () => string): RelayedProbes {
  const sidecars = new Set(nativeSidecars(spec));
  const context: Context = { settings, spec, secret: undefined, newSecret, probes: [], faults: [], warnings: [] };
  const relayed: PodSpec = {
    ...spec,
    ...(sidecars.size === 0
      ? {}
      : {
          initContainers: (spec.initContainers ?? []).map((container) =>
            sidecars.has(container) ? relayContainer(container, context) : container,
          ),
        }),
    containers: spec.containers.map((container) => relayContainer(container, context)),
  };
  return {
    spec: relayed,
    probes: context.probes,
    faults: [...context.faults, ...unreadable(context.probes)],
    warnings: context.warnings,
  };
}

interface Context {
  readonly settings: PodSettings;
  readonly spec: PodSpec;
  secret: string | undefined;
  readonly newSecret: () => string;
  readonly probes: RelayProbe[];
  readonly faults: string[];
  readonly warnings: string[];
}

/** Probe fields of a container and the kubelet's words for them. */
const probeFields = [
  ['startupProbe', 'startup'],
  ['readinessProbe', 'readiness'],
  ['livenessProbe', 'liveness'],
] as const;

function relayContainer(container: Container, context: Context): Container {
  const changed: Record<string, unknown> = {};
  for (const [field, name] of probeFields) {
    const probe = container[field];
    if (probe === undefined || probe === null) continue;
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    const relayed = relayHandler(probe, { container, field, name, timeoutMs, hook: false }, context);
    if (relayed !== probe) changed[field] = relayed;
  }
  const hooks: Record<string, unknown> = {};
  for (const name of ['postStart', 'preStop'] as const) {
    const hook = container.lifecycle?.[name];
    if (hook === undefined || hook === null) continue;
    const timeoutMs = name === 'preStop' ? gracePeriodSeconds(context.spec) * 1000 : postStartMs;
    const relayed = relayHandler(hook, { container, field: `lifecycle.${name}`, name, timeoutMs, hook: true }, context);
    if (relayed !== hook) hooks[name] = relayed;
  }
  if (Object.keys(hooks).length > 0) changed['lifecycle'] = { ...container.lifecycle, ...hooks };
  return Object.keys(changed).length === 0 ? container : { ...container, ...changed };
}

interface Place {
  readonly container: Container;
  readonly field: string;
  readonly name: 'liveness' | 'postStart' | 'preStop' | 'readiness' | 'startup';
  readonly timeoutMs: number;
  readonly hook: boolean;
}

function relayHandler(handler: Handler, place: Place, context: Context): Handler {
  const { httpGet, tcpSocket, grpc } = handler;
  const target = httpGet ?? tcpSocket ?? grpc;
  if (target === undefined || target === null) return handler;
  if (place.hook && httpGet === undefined) {
    if (tcpSocket !== undefined && tcpSocket !== null) {
      context.warnings.push(
        `${placeText(place)}: Kubernetes runs no tcpSocket hooks; it is left as it is, remove it or use exec`,
      );
    }
    return handler;
  }
  // The kubelet takes a host literally: `localhost` is the node. Only without one is it the pod.
  if ('host' in target && target.host !== undefined && target.host !== null && target.host !== '') return handler;
  const port = portOf(target.port, place, context);
  if (port === undefined) return handler;
  const { port: tls, adminPort, probePort } = context.settings;
  if (port === tls || port === adminPort || port === probePort) return withNumber(handler, target.port, port);
  const secret = place.hook ? (context.secret ??= context.newSecret()) : undefined;
  const id = `${place.container.name}/${place.name}`;
  context.probes.push({
    id,
    timeoutMs: Math.min(Math.max(place.timeoutMs, 1), longestMs),
    ...(secret === undefined ? {} : { secret }),
    ...questionOf(handler, port),
  });
  const { httpGet: _http, tcpSocket: _tcp, grpc: _grpc, ...rest } = handler;
  return {
    httpGet: {
      path: relayPath(id),
      port: probePort,
      scheme: 'HTTP',
      ...(secret === undefined ? {} : { httpHeaders: [{ name: secretHeader, value: secret }] }),
    },
    ...rest,
  };
}

type Question =
  | Pick<Extract<RelayProbe, { kind: 'httpGet' }>, 'headers' | 'kind' | 'path' | 'port' | 'scheme'>
  | Pick<Extract<RelayProbe, { kind: 'tcpSocket' }>, 'kind' | 'port'>
  | Pick<Extract<RelayProbe, { kind: 'grpc' }>, 'kind' | 'port' | 'service'>;

function questionOf({ httpGet, grpc }: Handler, port: number): Question {
  if (httpGet !== undefined && httpGet !== null) {
    return {
      kind: 'httpGet',
      port,
      scheme: httpGet.scheme?.toUpperCase() === 'HTTPS' ? 'HTTPS' : 'HTTP',
      path: pathOf(httpGet),
      headers: (httpGet.httpHeaders ?? []).map(({ name, value }) => ({ name, value: value ?? '' })),
    };
  }
  if (grpc !== undefined && grpc !== null) return { kind: 'grpc', port, service: grpc.service ?? '' };
  return { kind: 'tcpSocket', port };
}

/** As the kubelet sends it: with a leading slash, escaped, without a fragment. */
function pathOf({ path }: HttpGet): string {
  const sent = (path ?? '').replace(/#.*$/s, '').replaceAll(/[^\u0021-\u007e]/gu, encodeOne);
  return sent.startsWith('/') ? sent : `/${sent}`;
}

function encodeOne(character: string): string {
  // A lone surrogate cannot be encoded; Go's decoder has put U+FFFD in its place.
  return encodeURIComponent(character.isWellFormed() ? character : '\ufffd');
}

/** The number of a port; a name counts in its own container only, as for the kubelet. */
function portOf(port: number | string, place: Place, { settings, faults }: Context): number | undefined {
  if (typeof port === 'number') return port;
  const named = place.container.ports?.find(({ name }) => name === port);
  if (named !== undefined) return named.containerPort;
  if (/^[0-9]{1,5}$/.test(port)) return Number(port);
  if (port === sidecarPortNames.tls) return settings.port;
  if (port === sidecarPortNames.admin) return settings.adminPort;
  const known = (place.container.ports ?? []).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
  faults.push(
    `${placeText(place)} asks the port named ${JSON.stringify(port)}, which its container does not declare (${known.length === 0 ? 'it names none' : `it has ${known.join(', ')}`}); add it to the container's ports, or write the number`,
  );
  return undefined;
}

/** A name of ours means nothing to the kubelet in another container. */
function withNumber(handler: Handler, port: number | string, number: number): Handler {
  if (port === number) return handler;
  const { httpGet, tcpSocket } = handler;
  if (httpGet !== undefined && httpGet !== null) return { ...handler, httpGet: { ...httpGet, port: number } };
  if (tcpSocket !== undefined && tcpSocket !== null) return { ...handler, tcpSocket: { ...tcpSocket, port: number } };
  return handler;
}

/** What the sidecar would refuse when it starts is refused here, where somebody reads it. */
function unreadable(probes: readonly RelayProbe[]): string[] {
  const faults: string[] = [];
  for (const probe of probes) {
    try {
      parseProbes(JSON.stringify([probe]));
    } catch (error) {
      if (!(error instanceof ProbesUnreadable)) throw error;
      faults.push(`probe ${probe.id} cannot be relayed: ${error.message.replaceAll('\n', '; ')}`);
    }
  }
  return faults;
}

function placeText({ container, field }: Place): string {
  return `container ${container.name}: ${field}`;
}

/** The kubelet sets no limit to a postStart hook. */
const postStartMs = 3_600_000;
const longestMs = 86_400_000;
