// A lock word of the kind Rust's std::sync::Mutex has: 0 free, 1 locked, 2 locked and somebody waits. It names no owner, and
// what lies after it is data. --decoy: that data looks like the owner field of a pthread mutex and names an innocent thread.
#include "duel.h"

static struct {
	_Atomic uint32_t word;
	uint32_t poisoned;
	uint32_t data[8];
} rust_lock;

static NOINLINE void take_rust(void *lock)
{
	_Atomic uint32_t *word = lock;
	uint32_t free = 0;
	if (atomic_compare_exchange_strong(word, &free, 1))
		return;
	while (atomic_exchange(word, 2))
		futex(word, FUTEX_WAIT_BITSET_PRIVATE, 2, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
}

static NOINLINE void give_rust(void *lock)
{
	if (atomic_exchange((_Atomic uint32_t *)lock, 0) == 2)
		futex_wake(lock, 1);
}

static void stand_by(void *argument)
{
	until(*(_Atomic bool *)argument);
}

int main(int argc, char **argv)
{
	static _Atomic bool over;
	workload_begin(argc, argv, "--decoy");
	start_gate();
	struct thread bystander;
	start(&bystander, "bystander", stand_by, &over);
	if (flag("--decoy"))
		rust_lock.data[0] = bystander.tid; // at +8, where a pthread mutex has its owner

	struct duel duel = duel_of(&rust_lock, &rust_lock.word, take_rust, give_rust);
	duel_run(&duel);
	over = true;
	finish(&bystander);

	json_begin("rustlike");
	json_duel(&duel, "rust_lock");
	json_number("bystander", bystander.tid);
	json_end();
}
