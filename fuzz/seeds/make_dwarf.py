#!/usr/bin/env python3
"""Makes the seeds of dwarf, dwarf_line and line_index: small programs of several compilers and options, without
their code, and damaged copies of them. make_dwarf.py SEEDS LINES (the program tests/lines of a build)."""
import os, random, subprocess, sys, tempfile

SOURCE = '''
static inline __attribute__((always_inline)) int g(int x) { if (x & 1) return x * 3; return x + v; }
static inline __attribute__((always_inline)) int h(int x) { return g(x) + g(x + 1); }
struct s { int a; const char *b; };
int f(struct s *p) { return h(p->a) + (p->b ? p->b[0] : 0); }
int main(void) { struct s t = { 1, "x" }; return f(&t) + h(v); }
void _start(void) { v = main(); }
'''
BUILDS = {
    'gcc5': 'gcc -gdwarf-5 -O1', 'gcc4': 'gcc -gdwarf-4 -O1', 'gcc2': 'gcc -gdwarf-2 -gstrict-dwarf -O0',
    'gcc3': 'gcc -gdwarf-3 -O1', 'clang5': 'clang -gdwarf-5 -O1', 'clang4': 'clang -gdwarf-4 -O1',
    'zlib': 'gcc -gdwarf-5 -O1 -gz=zlib', 'split': 'gcc -gdwarf-5 -O1 -gsplit-dwarf',
    'split4': 'gcc -gdwarf-4 -O1 -gsplit-dwarf', 'gcc64': 'gcc -gdwarf-5 -gdwarf64 -O1',
}


def mutate(data, rng):
    data = bytearray(data)
    kind = rng.randrange(4)
    if kind == 0:
        del data[rng.randrange(len(data) // 2, len(data)):]
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(data) // 8, len(data))
        if kind < 3:
            data[at] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
        else:
            data[at:at + 4] = rng.choice([b'\xff\xff\xff\xff', b'\0\0\0\0', b'\xf0\xff\xff\xff', b'\x80\x80\x80\x80'])
    return bytes(data)


def main():
    out, lines = sys.argv[1], os.path.abspath(sys.argv[2])
    rng = random.Random(5)
    made = {'dwarf': {}, 'dwarf_line': {}, 'line_index': {}}
    with tempfile.TemporaryDirectory() as tmp:
        run = lambda *c: subprocess.run(c, cwd=tmp, check=True)
        open(tmp + '/a.c', 'w').write('int v;' + SOURCE)
        for name, command in BUILDS.items():
            run(*command.split(), '-nostdlib', '-static', '-ffreestanding', '-Wl,--build-id=none', '-Wl,-z,max-page-size=512',
                '-Wl,-Ttext=0x1000', '-Wl,-z,noseparate-code', '-o', name, 'a.c')
            run(lines, '-w', 'index', name)
            made['line_index'][name] = open(tmp + '/index', 'rb').read()
            run('objcopy', '--only-keep-debug', '-R', '.symtab', name, 'small')
            made['dwarf'][name] = open(tmp + '/small', 'rb').read()
            run('objcopy', '--decompress-debug-sections', name, 'plain')
            run('objcopy', '--dump-section', '.debug_line=line', 'plain')
            made['dwarf_line'][name] = b'\0' + open(tmp + '/line', 'rb').read()
            dwo = tmp + '/' + name + '-a.dwo'
            if os.path.exists(dwo):
                made['dwarf'][name + '-dwo'] = open(dwo, 'rb').read()
        run('objcopy', '--compress-debug-sections=zlib-gnu', 'gcc5', 'small')
        made['dwarf']['zlib-gnu'] = open(tmp + '/small', 'rb').read()
    for target, seeds in made.items():
        os.makedirs(f'{out}/{target}', exist_ok=True)
        whole = list(seeds.items())
        for name, data in whole:
            for i in range(3):
                seeds[f'{name}-{i}'] = mutate(data, rng)
        for name, data in seeds.items():
            open(f'{out}/{target}/{name}', 'wb').write(data)


main()
