import { sidecarPortNames, sidecarVolumeNames } from '../api/pod-names.ts';
import { type PodSettings, podSettings } from '../api/pod-settings.ts';
import { everyContainer, type PodSpec } from './pod.ts';

/** Why a pod cannot have a sidecar, each with what to do. `relay`: whether the relay's port is needed. */
export function refusals(spec: PodSpec, settings: PodSettings, relay: boolean): readonly string[] {
  return [...platform(spec), ...portCollisions(spec, settings, relay), ...volumeCollisions(spec)];
}

function platform({ hostNetwork, os, nodeSelector }: PodSpec): string[] {
  const faults: string[] = [];
  if (hostNetwork === true) {
    faults.push(
      'hostNetwork is true: the gate would open its ports on the node, and the application\'s loopback is the node\'s; remove hostNetwork, or set label lychgate.dev/inject: "false"',
    );
  }
  if (os?.name === 'windows' || nodeSelector?.['kubernetes.io/os'] === 'windows') {
    faults.push('the pod is for Windows and the sidecar runs on Linux; set label lychgate.dev/inject: "false"');
  }
  return faults;
}

function portCollisions(spec: PodSpec, settings: PodSettings, relay: boolean): string[] {
  const ours = [
    { name: sidecarPortNames.tls, number: settings.port, annotation: podSettings.port.annotation },
    { name: sidecarPortNames.admin, number: settings.adminPort, annotation: podSettings.adminPort.annotation },
    ...(relay
      ? [{ name: sidecarPortNames.probe, number: settings.probePort, annotation: podSettings.probePort.annotation }]
      : []),
  ];
  return everyContainer(spec).flatMap((container) =>
    (container.ports ?? []).flatMap(({ name, containerPort, protocol }) =>
      ours.flatMap((our) => [
        ...(name === our.name
          ? [`container ${container.name} has a port named ${name}, as the sidecar's is; rename the container's`]
          : []),
        // The same number of UDP or SCTP is another port.
        ...(containerPort === our.number && (protocol ?? 'TCP') === 'TCP'
          ? [
              `container ${container.name} uses port ${containerPort}, as the sidecar does for ${our.name}; set annotation ${our.annotation} to a free port`,
            ]
          : []),
      ]),
    ),
  );
}

function volumeCollisions(spec: PodSpec): string[] {
  const ours: readonly string[] = Object.values(sidecarVolumeNames);
  return (spec.volumes ?? [])
    .filter(({ name }) => ours.includes(name))
    .map(({ name }) => `a volume is named ${name}, as the sidecar's is; rename it`);
}
