#!/bin/sh
# Prints the version: that of the last release, and where commits have followed, how many and the
# last one, as in 1.2.3+4.g0123abc. It is asked of git; what 'git archive' made knows it from there.
set -eu
cd "$(dirname "$0")/.."

last_release=0.1.0 # raised with each release, for copies that know nothing of git

described='$Format:%(describe:tags,match=v[0-9]*)$'
if [ -e .git ]; then
	described=$(git describe --tags --match 'v[0-9]*' 2>/dev/null || true)
fi
case $described in
v[0-9]*-*-g*)
	tag=${described%-*-g*}
	rest=${described#"$tag"-}
	echo "${tag#v}+${rest%-g*}.g${rest##*-g}"
	;;
v[0-9]*) echo "${described#v}" ;;
*) echo $last_release ;;
esac
