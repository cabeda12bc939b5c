// cflags: -static
// mutex.c in a static program: no libc.so to probe, no dynamic symbols.
#include "mutex.c"
