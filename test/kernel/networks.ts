/** Two networks of the tests' own, joined by a cable; they are gone with the test. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';
import { run, type Running } from './processes.js';

/** The server's addresses. */
export const SERVER = ['192.0.2.2', '2001:db8:1::2'] as const;
/** Addresses behind the server, which forwards: it drops what goes there … */
export const DROPPED = ['198.51.100.1', '2001:db8:2::1'] as const;
/** … says by ICMP, after a while, that nobody has the address … */
export const UNREACHABLE = ['203.0.113.1', '2001:db8:3::1'] as const;
/** … or says so at once, before the call that sent the packet is over; of IPv4 not for long (net.ipv4.route.error_burst). */
export const REJECTED = ['198.18.0.1', '2001:db8:4::1'] as const;
/** On the cable, and nobody has it. */
export const ABSENT = ['192.0.2.99', '2001:db8:1::99'] as const;
/** No route leads there. */
export const NOWHERE = ['233.252.0.1', '2001:db9::1'] as const;

export interface Network {
  /** Arguments of nsenter(1), before a command that is to run there. */
  readonly prefix: readonly string[];
  /** A process that is there. */
  readonly pid: number;
}

/** Client and server. An attempt of the client times out after a second SYN; of an address that nobody has it learns after 0.3 seconds. */
export async function networks(t: Test): Promise<{ readonly client: Network; readonly server: Network }> {
  const [client, server] = [await holder(t), await holder(t)];
  const ip = (text: string): void => void execFileSync('ip', text.split(' '));
  const inside = ({ pid }: Running, script: string): void => void execFileSync('nsenter', ['-t', String(pid), '-n', 'sh', '-ec', script]);
  ip(`link add cable netns ${client.pid} type veth peer name cable netns ${server.pid}`);
  inside(client, `
    ip link set lo up; ip link set cable up
    ip address add 192.0.2.1/24 dev cable; ip address add 2001:db8:1::1/64 dev cable nodad
    for net in 198.51.100.0/24 203.0.113.0/24 198.18.0.0/15; do ip route add $net via 192.0.2.2; done
    for net in 2001:db8:2::/48 2001:db8:3::/48 2001:db8:4::/48; do ip -6 route add $net via 2001:db8:1::2; done
    echo 1 >/proc/sys/net/ipv4/tcp_syn_retries
    ${impatient('cable')}`);
  inside(server, `
    ip link set lo up; ip link set cable up
    ip address add 192.0.2.2/24 dev cable; ip address add 2001:db8:1::2/64 dev cable nodad
    ip link add far type veth peer name end; ip link set far up; ip link set end up
    ip address add 203.0.113.254/24 dev far; ip address add 2001:db8:3::fffe/48 dev far nodad
    ip route add blackhole 198.51.100.0/24; ip route add unreachable 198.18.0.0/15
    ip -6 route add blackhole 2001:db8:2::/48; ip -6 route add unreachable 2001:db8:4::/48
    ${impatient('far')}
    echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit`);
  return { client: networkWith(client), server: networkWith(server) };
}

/** It asks once for 0.3 s who has an address. */
const impatient = (device: string): string => `for family in ipv4 ipv6; do echo 1 >/proc/sys/net/$family/neigh/${device}/mcast_solicit; echo 300 >/proc/sys/net/$family/neigh/${device}/retrans_time_ms; done`;

/** SYNs that were sent again there, as the kernel counts them (TcpExt of /proc/PID/net/netstat). */
export function synsAgain({ pid }: Network): number {
  const [names = [], values = []] = readFileSync(`/proc/${pid}/net/netstat`, 'utf8').split('\n').filter((line) => line.startsWith('TcpExt:')).map((line) => line.split(' '));
  return Number(values[names.indexOf('TCPSynRetrans')]);
}

const networkWith = ({ pid }: Running): Network => ({ pid, prefix: ['-t', String(pid), '-n'] });

/** A process that keeps a network there. */
async function holder(t: Test): Promise<Running> {
  const running = run(t, 'unshare', ['--net', 'sleep', 'infinity']);
  while (networkOf(running.pid) === networkOf(process.pid)) await setTimeout(5);
  return running;
}

const networkOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`);
