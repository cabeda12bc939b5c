// What ops.c does: each row N times.
#pragma once
#include "workload.h"

#define STEP(name_, op_, outcome_, result_, ...) {.name = name_, .op = op_, .outcome = outcome_, .result = result_, __VA_ARGS__}
#define SHARED(op_, ...) STEP(#op_, op_, __VA_ARGS__)
#define PRIVATE(op_, ...) STEP(#op_ "_PRIVATE", op_ | FUTEX_PRIVATE_FLAG, __VA_ARGS__)
#define ERESTARTSYS 512
#define ERESTART_RESTARTBLOCK 516
#define NO_OPERATION 99

enum deadline { NEVER, RELATIVE, MONOTONIC, REALTIME, FAR };
enum help { ALONE, WAKE, WAKE_MASK, BREAK, RESTART, RESTART_AND_WAKE };
enum owner { FREE, SELF, MAIN, NO_SUCH };

struct step {
	const char *name;
	int op;
	const char *outcome;
	long result, exit; // exit only where it is not the result
	void *word;        // NULL: this program's
	uint32_t value, mask;
	enum deadline deadline;
	enum help help;
	enum owner owner;
};

static _Atomic uint32_t word;
static char odd[8] __attribute__((aligned(8)));
#define ODD .word = odd + 1
#define UNMAPPED .word = (void *)64

static const struct step steps[] = {
	SHARED(FUTEX_WAIT, "woken", 0, .help = WAKE),
	PRIVATE(FUTEX_WAIT, "woken", 0, .help = WAKE),
	PRIVATE(FUTEX_WAIT, "timeout", -ETIMEDOUT, .deadline = RELATIVE),
	PRIVATE(FUTEX_WAIT, "eagain", -EAGAIN, .value = 1),
	PRIVATE(FUTEX_WAIT, "interrupted", -EINTR, .exit = -ERESTARTSYS, .help = BREAK),
	PRIVATE(FUTEX_WAIT, "restarted, then woken", 0, .exit = -ERESTARTSYS, .help = RESTART_AND_WAKE),
	PRIVATE(FUTEX_WAIT, "timed, interrupted", -EINTR, .exit = -ERESTART_RESTARTBLOCK, .deadline = FAR, .help = RESTART),
	PRIVATE(FUTEX_WAIT, "bad address", -EFAULT, UNMAPPED),
	PRIVATE(FUTEX_WAIT, "unaligned", -EINVAL, ODD),
	PRIVATE(FUTEX_WAIT_BITSET, "woken", 0, .mask = 4, .help = WAKE_MASK),
	PRIVATE(FUTEX_WAIT_BITSET, "timeout", -ETIMEDOUT, .mask = 1, .deadline = MONOTONIC),
	STEP("FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME", FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, "timeout", -ETIMEDOUT, .mask = 1, .deadline = REALTIME),
	PRIVATE(FUTEX_WAIT_BITSET, "eagain", -EAGAIN, .value = 1, .mask = 1),
	PRIVATE(FUTEX_WAIT_BITSET, "interrupted", -EINTR, .exit = -ERESTARTSYS, .mask = 1, .help = BREAK),
	PRIVATE(FUTEX_WAIT_BITSET, "empty mask", -EINVAL),
	SHARED(FUTEX_WAKE, "nobody", 0, .value = 1),
	PRIVATE(FUTEX_WAKE, "nobody", 0, .value = 1),
	PRIVATE(FUTEX_WAKE, "unaligned", -EINVAL, ODD, .value = 1),
	SHARED(FUTEX_WAKE, "bad address", -EFAULT, UNMAPPED, .value = 1),
	PRIVATE(FUTEX_WAKE_BITSET, "nobody", 0, .value = 1, .mask = 1),
	PRIVATE(FUTEX_WAKE_BITSET, "empty mask", -EINVAL, .value = 1),
	PRIVATE(FUTEX_LOCK_PI, "acquired", 0),
	PRIVATE(FUTEX_LOCK_PI, "timeout", -ETIMEDOUT, .owner = MAIN, .deadline = REALTIME),
	PRIVATE(FUTEX_LOCK_PI, "own lock", -EDEADLK, .owner = SELF),
	PRIVATE(FUTEX_LOCK_PI, "no such owner", -ESRCH, .owner = NO_SUCH),
	PRIVATE(FUTEX_TRYLOCK_PI, "held", -EAGAIN, .owner = MAIN),
	PRIVATE(FUTEX_UNLOCK_PI, "not the owner", -EPERM, .owner = MAIN),
	SHARED(NO_OPERATION, "no such operation", -ENOSYS),
};
#define STEPS (sizeof steps / sizeof *steps)

// The calls made to help along, and the second half of the restarted waits
static const struct step consequences[] = {
	SHARED(FUTEX_WAKE, "woke one", 1),
	PRIVATE(FUTEX_WAKE, "woke one", 1),
	PRIVATE(FUTEX_WAKE, "woke one after a restart", 1),
	PRIVATE(FUTEX_WAKE_BITSET, "no mask in common", 0),
	PRIVATE(FUTEX_WAKE_BITSET, "woke one", 1),
	PRIVATE(FUTEX_WAIT, "second half of a restarted wait", 0),
};
#define CONSEQUENCES (sizeof consequences / sizeof *consequences)
