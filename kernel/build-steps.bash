# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The steps from Debian's source package to a kernel that the tests can boot.
# Whatever decides what comes out stands in here and not in kernel/build: this
# file is part of the hash under which a kernel is kept.

# Nothing of the machine or the hour gets into the result.
export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=softofflined
export KBUILD_BUILD_HOST=tests KBUILD_BUILD_VERSION=1

# kernel_make TREE ARGUMENT...: LOCALVERSION= keeps a "+" out of the release
# where the tree stands in a git checkout.
kernel_make()
{
	make -C "$1" ARCH=x86 LOCALVERSION= "${@:2}"
}

# unpack TARBALL TREE [FILE...]: all of it but register tables of graphics cards
# (380 MB of 1300, needed by one driver), or only these files.
unpack()
{
	local tarball=$1 tree=$2 top=linux-source-6.1
	shift 2
	mkdir -p "$tree"
	tar -xJf "$tarball" -C "$tree" --strip-components=1 \
		--exclude="$top/drivers/gpu/drm/amd/include" "${@/#/$top/}"
}

# apply_patch FILE TREE: no fuzz: a patch whose surroundings changed is to be
# looked at by somebody. On failure what patch(1) said is on stdout.
apply_patch()
{
	patch -p1 --fuzz=0 --forward --batch --no-backup-if-mismatch --reject-file=- \
		-d "$2" -i "$1"
}

# configure TREE FRAGMENT...: on failure the options that did not stay, on stdout.
configure()
{
	local tree=$1 line name status=0
	shift
	kernel_make "$tree" tinyconfig || return
	(cd "$tree" && scripts/kconfig/merge_config.sh -m .config \
		kernel/configs/kvm_guest.config "$@") || return
	kernel_make "$tree" olddefconfig || return
	while IFS= read -r line; do
		name=${line#\# }
		name=${name%%[= ]*}
		case $line in
		CONFIG_LOCALVERSION=*) ;; # the last fragment's holds
		\#\ CONFIG_*\ is\ not\ set)
			! grep -q "^$name=" "$tree/.config" || { echo "not off: $name"; status=1; } ;;
		CONFIG_*)
			grep -qxF "$line" "$tree/.config" || { echo "not set: $line"; status=1; } ;;
		esac
	done < <(cat "$@")
	return "$status"
}

# compile TREE JOBS: the image, and what modules outside of the tree need.
compile()
{
	kernel_make "$1" "-j$2" bzImage modules modules_prepare
}

# headers TREE OUT: enough for "make -C OUT M=...", and small.
headers()
{
	local tree=$1 out=$2
	mkdir -p "$out"
	(
		cd "$tree" || exit
		{
			printf '%s\n' Makefile Module.symvers .config tools/objtool/objtool
			find . arch/x86 -maxdepth 1 \( -name 'Makefile*' -o -name 'Kbuild*' \)
			find include scripts arch/x86/include \
				\( -type f -o -type l \) ! -name '*.o' ! -name '.*.cmd' \
				! -path 'scripts/dtc/*' ! -path 'scripts/coccinelle/*' \
				! -path 'include/dt-bindings/*' ! -path 'scripts/gcc-plugins/*'
		} | sed 's,^\./,,' | sort -u | tar -cf - --no-recursion -T -
	) | tar -xf - -C "$out"
}

# collect TREE OUT: what of a built tree is worth keeping.
collect()
{
	local tree=$1 out=$2
	mkdir -p "$out"
	cp "$tree/arch/x86/boot/bzImage" "$out/bzImage" &&
		cp "$tree/System.map" "$out/System.map" &&
		cp "$tree/.config" "$out/config" &&
		cp "$tree/include/config/kernel.release" "$out/release" &&
		headers "$tree" "$out/headers"
}
