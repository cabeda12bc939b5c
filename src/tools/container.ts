/** Containers, by what runtimes call their cgroups. */

const CONTAINER = /(?:^|[-:/])(?<!conmon-)([0-9a-f]{64})(?:\.scope)?(?:\/|$)/; // conmon watches one from outside
const POD = /pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})/;

/** Id of the container that a cgroup belongs to, by its path: 64 hexadecimal digits, as docker, containerd and cri-o name them. */
export const containerOf = (path: string): string | undefined => CONTAINER.exec(path)?.[1];

/** Uid of the Kubernetes pod. */
export const podOf = (path: string): string | undefined => POD.exec(path)?.[1]?.replaceAll('_', '-');
