#!/bin/sh
# Writes the seeds of fuzz_cfi_code and fuzz_x86, machine code as compilers make it and as they do not, below the folder given:
# sh fuzz/seeds/make_code.sh fuzz/seeds
out=${1:-.}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out/cfi_code" "$out/x86"
cat >"$tmp/a.c" <<'END'
extern void *ext(void *, long);
extern void leave_me(void) __attribute__((noreturn));
static int table(int x, int y)
{
	switch (x) {
	case 0: return y;
	case 1: ext(0, y); return 2;
	case 2: return y * 3;
	case 3: ext(&y, 1); break;
	case 4: return 9;
	case 5: leave_me();
	case 6: return 7 / y;
	case 7: ext(&x, 2);
	}
	return x + y;
}
int entry(int a, int b) { return table(a, b) + table(b, a); }
long frame(long n) { char b[n]; ext(b, n); return b[n / 2]; }
long many(long a, long b, long c, long d, long e, long f) { long x[16]; ext(x, a); ext(x, b); return x[c & 15] + x[d & 15] * e - f; }
double fp(double *a, int n) { double s = 0; for (int i = 0; i < n; i++) s += a[i] * a[i]; return s; }
int dead(int x) { if (x > 3) leave_me(); ext(&x, x); return x; }
long tail(long x) { return x ? (long)ext(&x, 0) : tail(x - 1) + 1; }
END
compiled() { # NAME COMPILER OPTIONS…
	name=$1; shift
	"$@" -fno-asynchronous-unwind-tables -c -o "$tmp/a.o" "$tmp/a.c" && objcopy -O binary -j .text "$tmp/a.o" "$out/cfi_code/$name"
}
compiled gcc-0 gcc -O0
compiled gcc-1 gcc -O1
compiled gcc-2 gcc -O2
compiled gcc-3 gcc -O3
compiled gcc-s gcc -Os
compiled gcc-fp gcc -O2 -fno-omit-frame-pointer
compiled gcc-ibt gcc -O2 -fcf-protection
compiled gcc-avx512 gcc -O3 -mavx512f
compiled gcc-canary gcc -O2 -fstack-protector-strong
compiled gcc-thunk gcc -O1 -mindirect-branch=thunk-inline
compiled gcc-large gcc -O2 -mcmodel=large
compiled clang-0 clang -O0
compiled clang-2 clang -O2
compiled clang-s clang -Os
assembled() { # FOLDER NAME CODE
	echo "$3" | as -o "$tmp/a.o" - && objcopy -O binary -j .text "$tmp/a.o" "$out/$1/$2"
}
c() { assembled cfi_code "$@"; }
c signal 'ret; mov $15, %eax; syscall; nop; mov $15, %rax; syscall'
c outermost 'xor %ebp, %ebp; pop %rdi; call *%r9; hlt; .balign 16; push %rbp; xor %ebp, %ebp; pop %rbp; ret'
c loops '1: push %rax; jmp 1b; 2: pop %rbx; jne 2b; 3: sub $0x7fffffff, %rsp; jmp 3b'
c pops 'pop %rax; pop %rbp; leave; ret; enter $8, $0; mov %rax, %rsp; pop %rsp'
c overlap 'jmp 1f+1; 1: .byte 0xe8; push %rbp; ret; call 1b+2'
c calls 'call 1f; 1: call 2f; 2: ret; call .+0x10000; jmp .-0x20000; jne .+0x7fff0000'
c far 'lea -0x7ffffff8(%rbp), %rsp; lea 0x7ffffff8(%rsp), %rbp; lea -8(%rbp), %rsp; ret'
x() { assembled x86 "$@"; }
x prefixes '.byte 0x66,0x67,0xf2,0xf3,0x2e,0x36,0x3e,0x26,0x64,0x65,0xf0,0x48,0x90'
x rex '.byte 0x48,0x48,0x90; .byte 0x48,0x66,0x90; .byte 0x4f'
x modrm 'mov (%rax),%eax; mov 8(%rsp),%eax; mov 0x1000(%rbp,%r12,8),%rax; mov 0(,%rax,8),%ecx; mov x(%rip),%edx; x: mov (%r13),%al; mov (%r12),%al'
x immediates 'mov $0x1122334455667788,%rax; mov $1,%eax; mov $1,%ax; add $1,%al; add $0x1000,%ax; test $1,%cl; not %cl; testl $1,(%rax); movabs 0x1122334455667788,%al; enter $1,$2; push $0x1000; push $1'
x stack 'push %r12; pop %r13; push (%rax); pop (%rax); pushf; popf; push %fs; pop %gs; pushw %ax; leave'
x moves 'mov %rsp,%rbp; mov %rbp,%rsp; lea 8(%rsp),%rsp; lea -8(%rbp),%rsp; lea 16(%rsp),%rbp; mov %rbp,8(%rsp); mov 8(%rsp),%rbp; mov %r12,%rsp; mov %esp,%ebp'
x jumps 'jmp .; jne .; call .; jmp *%rax; call *(%rax); jmp *x(,%rax,8); x: loop .; jrcxz .; ret; ret $8; jne .+0x1000'
x sse 'addsd %xmm0,%xmm1; pshufd $1,%xmm0,%xmm1; movd %xmm0,%ebp; pextrw $1,%xmm1,%ebp; pinsrw $1,%eax,%xmm1; cmpps $1,%xmm0,%xmm1; psrldq $8,%xmm0; movmskpd %xmm0,%ebp'
x sse4 'pshufb %xmm0,%xmm1; pblendw $1,%xmm0,%xmm1; pextrq $1,%xmm0,%rbp; crc32 %al,%ebp; extrq $1,$2,%xmm0; insertq $1,$2,%xmm0,%xmm1; movbe (%rax),%ebp'
x vex 'vzeroupper; vaddpd %ymm0,%ymm1,%ymm2; vpermq $1,%ymm0,%ymm1; vpshufb %xmm8,%xmm9,%xmm10; vpsrldq $4,%xmm0,%xmm1; vpextrw $1,%xmm0,%ebp'
x bmi 'andn %eax,%ebx,%ebp; blsr %eax,%ebp; rorx $1,%eax,%ebp; mulx %rax,%rbx,%rbp; adcx %rax,%rbp; popcnt %eax,%ebp; tzcnt %eax,%ebp; pdep %eax,%ebx,%ebp'
x evex 'vaddpd %zmm0,%zmm1,%zmm2; vpternlogd $1,%zmm0,%zmm1,%zmm2; vmovdqu64 64(%rsp),%zmm20; vcmppd $1,%zmm0,%zmm1,%k1; kmovq %k1,%rbp'
x xop '.byte 0x8f,0xe8,0x78,0xa2,0xc1,0x20; .byte 0x8f,0xe9,0x78,0x80,0xc1; .byte 0x8f,0xea,0x78,0x10,0xe9,1,2,3,4; .byte 0x8f,0xc4'
x amd '.byte 0x0f,0x0f,0xc1,0x9e; .byte 0x0f,0x0b; .byte 0x0f,0xff,0xc0; .byte 0x0f,0x01,0xf9; .byte 0x0f,0x0d,0x08; .byte 0x0f,0x1f,0x44,0,0'
x invalid '.byte 0x06,0x0e,0x17,0x1f,0x27,0x3f,0x60,0x62,0x82,0x9a,0xc4,0xc5,0xce,0xd4,0xd5,0xd6,0xea'
x exchange 'xchg %rax,%rsp; xchg %ebp,%ecx; xchg %al,%ah; cmpxchg %rbp,(%rax); xadd %rbp,%rsp; bswap %ebp; cmove %eax,%ebp; sete %bpl; sete %ch'
x bytes 'mov %ah,%al; mov %spl,%al; mov %al,%bpl; movb $1,%ch; movb $1,%bpl; shl $1,%ch; inc %ch; neg %bpl'
x fpu 'fldl (%rsp); fstcw 8(%rsp); fnstsw %ax; fxch %st(1); fwait'
x system 'syscall; hlt; int3; int $0x80; cpuid; rdtsc; in $1,%al; out %al,%dx; iretq; rdrand %ebp; xsave (%rsp)'
x widths 'movzbl %al,%ebp; movsbq (%rax),%rbp; movslq %eax,%rbp; imul $3,%rax,%rbp; imul $0x1000,%eax,%ebp; imul %rax,%rbp; shld $3,%rax,%rbp; bts $3,%rbp; bt $3,%rbp'
x arithmetic 'add $8,%rsp; sub $0x1000,%rsp; and $-16,%rsp; cmp $8,%rsp; or %rax,%rbp; xor %ebp,%ebp; xor %ebp,%eax; test %rbp,%rbp; sub %rax,%rsp'
x cut '.byte 0x48,0xb8,1,2,3'
: >"$out/x86/empty"
