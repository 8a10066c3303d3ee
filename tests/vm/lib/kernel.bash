# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The kernel that a suite runs on; after common.bash. Those who source this set $vm and
# $build:
#
#	use_kernel debian13
#	build_modules
#	"$vm/lib/mkinitramfs" "${kernel_modules[@]}" --ko "$modules/mcgen.ko" ...
#	"$vm/lib/run-vm" --kernel "$kernel" ...
#
# shellcheck disable=SC2034,SC2154

# What lib/kernel prints, the arguments by which mkinitramfs finds this kernel's modules,
# and where the test modules for it are.
kernel='' release='' module_root='' headers='' build_root=''
kernel_modules=()
modules=

# use_kernel NAME [OPTION...]: of lib/kernel; sets all these, and $kernel_name. Ends with
# its status if there is no such kernel.
use_kernel()
{
	local said name arch
	said=$("$vm/lib/kernel" "$@") || exit
	eval "$said"
	kernel_name=$name
	kernel_modules=(--kernel-version "$release" --module-root "$module_root")
}

# build_modules: the test modules, with the compiler that this kernel's own are made with.
build_modules()
{
	local source=$vm/modules run=()
	modules=$build/modules-$release
	mkdir -p "$modules"
	modules=$(cd "$modules" && pwd)
	if [ -n "$build_root" ]; then
		run=("$vm/../root/run" "$build_root" --bind-ro "$source:$source"
			--bind "$modules:$modules")
	fi
	${run[@]+"${run[@]}"} make -s -C "$source" BUILD="$modules" KDIR="$headers"
}
