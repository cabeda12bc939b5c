# Sourced by what fetches kernels: the Debian kernels that ktrace is tested on, and where apt finds them.

# Each line: a kernel, and the Debian suite that has it.
readonly versions="\
5.10 bullseye
6.1 bookworm
6.12 trixie
7.2 sid"

suite_of() { # VERSION
  local version suite
  while read -r version suite; do
    [ "$version" != "$1" ] || { echo "$suite"; return; }
  done <<<"$versions"
  die 2 "no kernel $1; there are $(echo "$versions" | cut -d ' ' -f 1 | paste -sd ' ')"
}

# The mirror of this machine's apt configuration.
debian_mirror() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' | head -n 1)
  [ -n "$mirror" ] || mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  [ -n "$mirror" ] || die 77 "no Debian mirror in this machine's apt configuration"
  echo "$mirror"
}

# A line of sources.list.
debian_source() { # SUITE [ARCHITECTURE,...]
  local mirror
  mirror=$(debian_mirror)
  echo "deb [arch=${2:-amd64} signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main"
}

# An apt of our own in DIRECTORY: the machine's mirror, proxy and keys, but not its suites, lists and state.
own_apt() { # DIRECTORY SUITE ARCHITECTURE...
  local apt=$1 suite=$2 architectures
  shift 2
  architectures=$(printf '"%s"; ' "$@")
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  debian_source "$suite" "$(IFS=,; echo "$*")" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::State::status "/dev/null";
Dir::Cache "$apt/cache";
APT::Architecture "$1";
APT::Architectures { $architectures};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false"; // an old suite's index is no longer renewed
END
  export APT_CONFIG=$apt/apt.conf
}

# What Debian calls the newest kernel of a version, going by apt's lists.
newest_release() { # VERSION
  apt-cache pkgnames "linux-image-$1." | sed -n 's/^linux-image-\([0-9.]*\(-[0-9]*\|+deb[0-9]*\)-amd64\)$/\1/p' | sort -V | tail -n 1
}
