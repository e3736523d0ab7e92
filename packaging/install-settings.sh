#!/bin/sh
# Puts mailconfd.conf into a directory, where there is none yet: install-settings.sh DIRECTORY.
# Run by 'meson install'.
set -eu

directory=${DESTDIR:-}$1
file=$directory/mailconfd.conf
if [ -e "$file" ]; then
	echo "Leaving $file as it is"
	exit 0
fi
echo "Installing data/mailconfd.conf to $directory"
mkdir -p "$directory"
cp "$MESON_SOURCE_ROOT/data/mailconfd.conf" "$file"
chmod 644 "$file"
