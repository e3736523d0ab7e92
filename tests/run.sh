#!/bin/sh
# Builds everything with warnings as errors and runs groups of tests. Ends with the line "N passed, N failed".
# shellcheck disable=SC2086 # lists of words are split
set -eu

usage() {
	cat <<-END
	Usage: tests/run.sh [--GROUP ... | --all] [PYTEST-ARGUMENT ...]

	Groups of tests (default: --fast):
	  --lint           clang-format, clang-tidy, cppcheck, shellcheck, codespell
	  --fast           unit tests, parsers on their corpora, golden files, all tests without another
	                   server, and for each other server one test that succeeds and one that fails
	  --engines        the other tests with servers: pebble, Dovecot, dnsmasq, nginx, Apache
	  --soak           much data, many random cases
	  --sanitize       AddressSanitizer and UndefinedBehaviorSanitizer: hostile input to C code
	  --sanitize-rest  the same for all other tests
	  --thread         ThreadSanitizer: the daemon's life
	  --valgrind       valgrind: the daemon's life; nothing may be lost at exit
	  --boot           the Debian package in a container that systemd boots: build, installation, start
	  --package        everything about the Debian package, also upgrade, removal and purge
	  --all            all groups, as before a release

	--boot and --package need root and a Debian mirror. What this machine does not allow is skipped
	with a reason. MAILCONFD_RELEASE is the release of Debian (default: bookworm),
	MAILCONFD_DEBOOTSTRAP a directory that keeps unpacked releases.

	Missing packages are installed with apt-get, as root or through sudo.
	MAILCONFD_TEST_DATA is a directory with public test data (mustache-spec/, ispdb/); without it,
	tests that need it are skipped.
	END
}

cd "$(dirname "$0")/.."
groups=
while [ $# -gt 0 ]; do
	case $1 in
	--lint | --fast | --engines | --soak | --sanitize | --sanitize-rest | --thread | --valgrind | --boot | --package)
		groups="$groups ${1#--}" ;;
	--all) groups="lint fast engines soak sanitize sanitize-rest thread valgrind package" ;;
	--help) usage; exit 0 ;;
	--*) usage >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
groups=${groups:-fast}

has_group() {
	for name; do
		case " $groups " in *" $name "*) return 0 ;; esac
	done
	return 1
}

packages="gcc meson ninja-build pkg-config python3 libmicrohttpd-dev libgnutls28-dev libxml2-dev
	libsqlite3-dev libinih-dev libjansson-dev libc-ares-dev libcurl4-gnutls-dev libseccomp-dev
	libcmocka-dev python3-pytest python3-pytest-xdist python3-cryptography openssl gnutls-bin libxml2-utils mandoc
	apache2-bin procps zsh bash-completion iproute2 systemd git rpm bind9-utils dnsmasq-base uacme pebble curl"
servers="prometheus nginx dovecot-imapd dovecot-pop3d dovecot-submissiond dovecot-managesieved"
! has_group valgrind || packages="$packages valgrind"
! has_group engines || packages="$packages lego" servers="$servers certbot"
! has_group lint || ./packaging/install-packages.sh clang clang-format clang-tidy cppcheck shellcheck codespell
if has_group lint fast engines soak sanitize sanitize-rest thread valgrind; then
	./packaging/install-packages.sh $packages
	./tests/unpack-servers.sh build-tools $servers || echo "some servers are missing; their tests are skipped" >&2
	PATH=$PATH:$PWD/build-tools/bin:/usr/sbin:/sbin
fi
# The tests of the package report what is missing, as on a machine without a network.
! has_group boot package ||
	./packaging/install-packages.sh python3-pytest openssl debootstrap systemd-container iproute2 git curl || true

export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS="halt_on_error=0:exitcode=66:suppressions=$PWD/tests/thread-sanitizer.supp"

# build DIRECTORY MESON-OPTIONS TARGET...
build() {
	directory=$1 options=$2
	shift 2
	if [ -d "$directory" ]; then
		meson configure "$directory" -Dwerror=true -Dtests=true
	else
			meson setup "$directory" -Dwerror=true -Dtests=true $options
	fi
	ninja -C "$directory" "$@"
	export MAILCONFD_BUILD="$PWD/$directory"
}

# unit_tests GROUP DIRECTORY
unit_tests() {
	meson test -C "$2" --no-rebuild --print-errorlogs --timeout-multiplier 4 || status=1
	cp "$2/meson-logs/testlog.junit.xml" "$results/$1/unit.xml"
}

# run_pytest GROUP ARGUMENT...
run_pytest() {
	group=$1
	shift
	/usr/bin/python3 -m pytest -q --junitxml="$results/$group/pytest.xml" "$@" || status=1
}

# Most of a test is waiting, so one more than there are processors.
parallel="-n $(($(nproc) + 1))"
life="tests/system/test_life.py tests/system/test_renewal.py tests/system/test_listener.py"
daemon_targets="src/mailconfd src/mailconfctl"

# build_for GROUP
build_for() {
	case $1 in
	# clang-tidy needs options that clang knows, and the sources that are generated.
	lint) CC=clang build build-lint "" src/schema.c src/templates.c ;;
	fast | engines | soak) build build "" all ;;
	sanitize | sanitize-rest) build build-sanitize -Db_sanitize=address,undefined all ;;
	thread) build build-thread -Db_sanitize=thread $daemon_targets ;;
	# It makes memory executable, which the filter of system calls refuses.
	valgrind) build build-valgrind -Dseccomp=disabled $daemon_targets ;;
	esac
}

# run_group GROUP PYTEST-ARGUMENT...
run_group() {
	group=$1
	shift
	case $group in
	fast | engines | soak) MAILCONFD_MODE=plain ;;
	sanitize*) MAILCONFD_MODE=sanitize ;;
	*) MAILCONFD_MODE=$group ;;
	esac
	export MAILCONFD_MODE
	case $group in
	lint) run_pytest lint -n "$(nproc)" "$@" tests/lint ;;
	fast)
		unit_tests fast build
		run_pytest fast $parallel -m "ci or not (engines or soak)" "$@" tests/clients tests/system
		;;
	engines) run_pytest engines $parallel -m "engines and not ci" "$@" tests/system ;;
	soak) run_pytest soak $parallel -m soak "$@" tests/system ;;
	sanitize)
		unit_tests sanitize build-sanitize
		run_pytest sanitize $parallel -m sanitize "$@" tests/system
		;;
	sanitize-rest) run_pytest sanitize-rest $parallel -m "not sanitize" "$@" tests/clients tests/system ;;
	thread) run_pytest thread $parallel "$@" $life tests/system/test_golden.py ;;
	valgrind) run_pytest valgrind $parallel "$@" tests/system/test_life.py ;;
	boot) run_pytest boot -m ci "$@" tests/package ;;
	package) run_pytest package "$@" tests/package ;;
	esac
}

results=$PWD/build-results
rm -rf "$results"
status=0
for group in $groups; do
	echo "== $group"
	mkdir -p "$results/$group"
	begun=$(date +%s)
	build_for "$group"
	built=$(date +%s)
	run_group "$group" "$@"
	echo "$((built - begun)) $(($(date +%s) - built))" >"$results/$group/seconds"
done
/usr/bin/python3 tests/summary.py "$results" || status=1
exit $status
