# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What run and compare share, on the host: the image of a boot, and its figures. After
# common.bash and kernel.bash, and after use_kernel, build_modules and build_guest.
#
# shellcheck disable=SC2154  # of kernel.bash, and of those who source this

# storm_boot NAME OF PLAN STRICT [MKINITRAMFS-OPTION...] -- [RUN-VM-OPTION...]: boots
# NAME.sh with the lines of the file PLAN. Its figures go to OF.figures; ends with its
# status.
storm_boot()
{
	local name=$1 of=$2 plan=$3 image=() status=0
	printf '%s\n' "$4" >"$of.strict"
	shift 4
	while [ "$1" != -- ]; do
		image+=("$1")
		shift
	done
	shift
	"$vm/lib/mkinitramfs" --output "$of.cpio.gz" "${kernel_modules[@]}" \
		--script "$vm/storm/$name.sh" \
		--file "$vm/storm/storm.sh:/vm/storm.sh" \
		--file "$vm/daemon/lib.sh:/vm/lib.sh" \
		--file "$plan:/vm/plan" --file "$of.strict:/vm/strict" \
		--file "$modules/mcgen.ko:/vm/mcgen.ko" \
		--binary "$guest/victim" --binary "$guest/kpage" \
		--binary "$guest/storm" --binary "$guest/stamp" \
		"${image[@]}"
	"$vm/lib/run-vm" --kernel "$kernel" --initrd "$of.cpio.gz" --log "$of.log" "$@" \
		>"$of.out" || status=$?
	grep -v '^figure ' "$of.out" || true
	sed -n 's/^figure //p' "$of.out" >"$of.figures"
	return "$status"
}

# storm_names NAME...: (d) is two storms, of (a)'s and of (b)'s kind.
storm_names()
{
	local name
	for name; do
		case $name in
		a | b | c | d-a | d-b) echo "$name" ;;
		d) printf '%s\n' d-a d-b ;;
		*) die "no such storm: $name; there are a, b, c, d" ;;
		esac
	done
}

machine_line()
{
	printf 'QEMU %s without KVM, two CPUs, on %s; %s' \
		"$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')" \
		"$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$release"
}
