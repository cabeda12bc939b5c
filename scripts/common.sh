# Sourced by the other scripts: go to the top of the checkout, and three words to speak with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:/usr/sbin:/sbin # bpftool lives there on Debian
export PATH

say() { echo "$(basename "$0"): $*" >&2; }
die() { # die STATUS MESSAGE; 77 means "cannot be done on this machine"
  local status=$1
  shift
  say "$*"
  exit "$status"
}

# stale OUTPUT INPUT...: is OUTPUT missing, or older than a file under any INPUT?
stale() {
  local output=$1
  shift
  [ ! -e "$output" ] || [ -n "$(find "$@" -newer "$output" -print -quit)" ]
}

# may_write DIRECTORY: makes it; whoever may not is told so
may_write() {
  mkdir -p "$1" || die 1 "$PWD/$1 cannot be made; the checkout is $(stat -c %U .)'s"
  [ -w "$1" ] || die 1 "user $(id -u) may not write to $PWD/$1; run it as $(stat -c %U .), whose checkout this is"
}

# One build at a time in a checkout; the lock goes with the process.
lock() {
  may_write build
  exec 9>build/.lock
  flock 9
}
unlock() { exec 9>&-; }
