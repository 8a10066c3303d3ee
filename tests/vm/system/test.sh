#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the full-system VM: the package as installed, part by part. The order
# matters, each part goes on with what the one before has left.
#
# shellcheck disable=SC1091,SC2154  # they are there inside the VM

. /vm/guest.sh
. /vm/common.sh

mkdir -p "$out" "$drop_ins"
for script in unit sandbox pages journal bus cli users operator reload \
	neighbours restart refused; do
	# shellcheck disable=SC1090
	. "/vm/$script.sh"
done

cp "$prom" "$out/last.prom"
journalctl --boot --no-pager --output=short-monotonic >"$out/journal.txt"
softofflinectl history >"$out/history.txt" 2>&1
tar -cf /dev/vdb -C "$out" .
vm_done
