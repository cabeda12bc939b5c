/** What this process may do, from /proc. */
import type { Rights } from '../report/doctor/facts.js';
import { textOf } from './doctor/text.js';

/** include/uapi/linux/capability.h, as far as ktrace uses them. */
export const CAPABILITIES = { CAP_DAC_OVERRIDE: 1, CAP_DAC_READ_SEARCH: 2, CAP_KILL: 5, CAP_SETGID: 6, CAP_SETUID: 7, CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21, CAP_SYS_RESOURCE: 24, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

/** A kernel without user namespaces has no such file. */
const WHOLE = '0 0 4294967295';

/** undefined without /proc. */
export function readRights(): Rights | undefined {
  const status = textOf('/proc/self/status');
  return status === undefined ? undefined : parseRights(status, textOf('/proc/self/uid_map') ?? WHOLE);
}

/** From the texts of /proc/PID/status and uid_map. */
export function parseRights(status: string, uidMap: string): Rights {
  const mask = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
  const [, uid = 0, euid = 0] = (/^Uid:\s*(\d+)\s+(\d+)/m.exec(status) ?? []).map(Number);
  return {
    uid,
    euid,
    effective: names(mask('CapEff')),
    bounding: names(mask('CapBnd')),
    // An ordinary user's program starts with the ambient ones, and with what its file gives.
    fromFile: uid !== 0 && (euid !== uid || (mask('CapPrm') & ~mask('CapAmb')) !== 0n),
    inUserNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap),
    seccomp: /^Seccomp:\s*[12]$/m.test(status),
  };
}

/** Who called sudo(8), when this is root by it; undefined else, and for root's own sudo. */
export function sudoCaller(env: Readonly<Record<string, string | undefined>> = process.env): { readonly uid: number; readonly gid: number | undefined } | undefined {
  const uid = process.geteuid?.() === 0 ? idOf(env.SUDO_UID) : undefined;
  return uid ? { uid, gid: idOf(env.SUDO_GID) } : undefined;
}

const NO_ID = 2 ** 32 - 1; // (uid_t) -1: leave it as it is

const idOf = (text = ''): number | undefined => (/^\d{1,10}$/.test(text) && Number(text) < NO_ID ? Number(text) : undefined);

function names(mask: bigint): string[] {
  return Object.entries(CAPABILITIES).flatMap(([name, bit]) => ((mask >> BigInt(bit)) & 1n ? [name] : []));
}
