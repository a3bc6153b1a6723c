/* symbolize/demangle and simplify: names as people write them, and names made to hurt. Expected
 * texts were made with c++filt and llvm-cxxfilt and cut by hand. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "symbolize/demangle.h"
#include "symbolize/simplify.h"

struct pair {
	const char *from, *to;
};

static void names_without_parameters(void **state)
{
	static const struct pair pairs[] = {
		{ "main", "main" },
		{ "memcpy.part.0", "memcpy.part.0" },
		{ "_", "_" },
		{ "_Z", "_Z" },
		{ "_Zebra", "_Zebra" },
		{ "_start", "_start" },
		{ "_R", "_R" },
		{ "_ZN3foo3barEi", "foo::bar" },
		{ "_ZN3foo3barEv.isra.0", "foo::bar" },
		{ "_ZN3FooC1Ev", "Foo::Foo" },
		{ "_ZN3FooD2Ev", "Foo::~Foo" },
		{ "_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector::push_back" },
		{ "_ZNKSt8functionIFviEEclEi", "std::function::operator()" },
		{ "_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo" },
		{ "_ZN12_GLOBAL__N_13fooIiEEvT_", "(anonymous namespace)::foo" },
		{ "_ZZ3fooIiEvT_ENKUlvE_clEv", "foo::{lambda()#1}::operator()" },
		{ "_ZZN3foo3barEiENKUliE_clEi", "foo::bar::{lambda(int)#1}::operator()" },
		{ "_ZZ4mainENKUlvE_clIiEEDav", "main::{lambda()#1}::operator()" },
		{ "_ZZN3foo3barEiENK3$_0clEv", "foo::bar::$_0::operator()" },
		{ "_ZlsRSoRK3foo", "operator<<" },
		{ "_ZNK3fooltERKS_", "foo::operator<" },
		{ "_ZN3foossERKS_", "foo::operator<=>" },
		{ "_ZN3fooptEv", "foo::operator->" },
		{ "_ZN3foopmEi", "foo::operator->*" },
		{ "_ZN3foocvT_IiEEv", "foo::operator int" },
		{ "_ZN3foocvSt6vectorIiSaIiEEEv", "foo::operator std::vector" },
		{ "_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc", "std::operator<<" },
		{ "_ZN1AIXgtLi1ELi2EEE1fEv", "A::f" },
		{ "_ZN1AIXadL_ZlsRSoRK3fooEEE1fEv", "A::f" },
		{ "_Znwm", "operator new" },
		{ "_ZdlPv", "operator delete" },
		{ "_ZN3fooB5cxx11Ev", "foo[abi:cxx11]" },
		{ "_ZNSt8__detail12_Insert_baseIiSaIiEEaSEOS2_",
		  "std::__detail::_Insert_base::operator=" },
		{ "_ZThn8_N3Foo3barEv", "non-virtual thunk to Foo::bar" },
	};
	char name[256];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t size = demangle(pairs[i].from, name, sizeof(name));

		assert_string_equal(name, pairs[i].to);
		assert_int_equal(size, strlen(name));
	}
}

static void rust_names_without_hash(void **state)
{
	static const struct pair pairs[] = {
		{ "_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place" },
		{ "_ZN60_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..Drop$GT$4drop17h0123456789abcdefE",
		  "<alloc::vec::Vec as core::ops::Drop>::drop" },
		{ "_ZN4core3ops8function6FnOnce40call_once$u7b$$u7b$vtable.shim$u7d$$u7d$17h8aa85fc67f01b0d7E",
		  "core::ops::function::FnOnce::call_once{{vtable.shim}}" },
		{ "_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
		  "std::rt::lang_start::{{closure}}" },
		{ "_RNvXCs15kBYyAo9fc_7mycrateNtB2_7ExampleNtB2_5Trait3foo",
		  "<mycrate::Example as mycrate::Trait>::foo" },
		{ "_RINvNtC3std3mem8align_ofjE", "std::mem::align_of" },
		{ "_RNCNvC7mycrate4main0", "mycrate::main::{closure#0}" },
	};
	char name[256];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		demangle(pairs[i].from, name, sizeof(name));
		assert_string_equal(name, pairs[i].to);
	}
}

static void simplifies_what_is_printed(void **state)
{
	static const struct pair pairs[] = {
		{ "f", "f" },
		{ "unsigned long foo<int>(int)::{lambda()#1}::operator()",
		  "foo::{lambda()#1}::operator()" },
		{ "foo::bar(std::vector<int>) const::{lambda(std::map<int, A<1> >)#2}::operator()",
		  "foo::bar::{lambda(std::map)#2}::operator()" },
		{ "f(int) const volatile &&::g", "f::g" },
		{ "foo::operator new[](unsigned long)::x", "foo::operator new[]::x" },
		{ "operator< <int>", "operator<" },
		{ "operator<=<int>", "operator<=" },
		{ "operator-><int>", "operator->" },
		{ "operator>><int>", "operator>>" },
		{ "operator()<A<(1)>, ((2)>(1))>", "operator()" },
		{ "operators<int>::operator_x", "operators::operator_x" },
		{ "A<(B)1, (C<2)>::f", "A::f" },
		{ "A<void (*)(int) noexcept>::f", "A::f" },
		{ "A<(anonymous namespace)::B>::f", "A::f" },
		{ "core::num::<impl u32>::pow", "core::num::<impl u32>::pow" },
		{ "core::str::<impl str>::parse::<alloc::vec::Vec<u8>>",
		  "core::str::<impl str>::parse" },
		{ "<[T] as a::B<C>>::f", "<[T] as a::B>::f" },
		{ "<fn(A<B>) -> C<D> as E>::f", "<fn(A) -> C as E>::f" },
		{ "<&<T as U>::V as W>::x", "<&<T as U>::V as W>::x" },
		/* unbalanced: left alone */
		{ "A<B", "A<B" },
		{ "f(int", "f(int" },
		{ "{lambda", "{lambda" },
		{ "A<(>", "A<(>" },
		{ "a<b)>::c", "a<b)>::c" },
		{ ">>)", ">>)" },
		{ "", "" },
	};
	char name[256];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_int_equal(simplify(pairs[i].from, name), strlen(pairs[i].to));
		assert_string_equal(name, pairs[i].to);
	}
}

/* Depth, length and growth without bound; each must end at once and leave a string. */
static void survives_hostile_names(void **state)
{
	static const char *const repeated[] = { "P", "N",  "1a", "I",    "St",
						"X", "S_", "Li", "RINv", "K" };
	static const char *const begins[] = { "_Z", "_ZN", "_R", "_RNv", "_Z1fI", "_RI" };
	char mangled[40000], name[TEXT_MAX];

	for (size_t b = 0; b < sizeof(begins) / sizeof(begins[0]); b++)
		for (size_t r = 0; r < sizeof(repeated) / sizeof(repeated[0]); r++) {
			for (size_t size = 100; size < sizeof(mangled) - 8; size *= 6) {
				char *p = stpcpy(mangled, begins[b]);

				while ((size_t)(p - mangled) < size)
					p = stpcpy(p, repeated[r]);
				assert_true(demangle(mangled, name, sizeof(name)) < sizeof(name));
				assert_true(text_is_clean(name, strlen(name)));
			}
		}
	for (size_t c = 0; c < 6; c++) {
		char text[5001], out[5001];

		memset(text, "<({[>)"[c], 5000);
		text[5000] = 0;
		assert_int_equal(simplify(text, out), 5000);
	}
}

/* Each level of this type names the one before twice: gigabytes, from 500 bytes. */
static void leaves_names_that_explode_mangled(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char mangled[2048], name[TEXT_MAX], *p = stpcpy(mangled, "_Z1fI1aIiiE1bIS0_S0_E");

	for (unsigned i = 2; i < 62; i++) {
		char before[8] = "S";
		size_t n = 1;

		if (i >= 36)
			before[n++] = '1';
		before[n++] = digits[i % 36];
		p += sprintf(p, "S1_I%.*s_%.*s_E", (int)n, before, (int)n, before);
	}
	strcpy(p, "Evv");
	demangle(mangled, name, sizeof(name));
	assert_string_equal(name, mangled);
}

static void output_is_clean_and_cut(void **state)
{
	char name[8];

	assert_int_equal(demangle("a\001b", name, sizeof(name)), 6);
	assert_string_equal(name, "a\\x01b");
	assert_int_equal(demangle("_ZN10abcdefghij1kEv", name, sizeof(name)), 7);
	assert_string_equal(name, "abcdefg");
	assert_int_equal(demangle("", name, sizeof(name)), 0);
	assert_int_equal(demangle("x", name, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_without_parameters),
		cmocka_unit_test(rust_names_without_hash),
		cmocka_unit_test(simplifies_what_is_printed),
		cmocka_unit_test(survives_hostile_names),
		cmocka_unit_test(leaves_names_that_explode_mangled),
		cmocka_unit_test(output_is_clean_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
