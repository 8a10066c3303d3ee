# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The package as it is installed, for tests on the full system; after common.bash and
# kernel.bash. Those who source this set $vm, $build, $kernel_name, $source_tree (empty: it
# is built) and $builddir (empty or not for /usr: one of our own).

# own_suite: of this machine, if it is a Debian.
own_suite()
{
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME-}") 2>/dev/null || true
}

# for_usr DIR: a build folder whose programs look for their files below /usr.
# shellcheck disable=SC2317  # quietly calls what follows
for_usr()
{
	[ -n "$1" ] && meson introspect --buildoptions "$1" |
		grep -q '"name": "prefix", "value": "/usr"[,}]'
}

# build_elsewhere: what is to run on another Debian is built in a root of that one.
# shellcheck disable=SC2317,SC2154
build_elsewhere()
{
	local source root
	source=$(cd "$vm/../.." && pwd)
	source_tree=$build/system-$suite-destdir
	root=$("$source/tests/root/deps" --suite "$suite" build) || return
	rm -rf "$source_tree"
	mkdir -p "$source_tree" "$build/system-$suite" || return
	"$source/tests/root/run" "$root" --bind-ro "$source:/mnt/source" \
		--bind "$build/system-$suite:/mnt/build" --bind "$source_tree:/mnt/tree" \
		sh -ec '[ -e /mnt/build/build.ninja ] || meson setup /mnt/build /mnt/source \
				--prefix=/usr --sysconfdir=/etc --localstatedir=/var -Dtests=false
			ninja -C /mnt/build && meson install -C /mnt/build --destdir /mnt/tree'
}

# shellcheck disable=SC2317,SC2154
build_package()
{
	if [ "$suite" != "$(own_suite)" ]; then
		build_elsewhere
		return
	fi
	need meson meson
	source_tree=$build/system-destdir
	rm -rf "$source_tree"
	if ! for_usr "$builddir"; then
		builddir=$build/system-meson
		[ -e "$builddir/build.ninja" ] ||
			meson setup "$builddir" "$vm/../.." --prefix=/usr \
				--sysconfdir=/etc --localstatedir=/var -Dtests=false
	fi
	meson install -C "$builddir" --destdir "$source_tree"
}

# quietly COMMAND...: shows the output of COMMAND only if it fails.
quietly()
{
	"$@" >"$build/system-build.log" 2>&1 || {
		tail -n 30 "$build/system-build.log" >&2
		die "this failed: $*"
	}
}

# readme_lines: what README.md's Install section has an administrator do on the machine
# where the package is installed; its other lines build and install it.
readme_lines()
{
	awk '/^## / { on = $0 == "## Install" }
		on && /^```/ { code = !code; next }
		on && code && !/^(scripts\/deps|meson|ninja) /' "$vm/../../README.md"
}

# deb_tree TREE: the .deb of scripts/package in the folder $debs, to be installed on the machine
# by its own dpkg before it boots, and a later one to be installed there by the test. There
# must be one of each.
# shellcheck disable=SC2154
deb_tree()
{
	local tree=$1 first later
	first=$(newest "$debs"/softofflined_*-1_*.deb)
	later=$(newest "$debs"/softofflined_*-1+again_*.deb)
	if [ -z "$first" ] || [ -z "$later" ]; then
		die "--deb: in $debs there are no two: scripts/package deb --twice --output $debs"
	fi
	rm -rf "$tree"
	mkdir -p "$tree/vm/package"
	cp "$first" "$tree/vm/package/first.deb"
	cp "$later" "$tree/vm/package/later.deb"
	cp "$vm/lib/install-deb" "$tree/vm/prepare"
	cp "$vm"/system/*.sh "$tree/vm/"
	readme_lines >"$tree/vm/lines"
}

# make_tree TREE: the package, built if need be, as a tree for mksystem. The image's
# /lib is a symlink, which a folder of that name would replace; the unit is enabled as
# an administrator does it.
make_tree()
{
	local tree=$1
	[ -n "$source_tree" ] || quietly build_package
	rm -rf "$tree"
	cp -a "$source_tree" "$tree"
	if [ -d "$tree/lib" ]; then
		mkdir -p "$tree/usr/lib"
		cp -a "$tree/lib/." "$tree/usr/lib/"
		rm -r "${tree:?}/lib"
	fi
	[ -x "$tree/usr/sbin/softofflined" ] ||
		die "--tree: no /usr/sbin/softofflined in $source_tree"
	systemctl --quiet --root="$tree" enable softofflined.service 2>/dev/null
	mkdir -p "$tree/vm"
	# What README.md's lines do where it is installed, on the machine before it boots.
	printf '#!/bin/sh\nexec systemd-sysusers\n' >"$tree/vm/prepare"
	cp "$vm"/system/*.sh "$tree/vm/"
	readme_lines >"$tree/vm/lines"
}
