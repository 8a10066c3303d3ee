# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The kernel that a suite runs on; after common.bash. Those who source this set $vm and
# $build:
#
#	use_kernel debian13
#	build_modules
#	build_guest
#	build_programs daemon/softofflined
#	"$vm/lib/mkinitramfs" "${kernel_modules[@]}" --ko "$modules/mcgen.ko" \
#		--binary "$guest/victim" --binary "$programs/daemon/softofflined" ...
#	"$vm/lib/run-vm" --kernel "$kernel" ...
#
# shellcheck disable=SC2034,SC2154

# What lib/kernel prints, the arguments by which mkinitramfs finds this kernel's modules and
# libraries, and where the test modules for it and the programs for its VM are. $programs
# may be set before to where meson built them, and $meson_options to what they are to be
# made with if they are not there.
kernel='' release='' arch='' module_root='' headers='' build_root=''
kernel_modules=()
modules='' guest='' programs=''
meson_options=()
# Of another architecture than this machine's: what make and meson have to know.
cross_make=() cross_meson=()

# use_kernel NAME [OPTION...]: of lib/kernel; sets all these, and $kernel_name. Ends with
# its status if there is no such kernel.
use_kernel()
{
	local said name
	said=$("$vm/lib/kernel" "$@") || exit
	eval "$said"
	kernel_name=$name
	kernel_modules=(--kernel-version "$release" --module-root "$module_root")
	guest=$build/guest
	[ "$arch" != "$(uname -m)" ] || return 0
	kernel_modules+=(--sysroot "$build_root")
	guest=$build/guest-$arch
	cross_make=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
	cross_meson=(--cross-file "$vm/lib/arm64.ini")
}

# in_build_root FOLDER COMMAND...: where this kernel's modules are built; FOLDER is what it
# writes to.
in_build_root()
{
	local folder=$1 source
	source=$(cd "$vm/../.." && pwd)
	shift
	"$source/tests/root/run" "$build_root" --bind-ro "$source:$source" \
		--bind "$folder:$folder" --chdir "$source" -- "$@"
}

# full_path FOLDER: made if it is not there.
full_path()
{
	mkdir -p "$1" && (cd "$1" && pwd)
}

# build_modules: the test modules, with the compiler that this kernel's own are made with.
build_modules()
{
	local run=()
	modules=$(full_path "$build/modules-$release")
	[ -z "$build_root" ] || run=(in_build_root "$modules")
	${run[@]+"${run[@]}"} make -s -C "$vm/modules" BUILD="$modules" KDIR="$headers" \
		${cross_make[@]+"${cross_make[@]}"}
}

# build_guest: the programs of tests/vm/guest.
build_guest()
{
	local run=()
	guest=$(full_path "$guest")
	[ ${#cross_make[@]} -eq 0 ] || run=(in_build_root "$guest")
	${run[@]+"${run[@]}"} make -s -C "$vm/guest" BUILD="$guest" \
		${cross_make[@]+"${cross_make[@]}"}
}

# build_programs TARGET...: of meson, in $programs, where they are made unless they are
# there; for another architecture in the build root.
build_programs()
{
	local run=() log=$build/ninja.log
	if [ ${#cross_meson[@]} -eq 0 ]; then
		programs=${programs:-$build/meson}
	else
		programs=$(full_path "${programs:-$build/meson-$arch}")
		run=(in_build_root "$programs")
	fi
	[ -e "$programs/build.ninja" ] ||
		${run[@]+"${run[@]}"} meson setup "$programs" "$(cd "$vm/../.." && pwd)" \
			${cross_meson[@]+"${cross_meson[@]}"} \
			${meson_options[@]+"${meson_options[@]}"} >"$build/meson.log" ||
		{ cat "$build/meson.log" >&2; return 1; }
	${run[@]+"${run[@]}"} ninja -C "$programs" "$@" >"$log" || { cat "$log" >&2; return 1; }
}

# tool NAME: the path of a program that is not ours, of the VM's architecture.
tool()
{
	if [ ${#cross_make[@]} -eq 0 ]; then
		command -v "$1" || die "no $1 here"
	else
		echo "$build_root/usr/bin/$1"
	fi
}

# use_system: the Debian that goes with the kernel. Sets $suite, for mkrootfs.
use_system()
{
	case $kernel_name in
	debian13 | backports) suite=trixie ;;
	*) suite=bookworm ;;
	esac
}
