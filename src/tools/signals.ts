/** Names of signals, as Linux has them on x86-64 and arm64 (signal(7)). */

const SIGNALS = `0 SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP
  SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS`.split(/\s+/);

/** `SIGKILL` for 9. */
export const signalName = (number: number): string => SIGNALS[number] ?? (number > 32 && number <= 64 ? `SIGRT_${number - 32}` : number === 32 ? 'SIGRTMIN' : String(number));
