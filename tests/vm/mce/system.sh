#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the full-system VM: the units as installed, beside the kernel's own collector. The
# threshold is taken over and given back by softofflined-cec.service, whatever ends the
# daemon, and the daemon, which does not see debugfs, knows.
#
# shellcheck disable=SC1091,SC2154,SC2317

. /vm/guest.sh
. /vm/common.sh

cec=softofflined-cec.service
threshold=/sys/kernel/debug/ras/cec/action_threshold
injector=/sys/kernel/debug/mce-inject

mce()
{
	for word in flags=sw cpu=0 status=0x8c00004000010090 misc=0x86 \
		"addr=$(printf '0x%x' $(($1 * 4096 + 64)))" bank=7; do
		echo "${word#*=}" >"$injector/${word%%=*}" || return 1
	done
}

threshold_is()
{
	[ "$(cat $threshold)" = "$1" ]
}

threshold_comes()
{
	wait_until 20 threshold_is "$1" || same "$1" "$(cat $threshold)"
}

status_is()
{
	[ "$(json status "$1")" = "$2" ]
}

status_comes()
{
	wait_until 20 status_is "$1" "$2" || same "$2" "$(json status "$1")"
}

cec_prop()
{
	systemctl show --value --property="$1" "$cec"
}

own()
{
	mkdir -p "$drop_ins"
	printf '[Kernel]\nSoftOfflineControl=%s\n' "$1" >"$drop_ins/own.conf"
}

part 'as installed'
check 'the daemon runs' wait_until 30 running
check 'the part beside it has left its word' same active "$(cec_prop ActiveState)"
check 'the word is of this boot' has "$(cat /run/softofflined-cec/state)" \
	"^$(cat /proc/sys/kernel/random/boot_id) active 2 -1\$"
main=$(prop MainPID)
check 'the daemon does not see debugfs' [ -z "$(ls /proc/"$main"/root/sys/kernel/debug)" ]
check 'and knows that the collector runs' status_comes .kernel.ras_cec active
check 'and that it acts' status_comes .kernel.ras_cec_acts true
check 'and from which error on' status_comes .kernel.ras_cec_threshold 2
check 'the threshold is as the kernel has it' threshold_is 2
check 'exposure of the part: at most 1.0' systemd-analyze security --no-pager \
	--threshold=10 "$cec"

part 'SoftOfflineControl=own'
own own
check 'a reload takes the threshold over' systemctl reload "$unit"
check 'it is the maximum' threshold_comes 1023
check 'the daemon knows' status_comes .kernel.ras_cec_acts false
victim_start v 8
first=$(victim_pfn v 1)
mce "$first"
mce "$first"
check 'the daemon takes a page with two errors' wait_until 20 page_is "$first" offlined
check 'by its policy' same page-threshold "$(page "$first" reason)"
check 'the kernel took none' sh -c "! dmesg | grep -q 'RAS: Soft-offlining pfn'"
check 'what it was is noted' has "$(cat /run/softofflined-cec/former)" ' 2 1023$'

part 'given back'
check 'systemctl restart' systemctl restart "$unit"
check 'takes it again' threshold_comes 1023
check 'the daemon is killed' systemctl kill --signal=KILL "$unit"
check 'the kernel has its threshold' threshold_comes 2
check 'the daemon comes again' wait_until 30 running
check 'and the threshold is taken again' threshold_comes 1023
check 'stop' systemctl stop "$unit"
check 'gives it back' threshold_comes 2
check 'no note is left' [ ! -e /run/softofflined-cec/former ]
check 'start' systemctl start "$unit"
check 'takes it' threshold_comes 1023
own leave
check 'a reload with leave' systemctl reload "$unit"
check 'gives it back, while the daemon runs' threshold_comes 2
check 'the daemon knows that, too' status_comes .kernel.ras_cec_acts true

part 'not ours'
own own
check 'taken' systemctl reload "$unit"
check 'it is the maximum again' threshold_comes 1023
echo 7 >$threshold
check 'somebody changes it, and stop' systemctl stop "$unit"
check 'leaves it as it is' threshold_comes 7
check 'start, with a word that is of another boot' sh -c "sed -i 's/^[^ ]*/x/' \
	/run/softofflined-cec/state; systemctl start $unit"
check 'it is taken and the word is new' threshold_comes 1023
check 'the refused configuration' sh -c \
	"echo '[Kernel]
SoftOfflineControl=perhaps' >$drop_ins/own.conf; ! systemctl reload $unit"
check 'changes nothing' threshold_is 1023
check 'a failed daemon (78)' sh -c "! systemctl restart $unit"
check 'has given it back' threshold_comes 7
rm "$drop_ins/own.conf"
vm_done
