// N calls of each of a list, by the classes that strace(1) knows them by. Each is made by its number, so that no library comes between.
#include "workload.h"
#include <fcntl.h>
#include <sys/socket.h>

#define CALL(class, name, ...) { #class, #name, SYS_##name, { __VA_ARGS__ } }
#define TEXT(text) (long)(text)

static const struct {
	const char *class, *name;
	long number, args[6];
} calls[] = {
	CALL(file, openat, AT_FDCWD, TEXT("/nonexistent"), O_RDONLY),
	CALL(file, faccessat, AT_FDCWD, TEXT("/"), 0),
	CALL(file, getcwd, 0, 0),
	CALL(file, fchmodat, AT_FDCWD, TEXT("/nonexistent"), 0),
	CALL(process, kill, 0, 0),
	CALL(process, wait4, -1, 0, 0, 0),
	CALL(process, execve, TEXT("/nonexistent"), 0, 0),
	CALL(network, socket, -1, -1, -1),
	CALL(network, listen, -1, 1),
	CALL(network, sendto, -1, 0, 0, 0, 0, 0),
	CALL(memory, madvise, 0, 0, 4),
	CALL(memory, mincore, 1, 1, 0),
	CALL(memory, munmap, 1, 1),
	CALL(signal, rt_sigpending, 0, 8),
	CALL(signal, rt_sigprocmask, 0, 0, 0, 8),
	CALL(signal, sigaltstack, 0, 0),
	CALL(ipc, shmdt, 1),
	CALL(ipc, semget, -1, 0, 0),
	CALL(ipc, msgrcv, -1, 0, 0, 0, 0),
	CALL(desc, close, -1),
	CALL(creds, setgroups, -1, 0),
	CALL(creds, getresuid, 0, 0, 0),
	CALL(clock, clock_settime, -1, 0),
	CALL(desc, read, -1, 0, 0),
	CALL(desc, fcntl, -1, 1),
	CALL(none, getppid, 0),
	CALL(none, sched_yield, 0),
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

int main(int argc, char **argv)
{
	long failed[CALLS] = { 0 };

	workload_begin(argc, argv, "");
	start_gate();
	for (long i = 0; i < workload.count; i++)
		for (int j = 0; j < CALLS; j++) {
			const long *args = calls[j].args;
			failed[j] += syscall(calls[j].number, args[0], args[1], args[2], args[3], args[4], args[5]) < 0;
		}

	json_begin("classes");
	json_number("count", workload.count);
	json_open("calls", '[');
	for (int j = 0; j < CALLS; j++) {
		json_open(NULL, '{');
		json_text("class", calls[j].class);
		json_text("name", calls[j].name);
		json_number("failed", failed[j]);
		json_close('}');
	}
	json_close(']');
	json_end();
}
