import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dnsAddress, type Layout, podRange } from './layout.ts';

/** The image of every pod's first container; it must be among the images that the node starts with. */
export const pauseImage = 'localhost/pause:1';

/** Writes the configuration files of containerd, its network plugins, CoreDNS, the kubelet and the API server's audit. */
export function writeConfiguration(layout: Layout): void {
  for (const folder of [layout.cni, layout.varLog, layout.kubeletRoot]) mkdirSync(folder, { recursive: true });
  writeFileSync(layout.containerdConfig, containerd(layout));
  writeFileSync(join(layout.cni, '10-pods.conflist'), JSON.stringify(podNetwork));
  writeFileSync(layout.corefile, corefile(layout));
  writeFileSync(layout.kubeletConfig, JSON.stringify(kubelet(layout)));
  writeFileSync(layout.auditPolicy, JSON.stringify(auditPolicy));
}

/**
 * restrict_oom_score_adj: runc may not lower a score without CAP_SYS_RESOURCE, which a container that runs this node
 * often lacks, and would then start nothing at all.
 */
function containerd({ containerdRoot, containerdSocket, cni }: Layout): string {
  return `version = 2
root = "${containerdRoot}"
state = "/run/containerd/state"
[grpc]
address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${pauseImage}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${cni}"
`;
}

/**
 * A routed pair of devices for each pod, and no bridge: on a bridge the answer of a pod to another pod's Service request
 * would go past the address translation, unless the kernel has br_netfilter.
 */
const podNetwork = {
  cniVersion: '1.0.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: podRange }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

function corefile(layout: Layout): string {
  return `cluster.local:53 in-addr.arpa:53 {
  bind ${dnsAddress}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${layout.kubeconfig('dns')}
  }
  cache 5
}
.:53 {
  bind ${dnsAddress}
  errors
  hosts ${layout.directory}/hosts {
    ttl 1
    reload 500ms
  }
}
`;
}

function kubelet({ pki, containerdSocket }: Layout) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(pki, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(pki, 'kubelet.crt'),
    tlsPrivateKeyFile: join(pki, 'kubelet.key'),
    clusterDNS: [dnsAddress],
    clusterDomain: 'cluster.local',
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    // A small disk that others fill must not evict pods from a test.
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    // Projected tokens, Secrets and ConfigMaps reach a pod within seconds instead of a minute.
    syncFrequency: '5s',
    resolvConf: '/dev/null',
  };
}

/** Who used which right: one line for each request of a service account, but for the control plane's own. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', userGroups: ['system:serviceaccounts:kube-system'] },
    { level: 'Metadata', userGroups: ['system:serviceaccounts'] },
    { level: 'None' },
  ],
};
