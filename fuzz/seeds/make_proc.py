#!/usr/bin/env python3
"""Makes fuzz/seeds/proc_maps and fuzz/seeds/proc_stat anew: texts as kernels write them, and what
hostile programs make of them."""
import os

here = os.path.dirname(os.path.abspath(__file__))
hex64 = '0123456789abcdef' * 4


def write(target, name, data):
    os.makedirs(os.path.join(here, target), exist_ok=True)
    with open(os.path.join(here, target, name), 'wb') as f:
        f.write(data)


def line(start, end, perm, pgoff, dev, inode, path):
    s = b'%08x-%08x %s %08x %s %d ' % (start, end, perm, pgoff, dev, inode)
    return (s.ljust(73) + path if path else s) + b'\n'


prog = [line(0x400000, 0x401000, b'r--p', 0, b'08:01', 42, b'/usr/bin/prog'),
        line(0x401000, 0x404000, b'r-xp', 0x1000, b'08:01', 42, b'/usr/bin/prog'),
        line(0x404000, 0x405000, b'rw-p', 0x4000, b'08:01', 42, b'/usr/bin/prog')]
libc = line(0x7f53a5400000, 0x7f53a5555000, b'r-xp', 0x26000, b'fe:00', 332384, b'/usr/lib/x86_64-linux-gnu/libc.so.6')
heap = line(0x1c0d000, 0x1c2e000, b'rw-p', 0, b'00:00', 0, b'[heap]')
jit = line(0x402000, 0x412000, b'rwxp', 0, b'00:00', 0, b'')
vdso = line(0x7ffdae3f2000, 0x7ffdae3f4000, b'r-xp', 0, b'00:00', 0, b'[vdso]')
vsyscall = line(0xffffffffff600000, 0xffffffffff601000, b'--xp', 0, b'00:00', 0, b'[vsyscall]')


def named(path):
    return line(0x403000, 0x406000, b'r-xp', 0, b'00:1f', 7, path)


maps = {
    'empty': b'',
    'program': b''.join(prog) + heap + libc + vdso + vsyscall,
    'jit': prog[1][:-1] + b'\n' + line(0x500000, 0x510000, b'rwxp', 0, b'00:00', 0, b''),
    'anon': jit,
    'anon_named': jit.replace(b' \n', b' [anon:v8]\n'),
    'deleted': named(b'/usr/bin/prog (deleted)'),
    'only_deleted': named(b' (deleted)'),
    'memfd': named(b'/memfd:jit (deleted)'),
    'sysv': named(b'/SYSV00000000 (deleted)'),
    'zero': named(b'/dev/zero (deleted)'),
    'anon_inode': named(b'anon_inode:[io_uring]'),
    'newline': named(b'/tmp/a\\012401000-404000 r-xp 00000000 00:00 0 /b'),
    'escape_at_end': named(b'/tmp/a\\01'),
    'raw_bytes': named(b'/tmp/\xff\xfe\x1b[31m\xc3\xa9\xe2\x82'),
    'nul': named(b'/tmp/a\0b'),
    'long': named(b'/' + b'x' * 5000),
    'unsorted': libc + prog[1],
    'overlapping': prog[1] + jit + libc,
    'backwards': line(0x404000, 0x401000, b'r-xp', 0, b'08:01', 42, b'/x'),
    'top': line(0, 2**64 - 1, b'r-xp', 2**64 - 4096, b'08:01', 42, b'/all'),
    'overflow': b'10000000000000000-20000000000000000 r-xp 0 0:0 0 /x\n',
    'device_overflow': b'1000-2000 r-xp 0 100000000:ffffffff 18446744073709551616 /x\n',
    'cut': (b''.join(prog) + libc)[:-9],
    'cut_number': b'1000-2000 r-xp 000',
    'many': b''.join(line(0x400000 + i * 0x2000, 0x401000 + i * 0x2000, b'r-xp', i << 12, b'08:01', i, b'/l%d' % i)
                     for i in range(60)),
    'flags': b''.join(line(0x1000 * i, 0x1000 * i + 0x1000, p, 0, b'0:0', 0, b'')
                      for i, p in enumerate([b'rwxs', b'---p', b'rwxS', b'--xs', b'zzzz', b'r-x-'])),
}
for i, (name, text) in enumerate(maps.items()):
    # The first character chooses what the space holds: a comment line, passed over as damaged.
    write('proc_maps', name, b'%d\n' % (i % 8) + text if text else b'')

numbers = b' S 1 1 1 0 -1 %d 100 0 0 0 0 0 0 0 20 0 1 0 226870 3133440 418 18446744073709551615\n'
stats = {
    'stat': b'42 (prog)' + numbers % 4194304,
    'stat_kthread': b'2 (kthreadd)' + numbers % 2129984,
    'stat_worker': b'17 (kworker/u8:3-events_unbound)' + numbers % 69238880,
    'stat_parens': b'7 (a) R 666 (b)' + numbers % 0,
    'stat_bytes': b'7 (\xff\xfe\n\x1b[31m)' + numbers % 0,
    'stat_no_comm': b'7 ()' + numbers % 0,
    'stat_cut': b'7 (x) S 1 1 1 0 -1 4194304 100 0 0',
    'stat_big': b'7 (x) S 99999999999999999999 1 1 0 -1 1\n',
    'stat_backwards': b'7 )x( S 1 1 1\n',
    'v2': b'0::/system.slice/nginx.service\n',
    'v2_root': b'0::/\n',
    'user': b'0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service\n',
    'session': b'0::/user.slice/user-1000.slice/session-3.scope\n',
    'hybrid': b'9:name=systemd:/a.service\n8:pids:/\n3:perf_event:/p\n0::/\n',
    'v1': b'3:cpu,cpuacct:/docker/%s\n2:perf_event:/docker/%s\n' % ((hex64.encode(),) * 2),
    'docker': b'0::/system.slice/docker-%s.scope\n' % hex64.encode(),
    'containerd': b'0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-%s.scope\n' % hex64.encode(),
    'colons': b'0::/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:%s\n' % hex64.encode(),
    'podman': b'0::/machine.slice/libpod-%s.scope/container\n' % hex64.encode(),
    'kubepods': b'0::/kubepods/burstable/pod1b5f6c0e/%s\n' % hex64.encode(),
    'template': b'0::/system.slice/system-getty.slice/getty@tty1.service\n',
    'escape': b'0::/system.slice/dev-disk-by\\x2duuid-1.swap\n0::/_cpu.service\n',
    'gone': b'0::/x.scope (deleted)\n',
    'garbage': b'0::/\xff\x1b[31m.service/.slice//_//:.scope\n',
    'long': b'0::' + b'/aaaaaaaaaaaaaaa' * 400 + b'\n',
    'relative': b'0::x\n::\n:\n\n1:name=systemd\n',
}
for name, text in stats.items():
    write('proc_stat', name, text)
