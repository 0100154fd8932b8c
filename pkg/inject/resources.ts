import { type PodSettings, podSettings } from '../api/pod-settings.ts';
import { quantityNano } from '../api/quantity.ts';
import { everyContainer, type PodSpec, type Resources } from './pod.ts';
import type { ResourceAmounts, SidecarResources } from './settings.ts';

/** The sidecar's resources in a pod, and what to say about them. */
export interface ChosenResources {
  readonly resources: Resources;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Chooses requests and limits: annotations before the operator's, and an amount of the operator gives way to one of the
 * pod that it would contradict. In a pod of class Guaranteed requests are raised to limits, so that it stays one. What a
 * pod bounds as a whole (`spec.resources`) is left to that bound.
 */
export function chooseResources(spec: PodSpec, settings: PodSettings, defaults: SidecarResources): ChosenResources {
  const faults: string[] = [];
  const warnings: string[] = [];
  const guaranteed = isGuaranteed(spec);
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  for (const resource of ['cpu', 'memory'] as const) {
    const own = ownAmounts(settings, resource);
    if (less(own.limit, own.request)) {
      faults.push(
        `annotation ${annotations[resource].request} (${own.request}) is above ${annotations[resource].limit} (${own.limit}); lower one or raise the other`,
      );
      continue;
    }
    const wholePod = hasAmount(spec.resources, resource);
    const chosen = wholePod ? own : merged(own, defaults, resource);
    if (wholePod && own.request === undefined && own.limit === undefined)
      warnings.push(sharesWarning(resource, defaults));
    const both = guaranteed ? (chosen.limit ?? chosen.request) : undefined;
    set(requests, resource, both ?? chosen.request);
    set(limits, resource, both ?? chosen.limit);
    if (both !== undefined && resource === 'cpu' && own.limit === undefined && own.request === undefined) {
      warnings.push(
        `the pod is of class Guaranteed and stays so: its sidecar gets ${both} CPU and no more; annotation ${annotations.cpu.limit} gives it another amount`,
      );
    }
  }
  const resources = {
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
  return { resources, faults, warnings };
}

interface Amounts {
  readonly request: string | undefined;
  readonly limit: string | undefined;
}

function ownAmounts(settings: PodSettings, resource: 'cpu' | 'memory'): Amounts {
  return resource === 'cpu'
    ? { request: settings.cpuRequest, limit: settings.cpuLimit }
    : { request: settings.memoryRequest, limit: settings.memoryLimit };
}

function merged(own: Amounts, { requests, limits }: SidecarResources, resource: keyof ResourceAmounts): Amounts {
  const request = own.request ?? requests[resource];
  const limit = own.limit ?? limits[resource];
  if (!less(limit, request)) return { request, limit };
  // One of the two is the operator's: the API server would refuse the pod for what the user never said.
  return own.request === undefined ? { request: limit, limit } : { request, limit: request };
}

/** Whether the first is known to be less than the second. */
function less(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const [left, right] = [quantityNano(one), quantityNano(other)];
  return left !== undefined && right !== undefined && left < right;
}

/** Class Guaranteed: limits of CPU and memory in every container, and no request below them. */
function isGuaranteed(spec: PodSpec): boolean {
  // Bounds of the whole pod alone decide its class where there are any.
  if (hasAmount(spec.resources, 'cpu') || hasAmount(spec.resources, 'memory')) return false;
  const containers = everyContainer(spec);
  return (
    containers.length > 0 &&
    containers.every(({ resources }) =>
      ['cpu', 'memory'].every((resource) => {
        const limit = nanoOf(resources?.limits?.[resource]);
        const request = nanoOf(resources?.requests?.[resource]) ?? limit;
        return limit !== undefined && limit > 0n && request === limit;
      }),
    )
  );
}

function nanoOf(amount: number | string | undefined): bigint | undefined {
  return amount === undefined ? undefined : quantityNano(String(amount));
}

function hasAmount(resources: Resources | null | undefined, resource: string): boolean {
  return resources?.requests?.[resource] !== undefined || resources?.limits?.[resource] !== undefined;
}

function sharesWarning(resource: 'cpu' | 'memory', { requests, limits }: SidecarResources): string {
  const amount = requests[resource] ?? limits[resource];
  const allow = amount === undefined ? '' : `; allow for ${amount} more in spec.resources`;
  return `the pod's ${resource} is bounded as a whole, and the sidecar has its share of it${allow}`;
}

function set(amounts: Record<string, string>, resource: string, amount: string | undefined): void {
  if (amount !== undefined) amounts[resource] = amount;
}

const annotations = {
  cpu: { request: podSettings.cpuRequest.annotation, limit: podSettings.cpuLimit.annotation },
  memory: { request: podSettings.memoryRequest.annotation, limit: podSettings.memoryLimit.annotation },
} as const;
