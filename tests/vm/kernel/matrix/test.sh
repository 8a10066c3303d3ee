#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: file systems for the rows, the rows, and then most of the
# memory is taken three times over to see that no retired frame comes back (not
# with giant pages, where there is so much of it).
# /vm/options holds the arguments of matrix.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../../lib/guest.sh
. /vm/guest.sh
# shellcheck source=SCRIPTDIR/../splats.sh
. /vm/splats.sh

mkdir -p /mnt/ext4 /mnt/tmpfs /mnt/ramfs
check 'ext4' mount -t ext4 /dev/vda /mnt/ext4
check 'tmpfs' mount -t tmpfs tmpfs /mnt/tmpfs
check 'ramfs' mount -t ramfs ramfs /mnt/ramfs
echo 0 >/proc/sys/kernel/panic_on_oops

read -r options </vm/options
# shellcheck disable=SC2086  # they are words
check 'every row as expected' matrix $options
case $options in
*--giant* | *--only*) echo "(most of the memory is not taken)" ;;
*)
	check 'no retired frame in most of the memory, or free' \
		memhog --file=/tmp/retired
	check 'none in page cache or huge pages' matrix --cache /tmp/retired
	;;
esac
check 'the kernel has nothing to complain of' kernel_quiet
vm_done
