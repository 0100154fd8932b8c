import { join } from 'node:path';

/*
 * What the outside (cluster.ts), the first process inside (inside.ts) and the configuration files agree on: the node's
 * addresses, which exist in its own network namespace only, and the places below its folder.
 */

/** The node's own address; pods reach what listens on it. */
export const nodeAddress = '10.99.0.1';
export const nodeName = 'node-1';
export const podRange = '10.88.0.0/16';
export const serviceRange = '10.96.0.0/16';
export const apiServiceAddress = '10.96.0.1';
export const dnsAddress = '10.96.0.10';

/** The places below the folder of one node. */
export function layoutOf(directory: string) {
  const at = (path: string) => join(directory, path);
  return {
    directory,
    /** The PID, as the host sees it, of the first process of the node's PID namespace. */
    pidFile: at('pid'),
    /** Appears when pods can be created. */
    readyFile: at('ready'),
    /** Why the node did not start or died. */
    faultFile: at('fault'),
    /** One file a process. */
    logs: at('log'),
    auditLog: at('log/audit.log'),
    pki: at('pki'),
    kubeconfig: (user: string) => at(`${user}.kubeconfig`),
    containerdSocket: at('containerd.sock'),
    containerdConfig: at('containerd.toml'),
    containerdRoot: at('containerd'),
    cni: at('cni'),
    corefile: at('Corefile'),
    kubeletConfig: at('kubelet.yaml'),
    kubeletRoot: at('kubelet'),
    auditPolicy: at('audit-policy.yaml'),
    etcd: at('etcd'),
    /** Stands in for /var/log inside: the pods' logs. */
    varLog: at('log/var'),
  } as const;
}

export type Layout = ReturnType<typeof layoutOf>;
