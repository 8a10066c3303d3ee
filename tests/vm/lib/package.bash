# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The package as it is installed, for tests on the full system; after common.bash. Those
# who source this set $vm, $build, $source_tree (empty: it is built) and $builddir (empty
# or not for /usr: one of our own).

# quietly calls what follows.
# shellcheck disable=SC2317
# for_usr DIR: a build folder whose programs look for their files below /usr.
for_usr()
{
	[ -n "$1" ] && meson introspect --buildoptions "$1" |
		grep -q '"name": "prefix", "value": "/usr"[,}]'
}

# shellcheck disable=SC2317,SC2154
build_package()
{
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
	cp "$vm"/system/*.sh "$tree/vm/"
}
