#!/bin/sh
# Provides Debian packages without what their installation starts, such as a service or a timer:
# unpack-servers.sh DIRECTORY PACKAGE...
#
# Those that are not installed are unpacked into DIRECTORY, and the libraries that they need are installed. Each of
# their programs gets a wrapper in DIRECTORY/bin that runs it as if the package were installed: paths are compiled
# in, so the wrapper lays the unpacked /usr over that of the machine, in a mount namespace.
# shellcheck disable=SC2086 # lists of words are split
set -eu

directory=$1
shift
missing=
for package; do
	[ -e "$directory/$package" ] || dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "Unpacking:$missing"

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
wanted=$(apt-get install --simulate --no-install-recommends $missing | sed -n 's/^Inst \([^ ]*\).*/\1/p')
libraries='' unpacked=''
for name in $wanted; do
	case $name in
	dovecot-* | nginx | nginx-common | certbot | prometheus) unpacked="$unpacked $name" ;;
	libjs-* | fonts-*) ;; # of a web interface that nobody looks at
	*) libraries="$libraries $name" ;;
	esac
done
"$(dirname "$0")/../packaging/install-packages.sh" $libraries

mkdir -p "$directory/bin"
cd "$directory"
apt-get -o APT::Sandbox::User=root download -qq $unpacked >/dev/null
for file in *.deb; do
	dpkg -x "$file" .
	rm "$file"
done
for program in usr/bin/* usr/sbin/*; do
	[ -e "$program" ] || continue
	cat >"bin/${program##*/}" <<-END
	#!/bin/sh
	[ "\$(id -u)" = 0 ] || exec "$PWD/$program" "\$@"
	exec unshare --mount sh -c 'mount -t overlay -o "lowerdir=\$0:/usr" overlay /usr && exec "\$@"' "$PWD/usr" "/$program" "\$@"
	END
	chmod +x "bin/${program##*/}"
done
touch $missing
