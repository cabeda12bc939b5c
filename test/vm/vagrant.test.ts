/** The Vagrantfile, as Vagrant sees it. In CI scripts/setup installs Vagrant. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const root = join(import.meta.dirname, '../..');
const vagrantfile = readFileSync(join(root, 'Vagrantfile'), 'utf8');

interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/** Vagrant in a directory of its own. VirtualBox is a program there that says its version, which is all that Vagrant asks of it. */
function vagrant(t: Test, text: string, provider: string, ...args: string[]): Ran {
  const directory = t.testdir({ Vagrantfile: text, bin: { VBoxManage: '#!/bin/sh\necho 7.0.0r1\n' } });
  spawnSync('chmod', ['+x', join(directory, 'bin/VBoxManage')]);
  const env = {
    ...process.env,
    PATH: `${join(directory, 'bin')}:${process.env['PATH']}`,
    VAGRANT_HOME: join(directory, 'home'),
    VAGRANT_CHECKPOINT_DISABLE: '1',
    VAGRANT_DEFAULT_PROVIDER: provider,
  };
  const { status, stdout, stderr, error } = spawnSync('vagrant', args, { cwd: directory, encoding: 'utf8', env });
  return { status, output: error?.message ?? stdout + stderr };
}

const installed = vagrant(t, vagrantfile, 'libvirt', 'plugin', 'list').output.includes('vagrant-libvirt');
const missing = !installed && process.env['CI'] !== 'true' && 'Vagrant is not installed, or not with vagrant-libvirt';

t.test('Vagrant takes the file, with either provider', { skip: missing }, (t) => {
  for (const provider of ['libvirt', 'virtualbox']) t.match(vagrant(t, vagrantfile, provider, 'validate'), { status: 0, output: 'validated successfully' });
  t.end();
});

t.test('Vagrant notices what is wrong in a provider, a provisioner, a folder', { skip: missing }, (t) => {
  const wrong = [
    ['libvirt', 'libvirt.cpus', 'libvirt.cpu_count'],
    ['virtualbox', 'virtualbox.cpus', 'virtualbox.cpu_count'],
    ['libvirt', 'reboot: true', 'restart: true'],
    ['libvirt', 'synced_folder "."', 'synced_folder "nowhere"'],
    ['libvirt', 'Vagrant.configure("2") do', 'Vagrant.configure("2")'],
  ] as const;
  for (const [provider, right, mistake] of wrong) {
    t.ok(vagrantfile.includes(right), right);
    t.not(vagrant(t, vagrantfile.replace(right, mistake), provider, 'validate').status, 0, mistake);
  }
  t.end();
});

t.test('there is a machine for each kernel of the matrix, by its name', { skip: missing }, (t) => {
  const kernels = spawnSync(join(root, 'scripts/vm-kernel'), ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n');
  const { output } = vagrant(t, vagrantfile, 'virtualbox', 'status', '--machine-readable');
  t.strictSame([...output.matchAll(/^\d+,([^,]+),state,/gm)].map(([, name]) => name), kernels);
  t.end();
});
