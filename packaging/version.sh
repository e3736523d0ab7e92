#!/bin/sh
# Prints the version: of a release as in 1.2.3; N commits after it as in 1.2.3+N.gHASH, which package
# managers sort after the release and before the next one.
set -eu
cd "$(dirname "$0")/.."

# The commit that changes this line is the release, and gets the tag "v" and the version.
release=0.9.0

# A source tree made by build-deb.sh has no history, so it contains its version.
if [ -e version ]; then
	cat version
	exit
fi

# shellcheck disable=SC2016 # 'git archive' replaces this
described='$Format:%(describe:tags,match=v[0-9]*)$'
if [ -e .git ]; then
	described=$(git describe --tags --match 'v[0-9]*' 2>/dev/null) || {
		base=$(git log -1 --format=%H -G'^release=' -- packaging/version.sh)
		described=v$release-$(git rev-list --count "${base:-HEAD}..HEAD")-g$(git rev-parse --short HEAD)
	}
fi
case $described in
v[0-9]*-0-g*) echo $release ;;
v[0-9]*-*-g*)
	tag=${described%-*-g*}
	rest=${described#"$tag"-}
	echo "${tag#v}+${rest%-g*}.g${rest##*-g}"
	;;
v[0-9]*) echo "${described#v}" ;;
*) echo $release ;;
esac
