#!/bin/sh
# Builds everything with warnings as errors and runs every test: unit, golden, template conformance,
# fuzz corpora, system, models of mail clients. Ends with the line "N passed, N failed".
set -eu

usage() {
	cat <<-END
	Usage: tests/run.sh [--sanitize | --thread | --valgrind | --package] [PYTEST-ARGUMENT ...]

	  --sanitize  under AddressSanitizer and UndefinedBehaviorSanitizer
	  --thread    the system tests of the daemon under ThreadSanitizer
	  --valgrind  the daemon's life under valgrind: nothing may be lost at exit
	  --package   the Debian package: built, installed, upgraded and purged in a chroot and in a
	              container that systemd boots; needs root and Debian's mirror, and takes some
	              minutes. What this machine does not allow is skipped, and the reason said.
	              MAILCONFD_RELEASE is the release of Debian (bookworm), MAILCONFD_DEBOOTSTRAP
	              a directory that keeps what debootstrap has unpacked

	Packages that are missing are installed with apt-get, as root or through sudo.
	MAILCONFD_TEST_DATA names a directory with public test data (mustache-spec/, ispdb/); tests
	that need it are skipped where it is unset. MAILCONFD_PROVIDERS is the number of random
	providers that models of mail clients are asked about (2000; 200 in the slower ways).
	END
}

cd "$(dirname "$0")/.."
mode=plain
case "${1:-}" in
--sanitize | --thread | --valgrind | --package) mode=${1#--}; shift ;;
--help) usage; exit 0 ;;
--*) usage >&2; exit 2 ;;
esac

packages="gcc meson ninja-build pkg-config python3 libmicrohttpd-dev libgnutls28-dev libxml2-dev
	libsqlite3-dev libinih-dev libjansson-dev libc-ares-dev libcurl4-gnutls-dev libseccomp-dev
	libcmocka-dev python3-pytest python3-pytest-xdist python3-cryptography openssl gnutls-bin libxml2-utils mandoc nginx apache2-bin procps
	zsh bash-completion iproute2 systemd git rpm bind9-utils dnsmasq-base dovecot-imapd dovecot-pop3d
	dovecot-submissiond dovecot-managesieved uacme pebble curl"
[ $mode != valgrind ] || packages="$packages valgrind"
[ $mode != package ] || packages="python3-pytest openssl debootstrap systemd-container iproute2 git curl"
# The tests of the package say themselves what they lack, as on a machine without a network.
./packaging/install-packages.sh $packages || [ $mode = package ]
if [ $mode = package ]; then
	mkdir -p build-package
	status=0
	/usr/bin/python3 -m pytest -q -p no:cacheprovider --junitxml=build-package/results.xml "$@" \
		tests/package || status=1
	/usr/bin/python3 tests/summary.py --all-may-be-skipped build-package/results.xml || status=1
	exit $status
fi

# Debian has promtool in prometheus, which would start a service if it were installed.
fetch_promtool() {
	command -v promtool >/dev/null && return
	tools=$PWD/build-tools
	if [ ! -x "$tools/usr/bin/promtool" ]; then
		mkdir -p "$tools"
		(cd "$tools" && apt-get -o APT::Sandbox::User=root download -qq prometheus >/dev/null && dpkg -x prometheus_*.deb . &&
			rm prometheus_*.deb) || echo "promtool could not be fetched; its tests are skipped" >&2
	fi
	PATH=$PATH:$tools/usr/bin
}

case $mode in
plain) build=build options= ;;
sanitize) build=build-sanitize options='-Db_sanitize=address,undefined' ;;
thread) build=build-thread options='-Db_sanitize=thread' ;;
# It makes memory executable, which the filter of system calls refuses.
valgrind) build=build-valgrind options='-Dseccomp=disabled' ;;
esac
if [ -d $build ]; then
	meson configure $build -Dwerror=true -Dtests=true
else
	meson setup $build -Dwerror=true -Dtests=true $options
fi
ninja -C $build
fetch_promtool

results=$build/results
rm -rf $results
mkdir -p $results
status=0
export MAILCONFD_BUILD="$PWD/$build" MAILCONFD_MODE=$mode
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS="halt_on_error=0:exitcode=66:suppressions=$PWD/tests/thread-sanitizer.supp"

case $mode in
plain | sanitize)
	meson test -C $build --no-rebuild --print-errorlogs --timeout-multiplier 4 || status=1
	cp $build/meson-logs/testlog.junit.xml $results/unit.xml
	;;
esac
# What is slow under an instrument runs what the instrument is for: threads, and the daemon's life.
case $mode in
plain | sanitize) tests="tests/clients tests/system" ;;
thread) tests="tests/system/test_life.py tests/system/test_renewal.py tests/system/test_listener.py tests/system/test_golden.py" ;;
valgrind) tests=tests/system/test_life.py ;;
esac
# Most of a test is waiting, so one more than there are processors.
/usr/bin/python3 -m pytest -q -p no:cacheprovider -n $(($(nproc) + 1)) --junitxml=$results/system.xml \
	"$@" $tests ||
	status=1
[ $mode != plain ] || echo "Not run here: the tests of the Debian package; as root, ./tests/run.sh --package does"
/usr/bin/python3 tests/summary.py $results/*.xml || status=1
exit $status
