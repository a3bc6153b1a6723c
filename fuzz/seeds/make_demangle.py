#!/usr/bin/env python3
"""Writes the seeds of fuzz_demangle into the directory given: mangled and demangled names, a kind each."""
import os
import sys

seeds = """
_ZN3foo3barEi
_ZNSt6vectorIiSaIiEE9push_backERKi
_ZN12_GLOBAL__N_13fooIiEEvT_
_ZZ3fooIiEvT_ENKUlvE_clEv
_ZZN3foo3barEiENKUliE_clEi
_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc
_ZN3foossERKS_
_ZN3foopmEi
_ZN3foocvSt6vectorIiSaIiEEEv
_ZN1AIXgtLi1ELi2EEE1fEv
_ZN1AIXadL_ZlsRSoRK3fooEEE1fEv
_ZN3fooB5cxx11Ev
_ZThn8_N3Foo3barEv
_ZN3foo3barEv.isra.0
_Z1fI1aIiiE1bIS0_S0_ES1_IS2_S2_ES1_IS3_S3_EEvv
_ZN4core3ptr13drop_in_place17h0123456789abcdefE
_ZN60_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..Drop$GT$4drop17h0123456789abcdefE
_RNvXCs15kBYyAo9fc_7mycrateNtB2_7ExampleNtB2_5Trait3foo
_RINvNtC3std3mem8align_ofjE
_RNvNtNtCs1234_7mycrateu8gdel_5qa1b3foo
_RNvNtNtC07c1_67myc_5qa1b3foo
unsigned long foo<int>(int)::{lambda()#1}::operator()
<fn(A<B>) -> C<D> as E>::f
core::str::<impl str>::parse::<alloc::vec::Vec<u8>>
A<(B)1, (C<2)>::f
operator()<A<(1)>, ((2)>(1))>
""".split("\n")
for i, name in enumerate(s for s in seeds if s):
    with open(os.path.join(sys.argv[1], "%02d" % i), "w") as f:
        f.write(name)
