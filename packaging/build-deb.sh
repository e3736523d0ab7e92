#!/bin/sh
# Builds the Debian package of the last commit: see --help.
set -eu

usage() {
	cat <<-END
	Usage: packaging/build-deb.sh [--source] [DIRECTORY]

	Builds the package of what is committed into DIRECTORY (build-deb), in place of one that was
	built there before. Packages that the build needs and that are missing are installed with
	apt-get, as root or through sudo.

	  --source  only make the source tree, DIRECTORY/mailconfd-VERSION, for dpkg-buildpackage
	            to be run in
	END
}

source_only=no
case ${1:-} in
--source) source_only=yes; shift ;;
--help) usage; exit 0 ;;
-*) usage >&2; exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2; exit 2; }

cd "$(dirname "$0")/.."
directory=${1:-build-deb}
version=$(packaging/version.sh)
tree=$directory/mailconfd-$version

rm -rf "$tree"
mkdir -p "$tree"
git archive HEAD | tar -x -C "$tree"
echo "$version" >"$tree/version"
cp -r "$tree/packaging/debian" "$tree/debian"
# Between releases the changelog says of what the package was made.
if ! head -n 1 "$tree/debian/changelog" | grep -qF "($version)"; then
	{
		printf 'mailconfd (%s) unstable; urgency=medium\n\n' "$version"
		printf '  * Built from commit %s.\n\n' "$(git rev-parse HEAD)"
		printf ' -- The mailconfd authors <mailconfd@example.org>  %s\n\n' "$(git log -1 --format=%aD)"
		cat "$tree/packaging/debian/changelog"
	} >"$tree/debian/changelog"
fi
if [ $source_only = yes ]; then
	echo "$tree"
	exit 0
fi

./packaging/install-packages.sh dpkg-dev debhelper
# Those of an earlier version: apt, given both, does not take the newer.
rm -f "$directory"/mailconfd_* "$directory"/mailconfd-dbgsym_*
cd "$tree"
dpkg-checkbuilddeps 2>/dev/null || {
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	echo "Installing what the build needs"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get build-dep -y -qq ./ >/dev/null
}
dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary
cd - >/dev/null
rm -rf "$tree"
ls "$directory"/*.deb
